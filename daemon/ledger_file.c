/* SPDX-License-Identifier: MIT */
#include "daemon/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * The ledger comes back from the service manager's store, with the descriptors
 * that it speaks of.  That store is lost where the unit is stopped and started,
 * but what clients and devices do to memory does not end with it.  So the file
 * has a name as well, in a directory that may outlive the store; what is found
 * there alone says which addresses may still be in use.
 *
 * A new file is complete before it gets its name.
 *
 * Refusing means two things.  In the store, the ledger belongs to descriptors
 * that are still there: it is left alone, nothing at all is lent, and a daemon
 * that can read it (a later version, after a step back) goes on as if nothing
 * had been.  In the directory, it only says that something was lent: a new one
 * takes its place, and memory that could be meant is not lent until the machine
 * or the administrator has removed the old one.
 */

#define NAME	     "ledger"
#define NEW_NAME     "ledger.new"
#define REFUSED_NAME "ledger.refused"
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static int read_boot_id(char boot_id[LEDGER_BOOT_ID_BYTES], struct error *why)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = fd_read_file(BOOT_ID_PATH, 4096, &text, &length);

	if (r < 0)
		return error_set(why, r, BOOT_ID_PATH ": %s", strerror(-r));
	length = strcspn(text, "\n");
	if (length == 0 || length >= LEDGER_BOOT_ID_BYTES)
		return error_set(why, -EINVAL, BOOT_ID_PATH " has no id");
	memcpy(boot_id, text, length);
	boot_id[length] = '\0';
	return 0;
}

/* 0 with a descriptor, or with -1: a ledger without a name has to do.  A
 * negative errno: there may well be one with a name. */
static int open_directory(const char *path, int *fdp, struct error *why)
{
	*fdp = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (!path || *fdp >= 0)
		return 0;
	if (error_may_pass(-errno))
		return error_set(why, -errno, "directory '%s': %s", path,
				 strerror(errno));
	log_warning("directory '%s': %s; should the service manager's store be "
		    "lost, so is the ledger",
		    path, strerror(errno));
	return 0;
}

static int make_nameless(void)
{
	int fd = memfd_create("contigd-" NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	return fd;
}

static int make_in(int directory_fd)
{
	int fd;

	(void)unlinkat(directory_fd, NEW_NAME, 0);
	fd = openat(directory_fd, NEW_NAME,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static int make(struct ledger_file *file, int directory_fd, const char *boot_id,
		struct error *why)
{
	bool named = directory_fd >= 0;
	int fd = named ? make_in(directory_fd) : make_nameless();
	int r;

	if (named && fd < 0) {
		log_warning("the ledger cannot have a name: %s", strerror(-fd));
		named = false;
		fd = make_nameless();
	}
	if (fd < 0)
		return error_set(why, fd, "cannot make the ledger: %s",
				 strerror(-fd));
	r = ledger_new_consume(&file->ledger, fd, boot_id, why);
	if (r < 0)
		return r;
	if (named && renameat(directory_fd, NEW_NAME, directory_fd, NAME) < 0)
		log_warning("the ledger cannot have a name: %s",
			    strerror(errno));
	return 0;
}

/* A ledger with a name and no store: 0 with the ledger; 1: there is none that
 * could be used. */
static int open_in(struct ledger_file *file, int directory_fd,
		   const char *boot_id, struct error *why)
{
	int fd = openat(directory_fd, NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct error refusal = ERROR_INIT;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0)
		return error_set(why, -errno, "the ledger: %s", strerror(errno));
	r = ledger_open_consume(&file->ledger, fd, boot_id, &refusal);
	if (r < 0)
		return error_set(why, r, "%s", refusal.text);
	if (r == 0)
		return 0;
	log_err("%s; it is put aside as '" REFUSED_NAME "'", refusal.text);
	if (renameat(directory_fd, NAME, directory_fd, REFUSED_NAME) < 0)
		return error_set(why, -errno, "'" REFUSED_NAME "': %s",
				 strerror(errno));
	return 1;
}

/* What was put aside by this daemon or an earlier one. */
static int look_for_refused(struct ledger_file *file, int directory_fd,
			    struct error *why)
{
	struct stat st;

	if (file->doubt != LEDGER_CERTAIN || directory_fd < 0)
		return 0;
	if (fstatat(directory_fd, REFUSED_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? 0
			       : error_set(why, -errno, "'" REFUSED_NAME "': %s",
					   strerror(errno));
	file->doubt = LEDGER_DOUBTS_PERMANENT;
	error_write(&file->reason,
		    "there is a '" REFUSED_NAME "' in the runtime directory, "
		    "and what it speaks of may be in use");
	return 0;
}

static int open_stored(struct ledger_file *file, int fd, const char *boot_id,
		       struct error *why)
{
	int r = ledger_open_consume(&file->ledger, fd, boot_id, &file->reason);

	if (r < 0)
		return error_set(why, r, "%s", file->reason.text);
	file->is_stored = true;
	if (r > 0)
		file->doubt = LEDGER_DOUBTS_ALL;
	return 0;
}

static int get_unstored(struct ledger_file *file, bool shelves_stored,
			int directory_fd, const char *boot_id, struct error *why)
{
	int r = directory_fd < 0 ? 1 : open_in(file, directory_fd, boot_id, why);

	if (r < 0)
		return r;
	if (r == 0) {
		file->store_lost = !shelves_stored;
		return 0;
	}
	if (shelves_stored) {
		file->doubt = LEDGER_DOUBTS_ALL;
		error_write(&file->reason, "the service manager kept buffers, "
					   "and no ledger");
		return 0;
	}
	return make(file, directory_fd, boot_id, why);
}

int ledger_file_get(struct ledger_file *file,
		    const struct ledger_places *places, struct error *why)
{
	_cleanup_fd_ int stored_fd = places->stored_fd;
	_cleanup_fd_ int directory_fd = -1;
	char own[LEDGER_BOOT_ID_BYTES];
	const char *boot_id = places->boot_id;
	int r;

	*file = (struct ledger_file){.ledger = NULL};
	r = open_directory(places->directory, &directory_fd, why);
	if (r == 0 && !boot_id) {
		r = read_boot_id(own, why);
		boot_id = own;
	}
	if (r < 0)
		return r;
	if (stored_fd >= 0)
		r = open_stored(file, TAKE_FD(stored_fd), boot_id, why);
	else
		r = get_unstored(file, places->shelves_stored, directory_fd,
				 boot_id, why);
	return r == 0 ? look_for_refused(file, directory_fd, why) : r;
}
