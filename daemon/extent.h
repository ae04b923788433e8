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

/* An empty index for at most max_runs free runs at a time.  -ENOMEM; -EINVAL:
 * max_runs is 0. */
int extents_new(struct extents **extentsp, uint64_t max_runs);
struct extents *extents_free(struct extents *extents);

/* Adds a free run and joins it to those it touches.  One that overlaps a free
 * run, or exceeds max_runs, aborts. */
void extents_insert(struct extents *extents, const struct run *run);

/* Takes exactly this run out of the free run around it.  Aborts where it is
 * not all free. */
void extents_remove(struct extents *extents, const struct run *run);

/* Best fit: of all free runs with an admissible place the smallest, of several
 * the lowest, and in it the lowest place.  Returns false where there is none.
 * extents_take() takes it out with its tail; extents_find() only tells where.
 * fit_bytes() must not exceed 2^64. */
bool extents_find(struct extents *extents, const struct fit *fit,
		  uint64_t *physp);
bool extents_take(struct extents *extents, const struct fit *fit,
		  uint64_t *physp);

size_t extents_count(const struct extents *extents);
uint64_t extents_largest_bytes(struct extents *extents); /* 0: none is free */

/* Calls fn for every free run in order of address. */
void extents_for_each(struct extents *extents,
		      void (*fn)(void *data, const struct run *run), void *data);

/* Aborts where the orders disagree or two runs touch; visits every run. */
void extents_verify(struct extents *extents);

#endif
