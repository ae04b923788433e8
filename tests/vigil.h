/* SPDX-License-Identifier: MIT */
#ifndef TESTS_VIGIL_H
#define TESTS_VIGIL_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/reaper.h"
#include "tests/lot.h"

/*
 * A reaper that looks after a lot of buffers.  Time is what the test says it
 * is, and so is the CPU time that things take, so that budgets are arithmetic.
 * One at a time.
 */
struct vigil {
	struct lot lot;
	struct reaper reaper;
	uint64_t now;	  /* ms */
	uint64_t look_ns; /* what a look costs */
	uint64_t wake_ns; /* what waking up costs */
	uint64_t turn_ns; /* what a turn of the loop costs besides */
	uint64_t idle_ns; /* what both have cost so far */
	size_t sleeps;	  /* from which somebody had to wake up */
	size_t n_seen;	  /* looks that vigil_looks() has told */
};

/* With n buffers, at 1000 ms; prices stay what they are.  closings NULL: all
 * are polled.  It ends with its lot. */
void vigil_begin(struct vigil *vigil, struct closings *closings, size_t n);
/* Nobody holds buffer i any more. */
void vigil_let_go(struct vigil *vigil, size_t i);
/* Buffer i ends, as if it had been looked at. */
void vigil_take(struct vigil *vigil, size_t i);
/* Looks since the last call. */
size_t vigil_looks(struct vigil *vigil);
/* All CPU time that was spent. */
uint64_t vigil_spent_ns(const struct vigil *vigil);
/* Does what is due up to that time, as the loop would: sleeps for as long as
 * the reaper says, and no longer.  Returns how many turns that took. */
size_t vigil_until(struct vigil *vigil, uint64_t end);

#endif
