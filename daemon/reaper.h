/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REAPER_H
#define DAEMON_REAPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/budget.h"
#include "daemon/buffer.h"
#include "daemon/closings.h"
#include "daemon/round.h"
#include "util/list.h"
#include "util/rb.h"

/*
 * Looks at the kernel's evidence, and ends buffers that nobody holds.  It has
 * no timer of its own: whoever runs it asks when it is due.
 */

/* Of which nobody said that it may be free: each is looked at once in
 * REAPER_ROUND_MS, or less often where that would take more of a core.  Then
 * there is a rest whenever that share is spent, and waking up from it is paid
 * for too; it takes a part of what going round takes (round.h), and
 * REAPER_REST_MS at most.  The same, with more to spend and rests of
 * REAPER_ROUND_MS, for those that their owner has let go of.
 *
 * As long as no more than REAPER_FEW of the latter are to be asked for, each is
 * looked at once in REAPER_ROUND_MS whatever that costs, so that memory is back
 * within 100 ms: a thousandth of a core where a look takes 5 us, and a fifth of
 * one on an emulated board, where it takes 1 ms. */
#define REAPER_ROUND_MS		 80
#define REAPER_REST_MS		 1000
#define REAPER_QUIET_PERMILLE	 8
#define REAPER_DRAINING_PERMILLE 50
#define REAPER_FEW		 16
/* Of which somebody has just said so: at once, then in these steps, for a
 * while. */
#define REAPER_HOT_MS		 10
#define REAPER_HOT_FOR_MS	 500
#define REAPER_HOT_PERMILLE	 250
/* In one turn of the loop: so many looks, or fewer where they take longer. */
#define REAPER_SLICE		 64
#define REAPER_SLICE_NS		 30000
#define REAPER_SLICE_MIN	 8

/* Called for a buffer without holders, which it must end by buffer_free()
 * after reaper_remove(). */
typedef void reaper_fn(void *data, struct buffer *buffer);

struct reaper {
	struct list watched; // buffer::watch_link, longest not swept first
	struct list fresh;   // buffer::round_link, to be looked at at once
	RB_HEAD(reaper_tree, buffer) appointments; // buffer::by_due
	struct budget hot;			   /* of appointments */
	struct round draining;
	struct round quiet;
	uint64_t sweep;	 /* the number of the sweep under way or last done */
	uint64_t wanted; /* sweeps up to this one are wanted at once */
	bool sweeping;
	uint64_t look_ns;   /* what one look costs, smoothed */
	uint64_t done_ns;   /* cpu_ns() when it had done its last; 0: never */
	uint64_t waking_ns; /* spent since then on nothing but waking up */

	struct closings *closings; /* borrowed */
	uint64_t (*cpu_ns)(void);  /* clock_cpu_ns(), but for tests */
	reaper_fn *fn;
	void *data;
};

/* closings NULL: every buffer is polled. */
void reaper_init(struct reaper *reaper, struct closings *closings,
		 reaper_fn *fn, void *data);

/* Somebody holds the buffer, as far as one knows; where that may have changed
 * before, reaper_hint() is due as well. */
void reaper_add(struct reaper *reaper, struct buffer *buffer, uint64_t now_ms);
void reaper_remove(struct reaper *reaper, struct buffer *buffer);

/* Looks at one buffer now; true where it has ended. */
bool reaper_check(struct reaper *reaper, struct buffer *buffer);
/* The buffer's holders may have gone, or are just going: looks in the next turn
 * and then often. */
void reaper_hint(struct reaper *reaper, struct buffer *buffer, uint64_t now_ms);
/* The same for one that was just looked at. */
void reaper_hint_again(struct reaper *reaper, struct buffer *buffer,
		       uint64_t now_ms);
/* The kernel said that an open file of the buffer ends. */
void reaper_told(struct reaper *reaper, struct closing *closing,
		 uint64_t now_ms);

/* Looks again now at a few for which the kernel's last word came too early. */
void reaper_check_doubts(struct reaper *reaper);

/* Asks that every buffer is looked at, from now on, at once.  Returns a ticket
 * for reaper_has_swept(). */
uint64_t reaper_want_sweep(struct reaper *reaper);
bool reaper_has_swept(const struct reaper *reaper, uint64_t ticket);

/* Milliseconds until there is something to do; -1: there is nothing. */
int64_t reaper_delay_ms(struct reaper *reaper, uint64_t now_ms);
/* Does what is due, at most a slice of it. */
void reaper_run(struct reaper *reaper, uint64_t now_ms);
/* The same, where since the last time the thread has done nothing but wait for
 * this one: what that has cost counts as well. */
void reaper_run_alone(struct reaper *reaper, uint64_t now_ms);

#endif
