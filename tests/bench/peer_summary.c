/* SPDX-License-Identifier: MIT */
#include "tests/bench/peer.h"

#include <stdbool.h>
#include <stdlib.h>

#include "tests/bench/linear.h"

/*
 * First fit that skips what cannot serve: a tree of summaries over the bitmap,
 * as described for the page allocator of the Go runtime (Knyszek and Clements,
 * "Scaling the Go page allocator", 2019).
 *
 * The bitmap is cut into chunks of 512 bits.  A summary says of its part how
 * many granules are free at its start, at its end, and in the longest run
 * within; each one stands for a chunk, or for eight summaries of the level
 * below.  A search goes from left to right and carries what was free at the end
 * of the part before: a part whose start completes the run, or whose longest
 * run suffices, ends it or is entered; all others are passed with one look.  So
 * it finds the same place as a search along all bits.
 *
 * Go rounds to no alignment.  For one, a place that it spoils is left behind
 * and the search goes on from the first taken granule in it.
 */

#define CHUNK_BITS 512
#define FANOUT	   8
#define MAX_LEVELS 9 /* 512 * 8^8 bits are more than PEER_MAX_GRANULES */

struct part {
	uint32_t start, longest, end; /* free granules */
};

struct summary {
	struct linear *bits;
	struct part *levels[MAX_LEVELS]; /* of chunks first */
	uint64_t n_parts[MAX_LEVELS];
	uint64_t spans[MAX_LEVELS]; /* granules of a part */
	int top;		    /* the level of one part */
};

/* A search on its way from left to right. */
struct sweep {
	const struct summary *summary;
	uint64_t from;	/* nothing below is looked at */
	uint64_t size;	/* wanted */
	uint64_t start; /* of the free granules right before here */
	uint64_t free;	/* how many those are */
};

static void *summary_destroy(void *state)
{
	struct summary *summary = state;

	if (!summary)
		return NULL;
	linear_free(summary->bits);
	for (int i = 0; i < MAX_LEVELS; i++)
		free(summary->levels[i]);
	free(summary);
	return NULL;
}

/* Puts what follows a part of span granules behind it. */
static void join(struct part *all, uint64_t all_span, const struct part *next,
		 uint64_t span)
{
	uint32_t across = all->end + next->start;

	if (all->start == all_span)
		all->start += next->start;
	if (next->longest > all->longest)
		all->longest = next->longest;
	if (across > all->longest)
		all->longest = across;
	all->end = next->end == span ? all->end + next->end : next->end;
}

static struct part sum_chunk(const struct summary *summary, uint64_t index)
{
	uint64_t first = index * CHUNK_BITS, end = first + CHUNK_BITS;
	struct part part = {0};

	for (uint64_t at = first, taken; at < end; at = taken) {
		at = linear_next_clear(summary->bits, at, end);
		taken = linear_next_set(summary->bits, at, end);
		if (at == first)
			part.start = (uint32_t)(taken - at);
		if (taken - at > part.longest)
			part.longest = (uint32_t)(taken - at);
		part.end = (uint32_t)(taken - at);
	}
	return part;
}

/* Parts beyond the last one of a level count as taken. */
static struct part sum_parts(const struct summary *summary, int level,
			     uint64_t index)
{
	const struct part *below = summary->levels[level - 1];
	uint64_t span = summary->spans[level - 1];
	uint64_t first = index * FANOUT, n = summary->n_parts[level - 1];
	struct part all = below[first];

	for (uint64_t i = 1; i < FANOUT; i++)
		if (first + i < n)
			join(&all, i * span, &below[first + i], span);
		else
			all.end = 0;
	return all;
}

/* Sums up again all that the granules of a run are in. */
static void update(struct summary *summary, uint64_t start, uint64_t size)
{
	uint64_t first = start / CHUNK_BITS;
	uint64_t last = (start + size - 1) / CHUNK_BITS;

	for (uint64_t i = first; i <= last; i++)
		summary->levels[0][i] = sum_chunk(summary, i);
	for (int level = 1; level <= summary->top; level++) {
		first /= FANOUT;
		last /= FANOUT;
		for (uint64_t i = first; i <= last; i++)
			summary->levels[level][i] = sum_parts(summary, level, i);
	}
}

static void *summary_new(uint64_t granules)
{
	uint64_t n = (granules + CHUNK_BITS - 1) / CHUNK_BITS;
	uint64_t span = CHUNK_BITS, n_bits = n * CHUNK_BITS;
	struct summary *summary = calloc(1, sizeof(*summary));

	if (!summary)
		return NULL;
	summary->bits = linear_new(n_bits);
	if (!summary->bits)
		return summary_destroy(summary);
	linear_set(summary->bits, granules, n_bits - granules);
	for (int level = 0;; level++) {
		summary->levels[level] = calloc(n, sizeof(struct part));
		if (!summary->levels[level])
			return summary_destroy(summary);
		summary->n_parts[level] = n;
		summary->spans[level] = span;
		summary->top = level;
		if (n == 1)
			break;
		n = (n + FANOUT - 1) / FANOUT;
		span *= FANOUT;
	}
	update(summary, 0, n_bits);
	return summary;
}

/* Goes along the bits of one chunk. */
static bool sweep_chunk(struct sweep *sweep, uint64_t first)
{
	const struct linear *bits = sweep->summary->bits;
	uint64_t end = first + CHUNK_BITS;
	uint64_t at = sweep->from > first ? sweep->from : first, taken;

	while (at < end) {
		taken = linear_next_set(bits, at, end);
		if (sweep->free == 0)
			sweep->start = at;
		sweep->free += taken - at;
		if (sweep->free >= sweep->size)
			return true;
		if (taken == end)
			break;
		sweep->free = 0;
		at = linear_next_clear(bits, taken, end);
	}
	return false;
}

/* True where the run is complete; it begins at sweep->start. */
static bool sweep_part(struct sweep *sweep, int level, uint64_t index)
{
	const struct summary *summary = sweep->summary;
	const struct part *part = &summary->levels[level][index];
	uint64_t span = summary->spans[level], first = index * span;

	if (first + span <= sweep->from)
		return false;
	if (first >= sweep->from && sweep->free + part->start < sweep->size &&
	    part->longest < sweep->size) {
		if (part->end == span && sweep->free == 0)
			sweep->start = first;
		sweep->free = part->end == span ? sweep->free + span : part->end;
		if (part->end < span)
			sweep->start = first + span - part->end;
		return false;
	}
	if (level == 0)
		return sweep_chunk(sweep, first);
	for (uint64_t i = index * FANOUT;
	     i < (index + 1) * FANOUT && i < summary->n_parts[level - 1]; i++)
		if (sweep_part(sweep, level - 1, i))
			return true;
	return false;
}

static uint64_t find(const struct summary *summary, uint64_t size,
		     uint64_t align)
{
	struct sweep sweep = {.summary = summary, .size = size};
	uint64_t n_bits = summary->n_parts[0] * CHUNK_BITS, start, taken;

	while (sweep_part(&sweep, summary->top, 0)) {
		start = (sweep.start + align - 1) & ~(align - 1);
		if (start == sweep.start)
			return start;
		if (start > n_bits || size > n_bits - start)
			break;
		taken = linear_next_set(summary->bits, start, start + size);
		if (taken == start + size)
			return start;
		sweep.from = taken + 1;
		sweep.free = 0;
	}
	return PEER_NONE;
}

static uint64_t summary_alloc(void *state, uint64_t size, uint64_t align)
{
	struct summary *summary = state;
	uint64_t start = find(summary, size, align);

	if (start == PEER_NONE)
		return PEER_NONE;
	linear_set(summary->bits, start, size);
	update(summary, start, size);
	return start;
}

static void summary_give(void *state, uint64_t start, uint64_t size)
{
	struct summary *summary = state;

	linear_clear(summary->bits, start, size);
	update(summary, start, size);
}

const struct peer peer_summary = {
	.name = "summary tree",
	.new = summary_new,
	.destroy = summary_destroy,
	.alloc = summary_alloc,
	.free = summary_give,
};
