/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <check.h>
#include <stdbool.h>

/*
 * What every check_<module>.c shares.  harness_case() makes a test case whose
 * every test compares the open descriptors before and after; harness_run()
 * refuses NDEBUG, runs the suite and gives main()'s exit status.
 */
#ifdef NDEBUG
#error "tests are worthless with NDEBUG: assertions would vanish"
#endif

/* Adds a test case named name to suite; suite owns it. */
TCase *harness_case(Suite *suite, const char *name);

/* Runs and frees suite; returns 0 where every test passed, else 1.  Does not
 * return where a test was skipped and none failed. */
int harness_run(Suite *suite);

/* Prints why this test program cannot run here and exits with 77, which the
 * automake driver counts as skipped.  In a test it ends that test, without its
 * teardown; the others run, and unless one fails the program ends so. */
void harness_skip(const char *reason) __attribute__((noreturn));

/* True under valgrind (make check-valgrind), whose machine does not trap an
 * unaligned access: a test of the trap is left out. */
bool harness_is_valgrind(void);

/* Keeps test programs that change the same thing of the system from running at
 * the same time: waits for the lock on an existing file or folder, and holds it
 * until the program ends. */
void harness_lock(const char *path);

#endif
