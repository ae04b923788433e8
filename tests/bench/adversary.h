/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_ADVERSARY_H
#define TESTS_BENCH_ADVERSARY_H

/* Times the worst single call on layouts of free memory that are made to hurt,
 * and records it; after ticks_calibrate(). */
void adversary_run(void);

#endif
