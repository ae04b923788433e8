/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_COUNTDOWN_H
#define TESTS_INTEGRATION_COUNTDOWN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/integration/preload.h"

#define COUNTDOWN_VARIABLE "CONTIG_TEST_COUNTDOWN"

/* Shared by the test and the process that is to die. */
struct countdown_page {
	_Atomic int64_t moments; /* until then; 0 and less: never */
	_Atomic int64_t steps;	 /* single instructions after the last moment */
	_Atomic uint64_t passed; /* moments since the page was made */
};

/*
 * Death at a chosen moment.  A library, preloaded into the program, lets it
 * pass two moments at each system call that it makes through libc, just before
 * and just after it, and kills it with SIGKILL at the one that was set; or on
 * x86-64, if steps are set too, so many instructions later.
 */
struct countdown {
	struct countdown_page *page;
	struct preload preload; /* has the environment for the program */
};

/* Skips the test program where there is no such library. */
void countdown_require(void);

/* Makes the page as a file in a folder, which removes it. */
void countdown_init(struct countdown *countdown, const char *directory);
void countdown_deinit(struct countdown *countdown);

/* The program that has the page dies so many moments from now. */
void countdown_set(struct countdown *countdown, int64_t moments, int64_t steps);
/* It need not die any more.  False: it has died, or is about to. */
bool countdown_stop(struct countdown *countdown);
uint64_t countdown_passed(const struct countdown *countdown);

#endif
