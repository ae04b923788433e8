/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STOCK_H
#define DAEMON_STOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"
#include "daemon/batch.h"
#include "daemon/bins.h"
#include "daemon/closings.h"
#include "daemon/loop.h"
#include "daemon/region.h"
#include "daemon/worker.h"

/*
 * Objects that are made before anybody asks for them, of sizes that were asked
 * for lately.
 */

/* Objects in all, unless stock_limit_files() says less. */
#define STOCK_OBJECTS	     256
/* Waiting to be freed; of what comes back then, each frees its own. */
#define STOCK_DOOMED_OBJECTS 128
/* A size that nobody asks for is forgotten after this time, or twice that. */
#define STOCK_PERIOD_MS	     30000
/* Time in which a burst of requests is served before what it took is replaced,
 * unless somebody found none, or little is left of what takes long to make. */
#define STOCK_PAUSE_MS	     1
/* Between looks whether the worker is done. */
#define STOCK_LOOK_MS	     5

struct stock {
	struct worker *worker; /* its own; NULL until it is needed */
	struct bins bins;      /* what waits to be freed is for the worker */
	size_t max_objects;
	uint64_t max_ready_bytes;
	struct timer *timer;
	bool timer_set;
	bool in_hurry; /* for the next round of the loop */
	struct timer *period_timer;
	bool period_timer_set;

	struct batch batch;
	struct bin *made_bin; /* its objects are being made; NULL: none are */
	bool busy;
};

/* 0 or -ENOMEM. */
int stock_init(struct stock *stock, struct loop *loop);
/* Before any memory is closed. */
void stock_deinit(struct stock *stock);

/* What is made from now on is watched there before anybody has it; the closings
 * are borrowed until stock_deinit(). */
void stock_use_closings(struct stock *stock, const struct closings *closings);

/* Keeps no more than an eighth of so many descriptors, STOCK_OBJECTS at most. */
void stock_limit_files(struct stock *stock, uint64_t max_files);

/* An object of a region's memory for a run of this size, which was just taken
 * there: nobody has ever had it, its run is the caller's to set.  NULL: there
 * is none, and the next time there may be. */
struct object *stock_take(struct stock *stock, struct region *region,
			  uint64_t size_bytes);

/* Has the worker free an object that nobody holds any more, and that has at
 * most so many bytes of pages of its own (0: none): giving them back, or
 * closing what has none, takes longer than a request.  false: it is the
 * caller's to free, being too large, or the worker does not keep up. */
bool stock_leave_consume(struct stock *stock, struct object *object,
			 uint64_t bytes);

/* To be called after each period; a timer does.  Keeps what the period needed. */
void stock_end_period(struct stock *stock);

/* Gives up what is ready and what is being made or freed, at once: descriptors
 * or memory are short.  Whether there was anything. */
bool stock_empty(struct stock *stock);

#endif
