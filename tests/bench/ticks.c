/* SPDX-License-Identifier: MIT */
#include "tests/bench/ticks.h"

#include "util/clock.h"

/*
 * The counter is compared with the clock over CALIBRATION_NS, once.  What two
 * readings with nothing between them cost is the least of many: more than that
 * is somebody else's.
 */

#define CALIBRATION_NS 20000000
#define N_EMPTY	       10000

static double ns_per_tick;
static uint64_t overhead_ticks;

void ticks_calibrate(void)
{
	uint64_t begin_ns = clock_ns(), begin = ticks_now();

	while (clock_ns() - begin_ns < CALIBRATION_NS)
		;
	ns_per_tick = (double)(clock_ns() - begin_ns) /
		      (double)(ticks_now() - begin);
	overhead_ticks = UINT64_MAX;
	for (int i = 0; i < N_EMPTY; i++) {
		uint64_t first = ticks_now(), taken = ticks_now() - first;

		if (taken < overhead_ticks)
			overhead_ticks = taken;
	}
}

double ticks_ns(uint64_t begin, uint64_t end)
{
	uint64_t taken = end - begin;

	return taken > overhead_ticks
		       ? (double)(taken - overhead_ticks) * ns_per_tick
		       : 0;
}
