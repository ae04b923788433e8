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
 * A run is measured against the multiples of powers of two that it contains.
 * Its room at a level is all that comes from the first multiple of 2^level on;
 * its lead is what comes before the first one of the largest power, which is its
 * class.  Both fit into 32 bits.
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

/* Measures of a run, by number: the room less one at each level up to its class,
 * and the lead. */
#define REACH_ROOM(level) (level)
#define REACH_LEAD(class) ((class) + 1)
#define REACH_N(class)	  ((class) + 2)

/* What there can be before a multiple of 2^level, as bits. */
static inline uint32_t reach_mask(unsigned int level)
{
	return (uint32_t)((UINT64_C(1) << level) - 1);
}

static inline uint32_t reach_lead_at(const struct reach *reach, uint64_t word,
				     unsigned int level)
{
	return -(uint32_t)(reach->base + reach_place(reach, word)) &
	       reach_mask(level);
}

static inline uint32_t reach_room(const struct reach *reach, uint64_t word,
				  unsigned int level)
{
	return (uint32_t)(reach_length(reach, word) - 1) -
	       reach_lead_at(reach, word, level);
}

/* One of the n measures of a run of class n - 2. */
static inline uint32_t reach_measure(const struct reach *reach, uint64_t word,
				     unsigned int measure, unsigned int n)
{
	return measure + 1 == n ? reach_lead_at(reach, word, n - 2)
				: reach_room(reach, word, measure);
}

#endif
