/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BATCH_H
#define DAEMON_BATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"
#include "daemon/closings.h"
#include "daemon/worker.h"
#include "util/list.h"

/*
 * What the worker does for a stock: it makes objects of one size, and frees
 * others.
 */

/* Small pages given to an object at a time: who stops the worker waits for no
 * more than that. */
#define BATCH_SLICE_BYTES (UINT64_C(1) << 18)
/* Less than that is made as fast of small pages as of large ones. */
#define BATCH_LARGE_BYTES (UINT64_C(1) << 17)

/* The worker's own while it runs, but for what is under the lock. */
struct batch {
	const struct closings *closings; /* borrowed; NULL: nobody is told */
	struct job job;
	struct list doomed; // object::link
	struct memory *memory;
	uint64_t size_bytes;
	size_t n_populated;	/* so many get their pages */
	struct object *object;	/* that is getting its pages */
	uint64_t huge_from_ns;	/* clock_ns(); not before that as huge ones */
	uint64_t large_from_ns; /* the same as large ones */

	pthread_mutex_t lock; /* of what follows */
	size_t n;	      /* to be made yet */
	struct list made;     // object::link
};

/* What is to be made: n objects of a memory for runs of this size, of which
 * the first n_populated get all their pages. */
struct batch_plan {
	struct memory *memory;
	uint64_t size_bytes;
	size_t n;
	size_t n_populated;
};

void batch_init(struct batch *batch);
/* Both free what is in it.  Only after the worker has ended, and before any
 * memory is closed. */
void batch_empty(struct batch *batch);
void batch_deinit(struct batch *batch);

/* Has the worker make what is planned (NULL: nothing), and then free all
 * doomed, which leaves that list empty.  It must not run.  What is told of its
 * end is worker_collect()'s: 0, or what the backend gave, and then not all was
 * made. */
void batch_submit(struct batch *batch, struct worker *worker,
		  const struct batch_plan *plan, struct list *doomed);

/* While it runs: from now on, so many are to be made. */
void batch_set_left(struct batch *batch, size_t n);

/* Appends what has been made so far to a list.  Those that have pages of their
 * own say how many: object::ready_bytes. */
void batch_take_made(struct batch *batch, struct list *made);

#endif
