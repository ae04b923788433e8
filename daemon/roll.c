/* SPDX-License-Identifier: MIT */
#include "daemon/roll.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/description.h"
#include "daemon/tract.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/parse.h"

/*
 * Who prepares memory cannot see what the service manager keeps of earlier
 * times, so it writes down what it has left there.  But the file stays when the
 * manager lets go of that, as the directory does, because of what else is in
 * it.  So the manager also gets a seal: an open file of the roll with a shared
 * lock on it.  The kernel drops that lock with the last descriptor of the seal;
 * a roll that can be locked by somebody else speaks of what is gone.
 *
 * The directory belongs to the daemon without privilege, and who reads and
 * writes here is root.
 *
 * So a name in there is never trusted.  What is read must be a plain file that
 * this user owns, under one name alone and not for others to write: a link, a
 * pipe or a file of the daemon's own is refused.  What is written goes to a
 * file that was not there before, and then takes the name.  The daemon can take
 * the file away, bring an old one back or hold on to its seal, and gains nothing
 * by it: memory is then prepared once more, or there is none to serve.
 *
 * The form is one line for each region, its name last.
 */

#define HEADING	    "contigd-prepared 1"
#define NEW_NAME    ROLL_NAME ".new"
#define LIMIT_BYTES (1024 * 1024)
#define N_NUMBERS   6

static int open_roll(int directory_fd, struct error *why)
{
	_cleanup_fd_ int fd =
		openat(directory_fd, ROLL_NAME,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(why, errno == ELOOP ? -EPERM : -errno,
				 "the list of what was prepared cannot be "
				 "opened: %s",
				 strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_nlink != 1 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return error_set(why, -EPERM,
				 "the list of what was prepared is not a plain "
				 "file of uid %u that nobody else can write",
				 (unsigned int)geteuid());
	return TAKE_FD(fd);
}

/* ID BASE SIZE GRANULE PAGE GUARD BACKEND NAME */
static int parse_line(char *line, struct tract **tractp, struct error *why)
{
	struct tract_description description = {.name = NULL};
	uint64_t numbers[N_NUMBERS];
	char *rest = line;
	int r;

	for (size_t i = 0; i < N_NUMBERS; i++) {
		const char *word = strsep(&rest, " ");

		if (!rest || parse_u64(word, &numbers[i], why) < 0)
			return error_set(why, -EPROTO, "a number is missing");
	}
	description.backend = strsep(&rest, " ");
	description.name = rest;
	if (!rest || config_name_check(rest, why) < 0)
		return error_set(why, -EPROTO, "a name is missing");
	if (numbers[0] == 0 || numbers[0] > INT32_MAX)
		return error_set(why, -EPROTO, "an id is out of range");
	description.id = (uint32_t)numbers[0];
	description.memory.base = numbers[1];
	description.memory.size_bytes = numbers[2];
	description.memory.granule_bytes = numbers[3];
	description.memory.page_bytes = numbers[4];
	description.memory.guard_bytes = numbers[5];
	r = tract_new(tractp, &description, why);
	return r == 0 || error_may_pass(r) ? r : -EPROTO;
}

static void drop_all(struct list *tracts)
{
	struct tract *tract;

	while ((tract = list_first(tracts, struct tract, link)))
		(void)tract_free(tract);
}

static int parse(char *text, struct list *tracts, struct error *why)
{
	char *line = strsep(&text, "\n");

	if (!text || strcmp(line, HEADING) != 0)
		return error_set(why, -EPROTO, "it does not begin with '%s'",
				 HEADING);
	while ((line = strsep(&text, "\n")) && text) {
		struct tract *tract;
		int r = parse_line(line, &tract, why);

		if (r < 0)
			return r;
		list_append(tracts, &tract->link);
	}
	return *line ? error_set(why, -EPROTO, "its last line has no end") : 0;
}

/* 1: somebody has the seal; 0: nobody; a negative errno: that cannot be found
 * out now. */
static int is_sealed(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : -errno;
}

int roll_read(int directory_fd, struct list *tracts, struct error *why)
{
	_cleanup_fd_ int fd = open_roll(directory_fd, why);
	struct list found = LIST_INIT(found);
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r;

	if (fd < 0)
		return fd;
	r = is_sealed(fd);
	if (r < 0)
		return error_set(why, r,
				 "whether anybody keeps what was prepared "
				 "cannot be found out: %s",
				 strerror(-r));
	if (r == 0)
		return error_set(why, -ENOENT,
				 "what was prepared is kept by nobody");
	r = fd_read_all(fd, LIMIT_BYTES, &text, &length);
	if (r == 0 && memchr(text, '\0', length))
		r = error_set(why, -EPROTO, "it is no text");
	else if (r < 0)
		r = error_set(why, r, "%s", strerror(-r));
	else
		r = parse(text, &found, why);
	if (r < 0) {
		drop_all(&found);
		return error_prefix(why, r, "the list of what was prepared");
	}
	list_splice(tracts, &found);
	return 0;
}

static int print(FILE *stream, const struct list *tracts)
{
	const struct tract *tract;

	(void)fprintf(stream, HEADING "\n");
	list_for_each (tract, tracts, link)
		(void)fprintf(stream,
			      "%" PRIu32 " 0x%" PRIx64 " %" PRIu64 " %" PRIu64
			      " %" PRIu64 " %" PRIu64 " %s %s\n",
			      tract->id, tract->spec.base,
			      tract->spec.size_bytes, tract->spec.granule_bytes,
			      tract->spec.page_bytes, tract->spec.guard_bytes,
			      tract->backend->name, tract->name);
	return fflush(stream) == 0 ? 0 : -errno;
}

/* The file's seal: an open file of its own, which cannot write. */
static int seal(int fd)
{
	_cleanup_fd_ int sealing_fd = fd_reopen(fd, O_RDONLY);

	if (sealing_fd >= 0 && flock(sealing_fd, LOCK_SH | LOCK_NB) < 0)
		return -errno;
	return TAKE_FD(sealing_fd);
}

/* The seal of the new file, which is complete. */
static int write_new(int directory_fd, const struct list *tracts)
{
	int fd = openat(directory_fd, NEW_NAME,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	FILE *stream;
	int r;

	if (fd < 0)
		return -errno;
	stream = fdopen(fd, "w");
	if (!stream) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	r = print(stream, tracts);
	if (r == 0)
		r = seal(fd);
	(void)fclose(stream); /* it was flushed */
	return r;
}

/* A file that is open keeps its inode, also when it has no name any more. */
uint64_t roll_seal_number(int seal_fd)
{
	struct stat st;

	return fstat(seal_fd, &st) < 0 ? 0 : st.st_ino;
}

uint64_t roll_number(int directory_fd)
{
	struct stat st;

	return fstatat(directory_fd, ROLL_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0
		       ? 0
		       : st.st_ino;
}

static int cannot(int r, struct error *why)
{
	return error_set(why, r,
			 "the list of what was prepared cannot be written: %s",
			 strerror(-r));
}

int roll_draft(int directory_fd, const struct list *tracts, struct error *why)
{
	int r;

	(void)unlinkat(directory_fd, NEW_NAME, 0); /* of one who was killed */
	r = write_new(directory_fd, tracts);
	return r < 0 ? cannot(r, why) : r;
}

int roll_enact(int directory_fd, struct error *why)
{
	if (renameat(directory_fd, NEW_NAME, directory_fd, ROLL_NAME) < 0)
		return cannot(-errno, why);
	return 0;
}
