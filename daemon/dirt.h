/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DIRT_H
#define DAEMON_DIRT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/space.h"
#include "util/list.h"

/*
 * Runs of one region that nobody uses but that are not known to be zero,
 * oldest first.  They are still taken in the region's space.
 */

struct object;

/* One run; made when the run is lent, so that its return needs no memory. */
struct stain {
	struct list link; // dirt::stains or dirt::awaited
	struct run run;
	struct object *object; /* whose pages are to go as well; or NULL */
	uint64_t ticket; /* of all regions, increasing in order of soiling; 0:
			    none yet */
};

struct dirt {
	struct list stains;
	uint64_t bytes;
	struct list awaited;
	uint64_t awaited_bytes;
	uint64_t *ticketp; /* borrowed: the newest one given to any region */
};

void dirt_init(struct dirt *dirt, uint64_t *ticketp);
/* Objects must have been taken out of the stains before. */
void dirt_deinit(struct dirt *dirt);

/* NULL: out of memory.  Freed with free(), or given to dirt_add_consume(). */
struct stain *stain_new(const struct run *run);

/* The run comes back for certain, but something is still to be done with it:
 * it takes its place in the order already.  The stain stays its maker's.  What
 * is awaited must be added in the order in which it was announced. */
void dirt_await(struct dirt *dirt, struct stain *stain);

void dirt_add_consume(struct dirt *dirt, struct stain *stain);

/* The first bytes of the oldest stain, at most max_bytes; false: all clean. */
bool dirt_peek(const struct dirt *dirt, uint64_t max_bytes, struct run *runp);
/* The object of the oldest stain; NULL: it has none. */
struct object *dirt_peek_object(const struct dirt *dirt);
/* Takes away what dirt_peek() gave.  Returns the stain's object, for the caller
 * to free, where nothing is left of the stain. */
struct object *dirt_remove(struct dirt *dirt, const struct run *run);

/* Whether anything is still awaited of what was announced up to that ticket. */
bool dirt_awaits(const struct dirt *dirt, uint64_t ticket);
/* Whether anything is left of what was soiled or announced up to that ticket. */
bool dirt_waits(const struct dirt *dirt, uint64_t ticket);

#endif
