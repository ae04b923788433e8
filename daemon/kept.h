/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_KEPT_H
#define DAEMON_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"
#include "daemon/loop.h"
#include "daemon/run.h"
#include "daemon/stock.h"
#include "daemon/vault.h"
#include "util/list.h"
#include "util/rb.h"

/*
 * Objects that nobody holds any more, kept for the next buffer that gets
 * exactly their run.
 */

/* So many at most, until kept_limit_files() says otherwise. */
#define KEPT_OBJECTS   64
/* One that nobody asks for goes after this time, or twice that. */
#define KEPT_PERIOD_MS 30000
/* Between a request and letting go of what it has displaced; then so many in a
 * turn of the loop. */
#define KEPT_PAUSE_MS  1
#define KEPT_SLICE     16

struct spare;

struct kept {
	struct stock *stock;		/* borrowed: frees them off the loop */
	RB_HEAD(kept_tree, spare) runs; // spare::by_run
	struct list unused;		// spare::link, the oldest first
	size_t n;			/* of those */
	size_t max_objects;
	struct list leaving; // spare::link
	unsigned int period;
	struct timer *period_timer;
	bool period_timer_set;
	struct timer *leaving_timer;
	bool leaving_timer_set;
};

/* 0 or -ENOMEM. */
int kept_init(struct kept *kept, struct loop *loop, struct stock *stock);
/* Before the stock and the memory go. */
void kept_deinit(struct kept *kept);

/* Keeps no more than a sixteenth of so many descriptors: a vault has one more
 * of each. */
void kept_limit_files(struct kept *kept, uint64_t max_files);

/* Keeps an object whose last holder is gone, and which was lent to that uid,
 * with its entry in the vault (or NULL), which is cleared.  false: both are the
 * caller's to free, as they were. */
bool kept_leave_consume(struct kept *kept, struct object *object,
			struct vault_entry *entry, uint32_t uid);

/* A run of this memory, without its guard, is being lent to that uid.  Returns
 * the object that was kept for it, which is still to be renewed, with its
 * entry; or NULL.  Whatever else is kept for any part of it goes. */
struct object *kept_take(struct kept *kept, struct memory *memory,
			 const struct run *run, uint32_t uid,
			 struct vault_entry **entryp);

/* Whatever is kept for any part of that run goes: it will not be lent. */
void kept_drop(struct kept *kept, const struct memory *memory,
	       const struct run *run);

/* To be called after each period; a timer does. */
void kept_end_period(struct kept *kept);

/* Gives up everything, at once: descriptors or memory are short.  Whether there
 * was anything. */
bool kept_empty(struct kept *kept);

#endif
