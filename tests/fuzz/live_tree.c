/* SPDX-License-Identifier: MIT */
#include "devicetree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/grow.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/judge.h"
#include "util/cleanup.h"

/*
 * A devicetree as directories, real ones: the reader's work is with openat()
 * and readdir(), so that is what it gets, below a folder in TMPDIR that is
 * emptied after each input.  Among the files are what no devicetree has, pipes
 * and links among them, which must neither be followed nor waited for; nothing
 * in here follows one either, and none leads out of the folder.
 *
 * The same folder stands for debugfs' cma.
 */

const char fuzz_target[] = "live_tree";

#define MAX_DEPTH 128

static char *top; /* made for the first input, removed at the end */

struct place {
	int fds[MAX_DEPTH]; /* directories on the way down; -1: not made */
	int depth;
};

static int place_fd(const struct place *place)
{
	return place->fds[place->depth - 1];
}

/* Whatever cannot be made, for a name that is there already or that the file
 * system does not take, is left out, with all below it. */
static int place_begin(void *data, const char *name)
{
	struct place *place = data;
	int fd = -1;

	fuzz_assert(place->depth < MAX_DEPTH);
	if (place->depth == 0)
		fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else if (place_fd(place) >= 0 &&
		 (mkdirat(place_fd(place), name, 0700) == 0 || errno == EEXIST))
		fd = openat(place_fd(place), name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	place->fds[place->depth++] = fd;
	return 0;
}

static int place_property(void *data, const char *name, const void *bytes,
			  size_t len)
{
	const struct place *place = data;
	_cleanup_fd_ int fd = -1;

	if (place_fd(place) >= 0)
		fd = openat(place_fd(place), name,
			    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
				    O_NONBLOCK | O_CLOEXEC,
			    0600);
	if (fd >= 0)
		(void)fd_write_all(fd, bytes, len);
	return 0;
}

static int place_end(void *data)
{
	struct place *place = data;

	place->depth--;
	(void)fd_close(place->fds[place->depth]);
	return 0;
}

/* A property that only its owner's betters may read.  Never through a link, for
 * whatever that leads to is not this program's to change. */
static void lock_file(int dir_fd, const char *name)
{
	_cleanup_fd_ int fd = openat(
		dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		(void)fchmod(fd, 0);
}

static int place_strange(void *data, const char *name, int kind)
{
	const struct place *place = data;
	int fd = place_fd(place);

	if (fd < 0)
		return 0;
	switch (kind % 5) {
	case 0:
		(void)mkfifoat(fd, name, 0600);
		break;
	case 1:
		(void)symlinkat(".", fd, name);
		break;
	case 2:
		(void)symlinkat(name, fd, name);
		break;
	case 3:
		(void)mknodat(fd, name, S_IFSOCK | 0600, 0);
		break;
	default:
		lock_file(fd, name);
		break;
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	if (ftw->level > 0)
		fuzz_assert(remove(path) == 0);
	return 0;
}

static void empty_top(void)
{
	fuzz_assert(nftw(top, remove_one, MAX_DEPTH, FTW_DEPTH | FTW_PHYS) == 0);
}

static void remove_top(void)
{
	empty_top();
	(void)rmdir(top);
	free(top);
}

static void make_top(void)
{
	const char *tmp = getenv("TMPDIR");

	fuzz_assert(asprintf(&top, "%s/contigd-fuzz-XXXXXX",
			     tmp ? tmp : "/tmp") > 0);
	fuzz_assert(mkdtemp(top));
	fuzz_assert(atexit(remove_top) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct directory_writer writer = {
		.begin_node = place_begin,
		.property = place_property,
		.end_node = place_end,
		.unread = place_strange,
	};
	struct input input = {data, size};
	struct place place = {.depth = 0};
	struct error why = ERROR_INIT;
	struct case_file *file;
	struct tree *tree;

	if (!top)
		make_top();
	file = case_file_new(&input, top);
	grow_tree(&input, &writer, &place);
	if (tree_load_directory(&tree, top, &why) == 0) {
		judge_tree(tree, file);
		(void)tree_free(tree);
	} else {
		fuzz_assert(*why.text);
		fuzz_assert_printable(why.text);
	}
	(void)case_file_free(file);
	empty_top();
	return 0;
}
