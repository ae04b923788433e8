/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/configuration.h"
#include "daemon/banner.h"
#include "daemon/command_line.h"
#include "daemon/inheritance.h"
#include "daemon/journal.h"
#include "daemon/lender.h"
#include "daemon/listening.h"
#include "daemon/loop.h"
#include "daemon/manager.h"
#include "daemon/policy.h"
#include "daemon/prepare.h"
#include "daemon/privilege.h"
#include "daemon/pulse.h"
#include "daemon/server.h"
#include "daemon/service.h"
#include "daemon/setup.h"
#include "daemon/setup_custody.h"
#include "daemon/setup_devicetree.h"
#include "daemon/timeslice.h"
#include "daemon/vault.h"
#include "util/cleanup.h"
#include "util/log.h"

#include "config.h"

/*
 * contigd: from its options to the loop and back out.  Everything that happens
 * in between is in the library that the tests link too.
 *
 * The daemon starts without any memory to lend: its status then tells why, and
 * that is worth more to somebody who sets up a board than a unit that has
 * failed.  It does not start without a socket, or with options or a
 * configuration file, given by name, that it cannot read.
 *
 * Privilege is for the first half of the way: the socket and the memory.  The
 * lender, with its thread, and the first client come when it is gone.
 *
 * SIGTERM and SIGINT end it: the socket goes first, then the connections; what
 * clients hold they keep, and the vault keeps the record of it.  SIGHUP is
 * ignored: a region cannot change its configuration while it is lent, so there
 * is nothing to read anew.
 */

#define EXIT_USAGE	 2
#define HEAP_SPARE_BYTES 16384
#define STORE_PROOF_MS	 5000

struct contigd {
	struct command_line line;
	struct configuration config;
	struct policy policy;
	struct config_identity identity; /* whom it runs as */
	struct service service;
	struct backend_options options;
	struct inheritance inheritance;
	struct setup setup;
	struct listening listening;
	struct loop *loop;
	struct vault *vault; /* NULL: buffers end with the daemon */
	struct lender *lender;
	struct server *server;
	struct catcher *on_term;
	struct catcher *on_int;
	struct pulse *pulse;
	struct banner *banner;
	uint64_t max_files;
};

static void complain(void *data, const char *text)
{
	(void)data;
	log_warning("%s", text);
}

static int read_configuration(struct contigd *contigd, struct error *why)
{
	const char *path = contigd->line.config;
	int r;

	r = config_read_file(&contigd->config, path ? path : CONFIG_DEFAULT_PATH,
			     complain, NULL, why);
	if (r < 0 && (path || r != -ENOENT))
		return r;
	return command_line_apply(&contigd->line, &contigd->config, why);
}

/* Every buffer costs descriptors: as many as the process may have. */
static uint64_t raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

static void on_end(void *data, int signo)
{
	struct contigd *contigd = data;

	log_info("%s: ending", strsignal(signo));
	manager_stopping();
	loop_stop(contigd->loop);
}

static int make_loop(struct contigd *contigd)
{
	int r;

	r = loop_new(&contigd->loop);
	if (r == 0)
		r = catcher_new(&contigd->on_term, contigd->loop, SIGTERM,
				on_end, contigd);
	if (r == 0)
		r = catcher_new(&contigd->on_int, contigd->loop, SIGINT, on_end,
				contigd);
	return r;
}

/* The service manager's socket, or else one of the daemon's own. */
static int listen_to_clients(struct contigd *contigd, struct error *why)
{
	const struct configuration *config = &contigd->config;
	const char *path =
		config->socket ? config->socket : CONTIG_DEFAULT_SOCKET;
	const struct listening_owner owner = {
		.uid = contigd->identity.uid,
		.gid = config->has_socket_group ? config->socket_group
						: contigd->identity.gid,
	};
	int fd = manager_listen_fd(&contigd->inheritance, why);

	if (fd == -ENOENT)
		return listening_open(&contigd->listening, path, &owner, why);
	if (fd < 0)
		return fd;
	listening_adopt_consume(&contigd->listening, fd);
	return 0;
}

static struct setup_tree tree_of(const struct contigd *contigd)
{
	return (struct setup_tree){
		.dtb = contigd->line.dtb,
		.tree = contigd->line.tree,
	};
}

static int open_memory(struct contigd *contigd, struct error *why)
{
	const struct setup_tree tree = tree_of(contigd);
	int r;

	r = setup_claim(&contigd->setup, &contigd->inheritance,
			&contigd->service.probes, why);
	if (r != 0)
		return r < 0 ? r : 0;
	probes_run(&contigd->service.probes, &contigd->options);
	r = setup_devicetree(&contigd->setup, &tree, why);
	if (r < 0)
		return r;
	setup_configured(&contigd->setup);
	setup_compare(&contigd->setup);
	setup_open(&contigd->setup);
	r = setup_leave(&contigd->setup, why); /* a failure is logged */
	return error_may_pass(r) ? r : 0;
}

/* The manager keeps nothing.  Memory that it did keep would be lent twice after
 * every restart, as nothing records what is lent of it: then nothing is. */
static int do_without_vault(struct contigd *contigd, int r, struct error *why)
{
	if (setup_has_kept(&contigd->setup) || error_may_pass(r))
		return r;
	log_warning("%s: buffers do not outlive the daemon", why->text);
	contigd->vault = vault_withdraw(contigd->vault);
	setup_withdraw(&contigd->setup);
	return 0;
}

/* Where the manager keeps descriptors, buffers outlive the daemon. */
static int open_vault(struct contigd *contigd, struct error *why)
{
	const struct vault_spec spec = {
		.directory = getenv("RUNTIME_DIRECTORY"),
	};
	bool inherited = inheritance_has(&contigd->inheritance, VAULT_LEDGER);
	int r;

	if (!manager_has_store())
		return 0;
	r = vault_open(&contigd->vault, &contigd->inheritance, &spec, why);
	if (inherited)
		return r;
	if (r == 0)
		r = manager_prove_store(STORE_PROOF_MS, why);
	if (r == -ETIMEDOUT)
		log_warning("%s: whether buffers outlive the daemon shows when "
			    "it is started anew",
			    why->text);
	return r == 0 || r == -ETIMEDOUT ? 0 : do_without_vault(contigd, r, why);
}

/* Nothing here takes privilege, or could use any. */
static int lend(struct contigd *contigd)
{
	uint64_t ahead;
	int r;

	r = lender_new(&contigd->lender, contigd->loop);
	if (r < 0)
		return r;
	ahead = contigd->config.nothing_ahead ? 0 : contigd->max_files;
	stock_limit_files(&contigd->lender->stock, ahead);
	kept_limit_files(&contigd->lender->kept, ahead);
	lender_use_vault(contigd->lender, contigd->vault);
	policy_init(&contigd->policy, &contigd->config, contigd->identity.uid);
	service_set_lender(&contigd->service, contigd->lender);
	setup_make_regions(&contigd->setup, contigd->lender);
	return server_new(&contigd->server, contigd->loop, &contigd->service,
			  contigd->listening.fd, contigd->max_files);
}

/* Tells the service manager that it serves, and from now on how it is. */
static int announce(struct contigd *contigd, struct error *why)
{
	uint64_t interval_ms = manager_watchdog_ms();
	char status[BANNER_BYTES];
	int r = 0;

	if (manager_has_store())
		r = banner_new(&contigd->banner, contigd->loop,
			       &contigd->service, manager_status);
	if (r == 0 && interval_ms > 0)
		r = pulse_new(&contigd->pulse, contigd->loop,
			      contigd->lender->worker, interval_ms,
			      manager_alive);
	if (r < 0)
		return error_set(why, r, "start-up: %s", strerror(-r));
	log_info("contigd " PACKAGE_VERSION " listens on %s",
		 contigd->listening.path ? contigd->listening.path
					 : "the service manager's socket");
	banner_write(status, &contigd->service);
	r = manager_ready(status);
	if (r < 0) /* it would wait for that and then give up */
		return error_set(why, r,
				 "the service manager cannot be told that "
				 "contigd serves: %s",
				 strerror(-r));
	return 0;
}

static int serve(struct contigd *contigd, struct error *why)
{
	int r;

	r = privilege_choose(&contigd->identity, &contigd->config, why);
	if (r == 0)
		r = manager_inherit(&contigd->inheritance, why);
	if (r < 0)
		return r;
	r = make_loop(contigd);
	if (r < 0)
		return error_set(why, r, "start-up: %s", strerror(-r));
	r = listen_to_clients(contigd, why);
	if (r == 0)
		r = open_memory(contigd, why);
	if (r == 0)
		r = privilege_drop(&contigd->identity, why);
	if (r == 0)
		r = open_vault(contigd, why);
	if (r < 0)
		return r;
	inheritance_deinit(&contigd->inheritance);
	r = lend(contigd);
	if (r < 0)
		return error_set(why, r, "start-up: %s", strerror(-r));
	r = announce(contigd, why);
	if (r < 0)
		return r;
	/* where it cannot be had, clients wait a little longer at times */
	(void)timeslice_ask(TIMESLICE_SHORTEST_NS);
	r = loop_run(contigd->loop);
	return r < 0 ? error_set(why, r, "the event loop failed") : 0;
}

static int prepare(struct contigd *contigd, struct error *why)
{
	const struct setup_tree tree = tree_of(contigd);

	return prepare_run(&contigd->config, &tree, &contigd->options,
			   getenv("RUNTIME_DIRECTORY"), why);
}

static void clean_up(struct contigd *contigd)
{
	vault_freeze(contigd->vault);
	if (contigd->server)
		server_stop_listening(contigd->server);
	listening_close(&contigd->listening);
	(void)pulse_free(contigd->pulse);
	(void)server_free(contigd->server);
	(void)banner_free(contigd->banner);
	(void)lender_free(contigd->lender);
	(void)vault_free(contigd->vault);
	setup_deinit(&contigd->setup);
	(void)catcher_free(contigd->on_term);
	(void)catcher_free(contigd->on_int);
	(void)loop_free(contigd->loop);
	inheritance_deinit(&contigd->inheritance);
	config_deinit(&contigd->config);
	command_line_deinit(&contigd->line);
}

/* What one bad moment needed goes back to the kernel: a page that the allocator
 * keeps is kept for months. */
static void keep_heap_small(void)
{
#ifdef M_MMAP_THRESHOLD
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_SPARE_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_SPARE_BYTES);
	(void)mallopt(M_TOP_PAD, HEAP_SPARE_BYTES);
#endif
}

int main(int argc, char **argv)
{
	struct contigd contigd = {.listening.fd = -1};
	struct error why = ERROR_INIT;
	int r;

	keep_heap_small();
	if (command_line_parse(&contigd.line, argc, argv, &why) < 0) {
		(void)fprintf(stderr, "contigd: %s\nTry 'contigd --help'.\n",
			      why.text);
		return EXIT_USAGE;
	}
	if (contigd.line.help || contigd.line.version) {
		(void)fputs(contigd.line.help ? command_line_help()
					      : "contigd " PACKAGE_VERSION "\n",
			    stdout);
		command_line_deinit(&contigd.line);
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	if (journal_is_connected())
		log_set_sink(journal_sink);
	if (contigd.line.has_log_level)
		log_set_level(contigd.line.log_level);
	inheritance_init(&contigd.inheritance);
	config_init(&contigd.config);
	service_init(&contigd.service, NULL, &contigd.policy);
	setup_init(&contigd.setup, &contigd.config, &contigd.options,
		   &contigd.service.probes);
	r = read_configuration(&contigd, &why);
	if (r < 0) {
		log_err("%s", why.text);
		clean_up(&contigd);
		return EXIT_USAGE;
	}
	if (contigd.config.has_log_level)
		log_set_level(contigd.config.log_level);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	contigd.max_files = raise_file_limit();
	contigd.options.allow_corrupting_kernel =
		contigd.config.allow_corrupting_kernel;
	r = contigd.line.prepare ? prepare(&contigd, &why)
				 : serve(&contigd, &why);
	if (r < 0)
		log_err("%s", why.text);
	clean_up(&contigd);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
