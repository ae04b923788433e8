/* SPDX-License-Identifier: MIT */
#include "tests/integration/countdown.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/fd.h"

/* The test's side of the page; countdown_preload.c is the other. */

#define LIBRARY ".libs/libcountdown.so" /* where libtool puts it */

bool countdown_init(struct countdown *countdown, const char *directory)
{
	const char *asan = getenv("ASAN_OPTIONS");
	char library[PATH_MAX], path[64];
	int fd;

	if (!realpath(LIBRARY, library))
		return false;
	(void)snprintf(path, sizeof(path), "%s/countdown", directory);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(struct countdown_page)), 0);
	countdown->page = mmap(NULL, sizeof(struct countdown_page),
			       PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(countdown->page, MAP_FAILED);
	(void)fd_close(fd);
	(void)snprintf(countdown->environment[0],
		       sizeof(countdown->environment[0]), "LD_PRELOAD=%s",
		       library);
	(void)snprintf(countdown->environment[1],
		       sizeof(countdown->environment[1]), "%s=%s",
		       COUNTDOWN_VARIABLE, path);
	/* the sanitizer wants to be first, and needs not */
	(void)snprintf(
		countdown->environment[2], sizeof(countdown->environment[2]),
		"ASAN_OPTIONS=%s:verify_asan_link_order=0", asan ? asan : "");
	return true;
}

void countdown_deinit(struct countdown *countdown)
{
	(void)munmap(countdown->page, sizeof(*countdown->page));
	countdown->page = NULL;
}

void countdown_set(struct countdown *countdown, int64_t moments, int64_t steps)
{
	atomic_store(&countdown->page->steps, steps);
	atomic_store(&countdown->page->moments, moments);
}

bool countdown_stop(struct countdown *countdown)
{
	return atomic_exchange(&countdown->page->moments, 0) > 0;
}

uint64_t countdown_passed(const struct countdown *countdown)
{
	return atomic_load(&countdown->page->passed);
}
