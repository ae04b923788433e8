/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_LARGE_PAGES_H
#define TESTS_BENCH_LARGE_PAGES_H

#include <stdbool.h>

/* Lets memfds have pages of 1 MiB where that is advised, until the program
 * ends, in whatever way but SIGKILL; false: only root may, or the kernel knows
 * of none.  Once in a program. */
bool large_pages_allow(void);

#endif
