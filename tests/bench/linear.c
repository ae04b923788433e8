/* SPDX-License-Identifier: MIT */
#include "tests/bench/linear.h"

#include <stdlib.h>

/*
 * The search that the kernel's contiguous memory allocator does, written from
 * the description of bitmap_find_next_zero_area() in the kernel's documentation
 * of bitmaps: find the next clear bit, round up to the alignment, see whether
 * a set bit lies in the area that would begin there, and if so begin again
 * behind that bit.  Words of 64 bits are looked at as a whole, as the kernel
 * does.
 */

#define WORD_BITS 64

struct linear {
	uint64_t n_bits;
	uint64_t words[];
};

struct linear *linear_new(uint64_t n_bits)
{
	uint64_t n_words = (n_bits + WORD_BITS - 1) / WORD_BITS;
	struct linear *linear =
		calloc(1, sizeof(*linear) + n_words * sizeof(*linear->words));

	if (linear)
		linear->n_bits = n_bits;
	return linear;
}

struct linear *linear_free(struct linear *linear)
{
	free(linear);
	return NULL;
}

/* The mask of those bits of a word that are in a run, which then begins at the
 * next word. */
static uint64_t take_word(uint64_t *firstp, uint64_t *countp)
{
	uint64_t low = *firstp % WORD_BITS, n = WORD_BITS - low;
	uint64_t mask = UINT64_MAX << low;

	if (n > *countp) {
		mask &= UINT64_MAX >> (n - *countp);
		n = *countp;
	}
	*firstp += n;
	*countp -= n;
	return mask;
}

void linear_set(struct linear *linear, uint64_t first, uint64_t count)
{
	while (count) {
		uint64_t *word = &linear->words[first / WORD_BITS];

		*word |= take_word(&first, &count);
	}
}

void linear_clear(struct linear *linear, uint64_t first, uint64_t count)
{
	while (count) {
		uint64_t *word = &linear->words[first / WORD_BITS];

		*word &= ~take_word(&first, &count);
	}
}

/* The first bit from one on that differs from those of flip. */
static uint64_t next_bit(const struct linear *linear, uint64_t from,
			 uint64_t end, uint64_t flip)
{
	uint64_t at = from / WORD_BITS, word;

	if (from >= end)
		return end;
	word = (linear->words[at] ^ flip) & UINT64_MAX << from % WORD_BITS;
	while (!word) {
		if (++at * WORD_BITS >= end)
			return end;
		word = linear->words[at] ^ flip;
	}
	at = at * WORD_BITS + (uint64_t)__builtin_ctzll(word);
	return at < end ? at : end;
}

uint64_t linear_next_set(const struct linear *linear, uint64_t from,
			 uint64_t end)
{
	return next_bit(linear, from, end, 0);
}

uint64_t linear_next_clear(const struct linear *linear, uint64_t from,
			   uint64_t end)
{
	return next_bit(linear, from, end, UINT64_MAX);
}

uint64_t linear_find_area(const struct linear *linear, uint64_t from,
			  uint64_t count, uint64_t align)
{
	uint64_t at = from, taken;

	for (;;) {
		at = linear_next_clear(linear, at, linear->n_bits);
		at = (at + align - 1) & ~(align - 1);
		if (at > linear->n_bits || count > linear->n_bits - at)
			return UINT64_MAX;
		taken = linear_next_set(linear, at, at + count);
		if (taken == at + count)
			return at;
		at = taken + 1;
	}
}
