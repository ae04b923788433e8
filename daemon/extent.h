/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_EXTENT_H
#define DAEMON_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/fit.h"
#include "daemon/run.h"

/*
 * The index of the free runs of a space: where there is room.  It never looks
 * at a bit.  Runs are kept apart by at least one taken granule or a gap; what
 * touches is one run.  Room for as many runs as there can ever be is set aside
 * when the index is made, so nothing below can fail for want of memory.
 */

struct extents;

/* What every run is within. */
struct extents_bounds {
	uint64_t granule_bytes; /* a power of two; all below are multiples */
	uint64_t first_phys;
	uint64_t last_phys;     /* of the last byte */
	uint64_t longest_bytes; /* of a run; not 0 */
	uint64_t max_runs;      /* at a time */
};

/* An empty index.  -ENOMEM; -EINVAL: max_runs is 0; -EOVERFLOW: the granules
 * from first to last and those of the longest run need more than 64 bits
 * together to be counted. */
int extents_new(struct extents **extentsp, const struct extents_bounds *bounds);
struct extents *extents_free(struct extents *extents);

/* Requests come with this tail, until this says otherwise; at first with none.
 * For an index of few runs: all of them are gone through. */
void extents_expect_tail(struct extents *extents, uint64_t tail_bytes);

/* Adds a free run and joins it to those it touches.  One that overlaps a free
 * run, or exceeds max_runs, aborts. */
void extents_insert(struct extents *extents, const struct run *run);

/* Takes exactly this run out of the free run around it.  Aborts where it is
 * not all free. */
void extents_remove(struct extents *extents, const struct run *run);

/*
 * Finds a place.  There is one whenever a free run has an admissible one.  Of
 * the EXTENTS_TRIED smallest free runs that are long enough, the first that has
 * one is the best fit; of it and those that are at most EXTENTS_NEAR_BYTES
 * longer, the lowest that has one is taken, and in it the lowest place.  Where
 * none of those has one, because of the constraints, it is the lowest place in
 * the smallest run that has one for its length alone; or else in any.  That one
 * is found in O(log k) as well, but by trying all runs where the tail is not the
 * one that was expected.
 *
 * Returns false where there is none; or else the free run that it is in, and the
 * address.  fit_bytes() must not exceed 2^64; it, the alignment and the boundary
 * are at least a granule.
 */
#define EXTENTS_TRIED	   16
#define EXTENTS_NEAR_BYTES (UINT64_C(128) << 10)
bool extents_find(const struct extents *extents, const struct fit *fit,
		  struct run *fromp, uint64_t *physp);

/* The same as extents_remove() where the free run around it is known, from
 * extents_find() just before. */
void extents_take(struct extents *extents, const struct run *from,
		  const struct run *run);

size_t extents_count(const struct extents *extents);
uint64_t extents_largest_bytes(const struct extents *extents); /* 0: none is free */

/* Calls fn for every free run in order of address. */
void extents_for_each(const struct extents *extents,
		      void (*fn)(void *data, const struct run *run), void *data);

/* Aborts where the orders disagree or two runs touch; visits every run. */
void extents_verify(const struct extents *extents);

#endif
