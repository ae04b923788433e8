/* SPDX-License-Identifier: MIT */
#include "tests/bench/peer.h"

#include "tests/bench/linear.h"

/*
 * First fit along a bitmap, as the kernel's contiguous memory allocator (CMA)
 * places what drivers ask for: one bit a granule, and every request searches
 * from the first bit on.  Whatever is taken at the bottom is gone through again
 * each time, so a request costs as much as there is memory below its place.
 *
 * The kernel also rounds the search up to its own order granularity and tries
 * again where pages cannot be moved; both are left out, as a reserved region
 * has no movable pages and a granule here is one bit.
 */

static void *first_fit_new(uint64_t granules)
{
	return linear_new(granules);
}

static void *first_fit_destroy(void *state)
{
	return linear_free(state);
}

static uint64_t first_fit_alloc(void *state, uint64_t size, uint64_t align)
{
	uint64_t start = linear_find_area(state, 0, size, align);

	if (start != PEER_NONE)
		linear_set(state, start, size);
	return start;
}

static void first_fit_free(void *state, uint64_t start, uint64_t size)
{
	linear_clear(state, start, size);
}

const struct peer peer_first_fit = {
	.name = "first fit",
	.new = first_fit_new,
	.destroy = first_fit_destroy,
	.alloc = first_fit_alloc,
	.free = first_fit_free,
};
