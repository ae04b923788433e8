/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_PRELOAD_H
#define TESTS_INTEGRATION_PRELOAD_H

#include <limits.h>
#include <stddef.h>

/*
 * A library of the tests that goes into a program by LD_PRELOAD, and a page of
 * memory that it shares with the test.
 */
struct preload_spec {
	const char *library;	  /* its file, where libtool puts it */
	const char *variable;	  /* tells it where the page is */
	const char *asan_options; /* for the program, beside the test's own */
	size_t page_bytes;
};

struct preload {
	void *page;
	size_t page_bytes;
	char settings[3][PATH_MAX + 64];
	const char *environment[4]; /* for the program: the settings, NULL at
				       the end */
};

/* Skips the test program where the library was not built. */
void preload_require(const struct preload_spec *spec);

/* Makes the page as a file of this name in a folder, which removes it.  Returns
 * the page. */
void *preload_init(struct preload *preload, const struct preload_spec *spec,
		   const char *directory, const char *name);
/* Has this program itself run with the library: to be called first in main(),
 * which is executed anew for it, or skipped as above.  What it starts later runs
 * without.  Returns the page. */
void *preload_self(struct preload *preload, const struct preload_spec *spec,
		   char **argv);
void preload_deinit(struct preload *preload);

#endif
