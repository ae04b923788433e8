/* SPDX-License-Identifier: MIT */
#include "tests/bench/peer.h"

#include <stdlib.h>

#include "tests/bench/linear.h"

/*
 * Next fit: first fit that begins where the last search ended and starts over
 * at the bottom when it reaches the top (Knuth, The Art of Computer
 * Programming, volume 1, section 2.5, where a roving pointer is proposed so
 * that small leftovers do not gather at the front of the list).  It is what a
 * program does that keeps a bitmap and does not like to search it from the
 * front each time.
 */

struct next_fit {
	struct linear *linear;
	uint64_t rover; /* behind what was given last */
};

static void *next_fit_destroy(void *state)
{
	struct next_fit *next_fit = state;

	if (next_fit)
		linear_free(next_fit->linear);
	free(next_fit);
	return NULL;
}

static void *next_fit_new(uint64_t granules)
{
	struct next_fit *next_fit = calloc(1, sizeof(*next_fit));

	if (!next_fit)
		return NULL;
	next_fit->linear = linear_new(granules);
	return next_fit->linear ? next_fit : next_fit_destroy(next_fit);
}

static uint64_t next_fit_alloc(void *state, uint64_t size, uint64_t align)
{
	struct next_fit *next_fit = state;
	uint64_t start = linear_find_area(next_fit->linear, next_fit->rover,
					  size, align);

	if (start == PEER_NONE && next_fit->rover)
		start = linear_find_area(next_fit->linear, 0, size, align);
	if (start == PEER_NONE)
		return PEER_NONE;
	linear_set(next_fit->linear, start, size);
	next_fit->rover = start + size;
	return start;
}

static void next_fit_free(void *state, uint64_t start, uint64_t size)
{
	struct next_fit *next_fit = state;

	linear_clear(next_fit->linear, start, size);
}

const struct peer peer_next_fit = {
	.name = "next fit",
	.new = next_fit_new,
	.destroy = next_fit_destroy,
	.alloc = next_fit_alloc,
	.free = next_fit_free,
};
