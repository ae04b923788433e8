/* SPDX-License-Identifier: MIT */
#include "daemon/usable.h"

#include <stdbool.h>
#include <stdlib.h>

#include "daemon/run.h"
#include "util/cleanup.h"
#include "util/power.h"

/*
 * Figures for people, and for deciding whether waiting could help.  For both,
 * what is dirty counts as free.  The allocator's own index knows only what is
 * clean, so runs and stains are laid side by side here.
 *
 * A stain mostly lies in one partition.  Where the configuration has moved a
 * limit since its buffer was lent it does not, and each has its part of it.
 */

/* Calls fn for what is dirty in a partition. */
static void for_each_dirty(const struct region *region,
			   const struct partition *partition,
			   void (*fn)(void *data, const struct run *run),
			   void *data)
{
	const struct stain *stain;

	list_for_each (stain, &region->dirt.stains, link) {
		struct run left = stain->run, part;

		while (left.size_bytes > 0) {
			if (partitions_find(&region->partitions, &left,
					    &part) == partition)
				fn(data, &part);
			left.phys += part.size_bytes;
			left.size_bytes -= part.size_bytes;
		}
	}
}

static void add_up(void *data, const struct run *run)
{
	uint64_t *sum = data;

	*sum += run->size_bytes;
}

uint64_t usable_bytes(const struct region *region, const struct credentials *who)
{
	uint64_t sum = 0;

	if (region->partitions.n == 1 &&
	    partition_is_open(&region->partitions.items[0], who))
		return region_free_bytes(region);
	for (size_t i = 0; i < region->partitions.n; i++) {
		const struct partition *item = &region->partitions.items[i];

		if (!partition_is_open(item, who))
			continue;
		sum += space_free_bytes(item->space);
		for_each_dirty(region, item, add_up, &sum);
	}
	return sum;
}

static void count(void *data, const struct run *run)
{
	size_t *n = data;

	(void)run;
	(*n)++;
}

struct gathered {
	struct run *runs;
	size_t n;
	size_t room;
};

static void gather(void *data, const struct run *run)
{
	struct gathered *all = data;

	all->runs[all->n++] = *run;
}

static int by_address(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->phys < y->phys ? -1 : x->phys > y->phys;
}

/* Segments of a space never touch, so runs that do are of one. */
static bool joins(const struct run *run, const struct run *next)
{
	return run_last(run) + 1 == next->phys;
}

static uint64_t longest_joined(struct gathered *all)
{
	uint64_t longest = 0;

	qsort(all->runs, all->n, sizeof(*all->runs), by_address);
	for (size_t i = 0; i < all->n; i++) {
		if (i > 0 && joins(&all->runs[i - 1], &all->runs[i])) {
			all->runs[i].phys = all->runs[i - 1].phys;
			all->runs[i].size_bytes += all->runs[i - 1].size_bytes;
		}
		if (all->runs[i].size_bytes > longest)
			longest = all->runs[i].size_bytes;
	}
	return longest;
}

static uint64_t longest_in(const struct region *region,
			   const struct partition *partition)
{
	uint64_t longest = space_largest_free_bytes(partition->space);
	_cleanup_free_ struct run *room = NULL;
	struct gathered all = {.n = 0};

	if (list_empty(&region->dirt.stains))
		return longest;
	for_each_dirty(region, partition, count, &all.room);
	all.room += space_count_free_runs(partition->space);
	/* Of few sizes: the allocator keeps some of each that it has met. */
	room = calloc(power_of_two_from(all.room), sizeof(*room));
	if (!room)
		return longest; /* a figure for people: better than none */
	all.runs = room;
	space_for_each_free(partition->space, gather, &all);
	for_each_dirty(region, partition, gather, &all);
	return longest_joined(&all);
}

uint64_t usable_longest_bytes(const struct region *region,
			      const struct credentials *who)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < region->partitions.n; i++) {
		const struct partition *item = &region->partitions.items[i];

		if (partition_is_open(item, who)) {
			uint64_t here = longest_in(region, item);

			longest = here > longest ? here : longest;
		}
	}
	return longest;
}

uint64_t usable_longest_ever_bytes(const struct region *region,
				   const struct credentials *who)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < region->partitions.n; i++) {
		const struct partition *item = &region->partitions.items[i];
		size_t n = 0;
		const struct run *segments = space_segments(item->space, &n);

		if (!partition_is_open(item, who))
			continue;
		for (size_t j = 0; j < n; j++)
			if (segments[j].size_bytes > longest)
				longest = segments[j].size_bytes;
	}
	return longest;
}
