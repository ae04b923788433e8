/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BINS_H
#define DAEMON_BINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"
#include "daemon/region.h"
#include "util/list.h"

/*
 * Objects that are ready, by size, how many of each size there should be, and
 * those that wait to be freed.
 */

/* Sizes of which there are any; of all regions together. */
#define BINS_SIZES	   16
/* Most of one size. */
#define BINS_OBJECTS	   64
/* Fewest: so many of these bytes as make one object, but not more. */
#define BINS_LEAST_BYTES   (UINT64_C(1) << 20)
#define BINS_LEAST_OBJECTS 8
/* Of what waits to be freed, so much at most exceeds the region's size. */
#define BINS_REMAINS_BYTES (UINT64_C(4) << 20)

/* What is ready for runs of one size of a region. */
struct bin {
	struct list link; // bins::list
	struct region *region;
	uint64_t size_bytes; /* of the run */
	struct list objects; // object::link: those with pages first
	size_t n_objects;
	size_t target;	   /* how many there should be */
	size_t n_taken;	   /* since it was full */
	size_t most_taken; /* in this period */
	bool missed;	   /* somebody came and there was none */
	bool is_made;	   /* its objects are being made: it stays */
};

struct bins {
	struct list list; // bin::link, the one asked for last first
	size_t n;
	size_t n_objects;
	uint64_t ready_bytes; /* of their pages; each region has its own sum */

	struct list doomed; // object::link: for somebody to free
	size_t n_doomed;
	uint64_t doomed_bytes; /* of their pages, at most */
};

void bins_init(struct bins *bins);
/* Frees all that is in them. */
void bins_deinit(struct bins *bins);

/* The bin for this size; it may be new, and have taken the place of the one
 * asked for longest ago.  NULL: out of memory. */
struct bin *bins_get(struct bins *bins, struct region *region,
		     uint64_t size_bytes);
/* One whose objects are fewer than there should be, the one asked for last
 * first; or NULL. */
struct bin *bins_find_short(const struct bins *bins);
/* Whether a few requests more empty it. */
bool bin_is_low(const struct bin *bin);

/* Somebody asks for an object, which is the caller's; NULL: there is none. */
struct object *bins_take(struct bins *bins, struct bin *bin);
/* The bin's from now on. */
void bins_put_consume(struct bins *bins, struct bin *bin, struct object *object);
/* Waits to be freed, with as many bytes of pages as object::ready_bytes says. */
void bins_doom_consume(struct bins *bins, struct object *object);
/* Appends what waits to be freed to a list, whose it is then. */
void bins_give_doomed(struct bins *bins, struct list *doomed);

/* Dooms what was not asked for longest until lent and ready together are no
 * more than the region's size. */
void bins_keep_within(struct bins *bins, struct region *region);
/* Frees what waits longest until ready and doomed exceed what is free by no
 * more than BINS_REMAINS_BYTES; only what is freed quickly. */
void bins_free_remains(struct bins *bins, const struct region *region);

/* Keeps what this period needed, dooms the rest, and forgets sizes of which
 * nothing is left. */
void bins_end_period(struct bins *bins);
/* Frees all objects, at once; the bins want none before somebody asks again. */
void bins_empty(struct bins *bins);

#endif
