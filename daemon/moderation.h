/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_MODERATION_H
#define DAEMON_MODERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/loop.h"

/*
 * A descriptor that the loop wakes up for while little comes, and that is read
 * now and then, or when somebody wants to know, while much does.
 */

/* Two wake-ups within this time are much; then it is read so often. */
#define MODERATION_MS 2

/* Reads what there is; whether there was anything. */
typedef bool moderation_fn(void *data);

struct moderation {
	struct watch *watch;
	struct timer *timer;
	moderation_fn *fn;
	void *data;
	uint64_t woken_ms; /* when the loop last woke up for it; 0: never */
	bool on;	   /* the watch is out of the loop, the timer is set */
	bool any;	   /* something was read since then */
};

/* fd stays the caller's and outlives it.  0 or -ENOMEM. */
int moderation_init(struct moderation *moderation, struct loop *loop,
		    int fd_borrow, moderation_fn *fn, void *data);
/* One that is all zero is left alone. */
void moderation_deinit(struct moderation *moderation);

/* Reads now what the loop has not told of yet, or does not at the moment. */
void moderation_catch_up(struct moderation *moderation);

#endif
