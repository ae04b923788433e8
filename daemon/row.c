/* SPDX-License-Identifier: MIT */
#include "daemon/row.h"

#include <stdbool.h>
#include <stddef.h>

#include "util/power.h"

/*
 * A camera takes its buffers in one go and gives them back in one go.  Each of
 * them placed by best fit lies wherever a hole happens to be almost of its
 * size; when they return they leave as many holes again, and nothing larger
 * ever comes of it.  Side by side they leave one hole.  Streams of three to
 * eight buffers find a place far more often so (tests/bench/fragmentation);
 * nothing else that was tried came close to it.
 *
 * Runs whose places are the same distance apart, the stride, are one run to the
 * allocator: it is asked for the place of all of them, which is a best fit
 * again, and what alignment leaves between two goes back.  Where no hole is
 * long enough for all, each half is tried for itself, down to single runs; so
 * n runs cost at most 2n searches, and mostly one.
 *
 * No place is lost by this.  Taken for themselves, runs of one kind in one hole
 * come to lie one stride apart as well, so a hole has room for as many of them
 * in whatever portions they are taken.
 *
 * A boundary that runs must not cross holds for a portion as if it were one
 * run: one that is longer is cut in halves.  Where tails come with it, runs are
 * taken one by one: a tail may cross, and what it crosses into shifts the next
 * run, so that they need not lie one stride apart.
 */

/* Runs of one kind that are being taken from one space. */
struct filling {
	struct space *space;
	const struct space_request *each;
	struct run *runs;
	uint32_t n_taken;
	bool full; /* there is no place for another one */

	/* from the start of a run to the next one's; 0: only one at a time */
	uint64_t stride_bytes;
	uint64_t run_bytes; /* of one, with its tail */
};

/* Leaves the stride at 0 where the request is invalid, or their distance beyond
 * all addresses or not always the same. */
static void measure(struct filling *filling)
{
	const struct space_request *each = filling->each;
	uint64_t granule = space_granule_bytes(filling->space);
	uint64_t run_bytes = each->size_bytes, stride_bytes;

	if (each->size_bytes == 0 || (each->boundary_bytes && each->tail_bytes) ||
	    (each->align_bytes && !is_power_of_two(each->align_bytes)) ||
	    !round_up_to(&run_bytes, granule) ||
	    __builtin_add_overflow(run_bytes, each->tail_bytes, &run_bytes))
		return;
	stride_bytes = run_bytes;
	if (each->align_bytes > granule &&
	    !round_up_to(&stride_bytes, each->align_bytes))
		return;
	filling->run_bytes = run_bytes;
	filling->stride_bytes = stride_bytes;
}

/* The request for n runs as if they were one; false where there is none. */
static bool request_all(const struct filling *filling, uint32_t n,
			struct space_request *all)
{
	uint64_t before_last;

	*all = *filling->each;
	if (filling->stride_bytes == 0 ||
	    __builtin_mul_overflow(filling->stride_bytes, (uint64_t)n - 1,
				   &before_last) ||
	    __builtin_add_overflow(all->size_bytes, before_last,
				   &all->size_bytes))
		return false;
	return !all->boundary_bytes || all->size_bytes <= all->boundary_bytes;
}

/* Makes n runs of the one that was taken for all of them. */
static void cut(struct filling *filling, const struct run *all, uint32_t n)
{
	struct run padding = {
		.size_bytes = filling->stride_bytes - filling->run_bytes,
	};

	for (uint32_t i = 0; i < n; i++) {
		struct run *run = &filling->runs[filling->n_taken++];

		run->phys = all->phys + i * filling->stride_bytes;
		run->size_bytes = filling->run_bytes;
		padding.phys = run->phys + run->size_bytes;
		if (i + 1 < n && padding.size_bytes)
			space_release(filling->space, &padding);
	}
}

static void fill(struct filling *filling, uint32_t n)
{
	struct space_request all;
	struct run run;

	if (n == 1) {
		run = (struct run){0};
		if (space_alloc(filling->space, filling->each, &run, NULL) == 0)
			filling->runs[filling->n_taken++] = run;
		else
			filling->full = true;
		return;
	}
	if (request_all(filling, n, &all) &&
	    space_alloc(filling->space, &all, &run, NULL) == 0) {
		cut(filling, &run, n);
		return;
	}
	fill(filling, n - n / 2);
	if (!filling->full)
		fill(filling, n / 2);
}

uint32_t row_fill(struct space *space, const struct space_request *each,
		  uint32_t count, struct run *runs)
{
	struct filling filling = {.space = space, .each = each, .runs = runs};

	measure(&filling);
	fill(&filling, count);
	return filling.n_taken;
}

int row_take(struct partitions *partitions, const struct row *row,
	     struct run *runs, struct space_refusal *refusal)
{
	uint32_t n = 0;
	int r;

	for (size_t i = 0; i < partitions->n && n < row->count; i++) {
		const struct partition *item = &partitions->items[i];

		if (partition_is_open(item, row->who))
			n += row_fill(item->space, &row->each, row->count - n,
				      &runs[n]);
	}
	if (n == row->count)
		return 0;
	/* It refuses as every partition just did, and knows the reason. */
	r = partitions_alloc(partitions, row->who, &row->each, &runs[n],
			     refusal);
	while (n-- > 0)
		partitions_release(partitions, &runs[n]);
	return r;
}
