/* SPDX-License-Identifier: MIT */
#include "tests/integration/preload.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

/*
 * The test's side of the page; preload_page.h is the library's.
 *
 * The page is a file, since the program finds it by a name in its environment:
 * it is executed, and keeps no descriptor that it does not know.  Only a
 * program that executes itself can keep one.
 *
 * There may be no test yet that could fail: what goes wrong ends the program.
 */

static void set_environment(struct preload *preload,
			    const struct preload_spec *spec,
			    const char *library, const char *path)
{
	const char *asan = getenv("ASAN_OPTIONS");
	size_t room = sizeof(preload->settings[0]);

	(void)snprintf(preload->settings[0], room, "LD_PRELOAD=%s", library);
	(void)snprintf(preload->settings[1], room, "%s=%s", spec->variable,
		       path);
	/* the sanitizer wants to be first, and needs not */
	(void)snprintf(preload->settings[2], room,
		       "ASAN_OPTIONS=%s:verify_asan_link_order=0%s",
		       asan ? asan : "", spec->asan_options);
	for (size_t i = 0; i < 3; i++)
		preload->environment[i] = preload->settings[i];
	preload->environment[3] = NULL;
}

static void *map_page(struct preload *preload, const struct preload_spec *spec,
		      int fd)
{
	preload->page_bytes = spec->page_bytes;
	preload->page = mmap(NULL, spec->page_bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0);
	if (preload->page == MAP_FAILED)
		abort();
	return preload->page;
}

static bool find_library(const struct preload_spec *spec, char path[PATH_MAX])
{
	return realpath(spec->library, path) != NULL;
}

void preload_require(const struct preload_spec *spec)
{
	char path[PATH_MAX];

	if (!find_library(spec, path))
		harness_skip("no libraries for preloading were built");
}

void *preload_init(struct preload *preload, const struct preload_spec *spec,
		   const char *directory, const char *name)
{
	char library[PATH_MAX], path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (!find_library(spec, library) || fd < 0 ||
	    ftruncate(fd, (off_t)spec->page_bytes) < 0)
		abort();
	(void)map_page(preload, spec, fd);
	(void)fd_close(fd);
	set_environment(preload, spec, library, path);
	return preload->page;
}

/* It runs with the library: takes the page up. */
static void *take_up(struct preload *preload, const struct preload_spec *spec,
		     const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		abort();
	(void)map_page(preload, spec, fd);
	(void)fd_close(fd);
	(void)unsetenv(spec->variable);
	(void)unsetenv("LD_PRELOAD");
	return preload->page;
}

void *preload_self(struct preload *preload, const struct preload_spec *spec,
		   char **argv)
{
	const char *given = getenv(spec->variable);
	char library[PATH_MAX], path[64];
	int fd;

	if (given)
		return take_up(preload, spec, given);
	preload_require(spec);
	fd = memfd_create("preload", 0);
	if (!find_library(spec, library) || fd < 0 ||
	    ftruncate(fd, (off_t)spec->page_bytes) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	set_environment(preload, spec, library, path);
	for (size_t i = 0; i < 3; i++)
		(void)putenv(preload->settings[i]);
	(void)execv("/proc/self/exe", argv);
	abort();
}

void preload_deinit(struct preload *preload)
{
	(void)munmap(preload->page, preload->page_bytes);
	preload->page = NULL;
}
