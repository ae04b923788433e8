/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REACH_H
#define DAEMON_REACH_H

#include <stdint.h>

/*
 * A free run in one word, and what it has to offer to requests with an
 * alignment or a boundary.  All is counted in granules.  The word has the place
 * of the run, counted from the lowest of all, above its length less one: words
 * are in order of address.
 *
 * At a level L a run is measured against multiples of 2^L, where it contains
 * one: its lead is what comes before the first of them, its room all that comes
 * from there on.  Where it contains one, both fit into 32 bits.
 */
struct reach {
	uint64_t base; /* the lowest of all */
	unsigned int length_bits;
};

static inline uint64_t reach_word(const struct reach *reach, uint64_t place,
				  uint64_t length)
{
	return place << reach->length_bits | (length - 1);
}

static inline uint64_t reach_place(const struct reach *reach, uint64_t word)
{
	return word >> reach->length_bits;
}

static inline uint64_t reach_length(const struct reach *reach, uint64_t word)
{
	return (word & ((UINT64_C(1) << reach->length_bits) - 1)) + 1;
}

/* Measures, by number: the room less one of each level is even, the lead of
 * each level is odd. */
#define REACH_ROOM(level) (2 * (level))
#define REACH_LEAD(level) (2 * (level) + 1)
#define REACH_N(levels)	  (2 * (levels))

/* Of a run that contains a multiple of 2^(measure / 2). */
static inline uint32_t reach_measure(const struct reach *reach, uint64_t word,
				     unsigned int measure)
{
	uint32_t mask = (uint32_t)((UINT64_C(1) << measure / 2) - 1);
	uint32_t place = (uint32_t)(reach->base + reach_place(reach, word));
	uint32_t lead = -place & mask;

	return measure % 2 ? lead
			   : (uint32_t)(reach_length(reach, word) - 1) - lead;
}

#endif
