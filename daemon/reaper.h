/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REAPER_H
#define DAEMON_REAPER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/buffer.h"
#include "util/list.h"

/*
 * Looks at the kernel's evidence, and ends buffers that nobody holds.  It has
 * no timer of its own: whoever runs it asks when it is due.
 */

/* Called for a buffer without holders, which it must end by buffer_free()
 * after reaper_remove(). */
typedef void reaper_fn(void *data, struct buffer *buffer);

struct reaper {
	struct list watched; // buffer::watch_link, longest not looked at first
	struct list hot;     // buffer::hot_link, first due first
	uint64_t sweep;	 /* the number of the sweep under way or last done */
	uint64_t wanted; /* sweeps up to this one are wanted at once */
	bool sweeping;
	uint64_t sweep_due_ms;
	reaper_fn *fn;
	void *data;
};

/* Every buffer is looked at once in REAPER_SWEEP_MS; one of which somebody said
 * that it may be free every REAPER_HOT_MS, for REAPER_HOT_FOR_MS.  So memory is
 * back within 100 ms of its last holder's end. */
#define REAPER_SWEEP_MS	  80
#define REAPER_HOT_MS	  10
#define REAPER_HOT_FOR_MS 500
#define REAPER_SLICE	  256 /* buffers looked at in one turn of the loop */

void reaper_init(struct reaper *reaper, reaper_fn *fn, void *data);

void reaper_add(struct reaper *reaper, struct buffer *buffer, uint64_t now_ms);
void reaper_remove(struct reaper *reaper, struct buffer *buffer);

/* Looks at one buffer now; true where it has ended. */
bool reaper_check(struct reaper *reaper, struct buffer *buffer);
/* A hint that the buffer's holders are going. */
void reaper_hint(struct reaper *reaper, struct buffer *buffer, uint64_t now_ms);

/* Asks that every buffer is looked at, from now on, at once.  Returns a ticket
 * for reaper_has_swept(). */
uint64_t reaper_want_sweep(struct reaper *reaper);
bool reaper_has_swept(const struct reaper *reaper, uint64_t ticket);

/* Milliseconds until there is something to do; -1: there is nothing. */
int64_t reaper_delay_ms(const struct reaper *reaper, uint64_t now_ms);
/* Does what is due, at most a slice of it. */
void reaper_run(struct reaper *reaper, uint64_t now_ms);

#endif
