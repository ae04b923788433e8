/* SPDX-License-Identifier: MIT */
#include "daemon/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "daemon/custody.h"
#include "daemon/manager.h"
#include "daemon/probes.h"
#include "daemon/roll.h"
#include "daemon/setup.h"
#include "daemon/setup_custody.h"
#include "util/cleanup.h"
#include "util/log.h"

/*
 * The part of contigd that needs privilege, as a process of its own: it runs
 * before the daemon, as root, for a moment, talks to nobody but the service
 * manager, and ends.  The daemon then starts as an ordinary user in a sandbox
 * that need not let it do anything of all this.
 *
 * It runs before each start, also before one that follows a crash, while the
 * manager still has what was prepared the first time, and clients have buffers
 * of it.  That must stay as it is, so what is on the roll is left alone.
 *
 * The roll is written when the manager is known to have everything: whoever is
 * killed before has prepared nothing.  It counts while the manager has its seal,
 * so that after a store was lost everything is prepared anew.
 */

#define STORE_LIMIT_MS 10000

/* The service's directory, as open descriptor. */
static int open_directory(const char *path, struct error *why)
{
	_cleanup_free_ char *first = NULL;
	int fd;

	if (!path || !*path || !manager_has_store())
		return error_set(why, -ENOENT,
				 "--prepare is for a service manager: it needs "
				 "NOTIFY_SOCKET and RUNTIME_DIRECTORY");
	first = strndup(path, strcspn(path, ":")); /* there may be several */
	if (!first)
		return error_set(why, -ENOMEM, "out of memory");
	fd = open(first, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(why, -errno, "runtime directory '%s': %s",
				 first, strerror(errno));
	return fd;
}

/* Keeps what was prepared before: 0, or 1: nothing was.  A negative errno: there
 * is something, which must not be prepared anew while it may be lent. */
static int keep_prepared(struct setup *setup, int directory_fd,
			 struct error *why)
{
	struct list tracts = LIST_INIT(tracts);
	struct error own = ERROR_INIT;
	struct tract *tract;
	int r = roll_read(directory_fd, &tracts, &own);

	if (error_may_pass(r))
		return error_set(why, r, "%s", own.text);
	if (r < 0 && r != -ENOENT)
		log_warning("%s; everything is prepared anew", own.text);
	while ((tract = list_first(&tracts, struct tract, link))) {
		list_remove(&tract->link);
		setup_keep_consume(setup, tract);
	}
	return r < 0;
}

static bool is_anything_new(const struct setup *setup)
{
	const struct tract *tract;

	list_for_each (tract, &setup->tracts, link)
		if (!tract->kept)
			return true;
	return false;
}

/* Opens what is new and leaves it with the manager. */
static int open_and_leave(struct setup *setup, struct probes *probes,
			  struct error *why)
{
	int r;

	probes_run(probes, setup->options);
	setup_open(setup);
	r = setup_leave(setup, why);
	if (r == 0)
		r = custody_leave_probes(probes, why);
	if (r == 0)
		r = manager_prove_store(STORE_LIMIT_MS, why);
	return r;
}

/* The list gets its name last: without its seal in the store it would say that
 * everything is lost, and what clients use would be prepared once more. */
static int write_down(const struct list *tracts, int directory_fd,
		      struct error *why)
{
	_cleanup_fd_ int seal_fd = roll_draft(directory_fd, tracts, why);
	uint64_t former = roll_number(directory_fd);
	int r;

	if (seal_fd < 0)
		return seal_fd;
	r = custody_leave_seal(roll_seal_number(seal_fd), seal_fd, why);
	if (r == 0)
		r = manager_prove_store(STORE_LIMIT_MS, why);
	if (r == 0)
		r = roll_enact(directory_fd, why);
	if (r == 0)
		custody_withdraw_seal(former);
	return r;
}

static int prepare(struct setup *setup, const struct setup_tree *tree,
		   int directory_fd, struct probes *probes, struct error *why)
{
	int is_first = keep_prepared(setup, directory_fd, why);
	int r;

	if (is_first < 0)
		return is_first;
	r = setup_devicetree(setup, tree, why);
	if (r < 0)
		return r;
	setup_configured(setup);
	setup_compare(setup);
	if (!is_first && !is_anything_new(setup))
		return 0;
	r = open_and_leave(setup, probes, why);
	if (r < 0)
		return r;
	return write_down(&setup->tracts, directory_fd, why);
}

int prepare_run(const struct configuration *config,
		const struct setup_tree *tree,
		const struct backend_options *options,
		const char *runtime_directory, struct error *why)
{
	_cleanup_fd_ int directory_fd = open_directory(runtime_directory, why);
	_cleanup_(setup_deinit) struct setup setup;
	struct probes probes = {.n = 0};

	setup_init(&setup, config, options, &probes);
	if (directory_fd < 0)
		return directory_fd;
	return prepare(&setup, tree, directory_fd, &probes, why);
}
