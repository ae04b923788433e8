/* SPDX-License-Identifier: MIT */
#include "daemon/extent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/broken.h"
#include "util/cleanup.h"
#include "util/rb.h"

/*
 * Every free run is a node in two red-black trees: by address, to find what a
 * returning run touches, and by (size, address), whose order is best fit.
 * Joining and splitting change at most three nodes, so taking and giving back
 * are O(log k) for k free runs.  A search starts at the first run of sufficient
 * size and goes up until a place meets the constraints; without constraints
 * the first one does.
 *
 * A run that comes back may need a node, and giving back must not fail.  The
 * nodes are therefore one array with room for the worst case (every second
 * granule free), reserved as address space only: the kernel provides a page of
 * it when its first node is used, and nodes that were given up are used again
 * first, so that real memory follows the highest number of free runs so far.
 */

struct extent {
	struct run run;
	RB_ENTRY(extent) by_phys;
	union {
		RB_ENTRY(extent) by_size;
		struct extent *next_unused;
	};
};

RB_HEAD(by_phys, extent);
RB_HEAD(by_size, extent);

struct extents {
	struct by_phys by_phys;
	struct by_size by_size;
	size_t n_runs;

	struct extent *unused; /* given up, linked by next_unused */
	struct extent *nodes;  /* max_nodes of them; mapped, not touched */
	size_t n_touched;      /* nodes from here on were never used */
	size_t max_nodes;
};

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_phys(struct extent *a, struct extent *b)
{
	return compare_u64(a->run.phys, b->run.phys);
}

static int compare_size(struct extent *a, struct extent *b)
{
	int order = compare_u64(a->run.size_bytes, b->run.size_bytes);

	return order ? order : compare_phys(a, b);
}

RB_GENERATE_PRIVATE(by_phys, extent, by_phys, compare_phys)
RB_GENERATE_PRIVATE(by_size, extent, by_size, compare_size)

int extents_new(struct extents **extentsp, uint64_t max_runs)
{
	_cleanup_free_ struct extents *extents = NULL;
	size_t size;
	void *nodes;

	if (max_runs == 0)
		return -EINVAL;
	if (__builtin_mul_overflow(max_runs, sizeof(*extents->nodes), &size))
		return -ENOMEM;
	extents = calloc(1, sizeof(*extents));
	if (!extents)
		return -ENOMEM;
	nodes = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (nodes == MAP_FAILED)
		return -ENOMEM;
	extents->nodes = nodes;
	extents->max_nodes = (size_t)max_runs;
	RB_INIT(&extents->by_phys);
	RB_INIT(&extents->by_size);
	*extentsp = TAKE_PTR(extents);
	return 0;
}

struct extents *extents_free(struct extents *extents)
{
	if (extents)
		(void)munmap(extents->nodes,
			     extents->max_nodes * sizeof(*extents->nodes));
	free(extents);
	return NULL;
}

static void extent_add(struct extents *extents, uint64_t phys,
		       uint64_t size_bytes)
{
	struct extent *extent = extents->unused;

	if (extent)
		extents->unused = extent->next_unused;
	else if (extents->n_touched < extents->max_nodes)
		extent = &extents->nodes[extents->n_touched++];
	else
		broken("more than %zu free runs", extents->max_nodes);
	extent->run = (struct run){.phys = phys, .size_bytes = size_bytes};
	RB_INSERT(by_phys, &extents->by_phys, extent);
	RB_INSERT(by_size, &extents->by_size, extent);
	extents->n_runs++;
}

static void extent_drop(struct extents *extents, struct extent *extent)
{
	RB_REMOVE(by_phys, &extents->by_phys, extent);
	RB_REMOVE(by_size, &extents->by_size, extent);
	extent->next_unused = extents->unused;
	extents->unused = extent;
	extents->n_runs--;
}

/* Changes a run within the room between its neighbours: its rank by address
 * stays, only its rank by size is found anew. */
static void extent_change(struct extents *extents, struct extent *extent,
			  uint64_t phys, uint64_t size_bytes)
{
	RB_REMOVE(by_size, &extents->by_size, extent);
	extent->run = (struct run){.phys = phys, .size_bytes = size_bytes};
	RB_INSERT(by_size, &extents->by_size, extent);
}

/* The last free run that begins at or below phys, and the one after it. */
static void neighbours(struct extents *extents, uint64_t phys,
		       struct extent **belowp, struct extent **abovep)
{
	struct extent *at = RB_ROOT(&extents->by_phys);

	*belowp = NULL;
	*abovep = NULL;
	while (at)
		if (at->run.phys <= phys) {
			*belowp = at;
			at = RB_RIGHT(at, by_phys);
		} else {
			*abovep = at;
			at = RB_LEFT(at, by_phys);
		}
}

void extents_insert(struct extents *extents, const struct run *run)
{
	uint64_t size_bytes = run->size_bytes;
	struct extent *below, *above;
	bool joins_below, joins_above;

	neighbours(extents, run->phys, &below, &above);
	if ((below && run_last(&below->run) >= run->phys) ||
	    (above && above->run.phys <= run_last(run)))
		broken("run 0x%" PRIx64 "+0x%" PRIx64 " is free already",
		       run->phys, run->size_bytes);
	joins_below = below && run_last(&below->run) + 1 == run->phys;
	joins_above = above && run_last(run) + 1 == above->run.phys;
	if (joins_above) {
		size_bytes += above->run.size_bytes;
		if (!joins_below) {
			extent_change(extents, above, run->phys, size_bytes);
			return;
		}
		extent_drop(extents, above);
	}
	if (joins_below)
		extent_change(extents, below, below->run.phys,
			      below->run.size_bytes + size_bytes);
	else
		extent_add(extents, run->phys, size_bytes);
}

/* Takes run out of extent, which is around it. */
static void extent_carve(struct extents *extents, struct extent *extent,
			 const struct run *run)
{
	uint64_t first = extent->run.phys;
	uint64_t before_bytes = run->phys - first;
	uint64_t after_bytes = run_last(&extent->run) - run_last(run);

	if (before_bytes) {
		extent_change(extents, extent, first, before_bytes);
		if (after_bytes)
			extent_add(extents, run_last(run) + 1, after_bytes);
	} else if (after_bytes) {
		extent_change(extents, extent, run_last(run) + 1, after_bytes);
	} else {
		extent_drop(extents, extent);
	}
}

void extents_remove(struct extents *extents, const struct run *run)
{
	struct extent *below, *above;

	neighbours(extents, run->phys, &below, &above);
	if (!below || run_last(&below->run) < run_last(run))
		broken("run 0x%" PRIx64 "+0x%" PRIx64 " is not in the index",
		       run->phys, run->size_bytes);
	extent_carve(extents, below, run);
}

static struct extent *best_fit(struct extents *extents, const struct fit *fit,
			       uint64_t *physp)
{
	struct extent key = {.run = {.size_bytes = fit_bytes(fit)}};
	struct extent *extent = RB_NFIND(by_size, &extents->by_size, &key);

	while (extent && !fit_place(fit, &extent->run, physp))
		extent = RB_NEXT(by_size, &extents->by_size, extent);
	return extent;
}

bool extents_find(struct extents *extents, const struct fit *fit,
		  uint64_t *physp)
{
	return best_fit(extents, fit, physp) != NULL;
}

bool extents_take(struct extents *extents, const struct fit *fit,
		  uint64_t *physp)
{
	struct extent *extent = best_fit(extents, fit, physp);
	struct run run = {.size_bytes = fit_bytes(fit)};

	if (!extent)
		return false;
	run.phys = *physp;
	extent_carve(extents, extent, &run);
	return true;
}

size_t extents_count(const struct extents *extents)
{
	return extents->n_runs;
}

uint64_t extents_largest_bytes(struct extents *extents)
{
	struct extent *largest = RB_MAX(by_size, &extents->by_size);

	return largest ? largest->run.size_bytes : 0;
}

void extents_for_each(struct extents *extents,
		      void (*fn)(void *data, const struct run *run), void *data)
{
	struct extent *extent;

	RB_FOREACH (extent, by_phys, &extents->by_phys)
		fn(data, &extent->run);
}

void extents_verify(struct extents *extents)
{
	struct extent *extent, *previous = NULL;
	size_t n_by_phys = 0, n_by_size = 0;

	RB_FOREACH (extent, by_phys, &extents->by_phys) {
		if (previous && run_last(&previous->run) >= extent->run.phys - 1)
			broken("free runs meet at 0x%" PRIx64, extent->run.phys);
		if (RB_FIND(by_size, &extents->by_size, extent) != extent)
			broken("free run 0x%" PRIx64 " is not found by size",
			       extent->run.phys);
		previous = extent;
		n_by_phys++;
	}
	RB_FOREACH (extent, by_size, &extents->by_size)
		n_by_size++;
	if (n_by_phys != extents->n_runs || n_by_size != extents->n_runs)
		broken("%zu free runs, %zu by address, %zu by size",
		       extents->n_runs, n_by_phys, n_by_size);
}
