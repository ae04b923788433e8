/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_TIMESLICE_H
#define DAEMON_TIMESLICE_H

#include <stdint.h>

/* What the kernel's scheduler takes without rounding it (fair_setattr,
 * kernel/sched/syscalls.c, 6.12). */
#define TIMESLICE_SHORTEST_NS 100000
#define TIMESLICE_USUAL	      0 /* the kernel's own choice */

/*
 * How long the calling thread, and those that it makes from then on, ask to run
 * at a time: TIMESLICE_USUAL, or TIMESLICE_SHORTEST_NS to 100 ms.  Niceness and
 * policy stay as they are.
 *
 * Returns 0, also where the kernel has no such thing (before 6.12 it ignores
 * the wish, and under a real-time or batch policy nothing is asked); or a
 * negative errno: EPERM where a system call filter forbids it.
 */
int timeslice_ask(uint64_t ns);

#endif
