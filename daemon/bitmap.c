/* SPDX-License-Identifier: MIT */
#include "daemon/bitmap.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "util/broken.h"

/*
 * Bits in words of 64.  A run of bits is a first word, perhaps in part, whole
 * words, and a last word, perhaps in part, so that a run of a million granules
 * costs some thousand steps and no bit is visited singly.  Setting and clearing
 * look at what was there on the same way.
 *
 * The words come zeroed from calloc(), which for large maps means untouched
 * pages: a terabyte of granules costs memory only where it was ever lent.
 *
 * There is no search here on purpose.  The bitmap says who is right; where
 * there is room is the index's to say.
 */

#define WORD_BITS      64
#define LINE_WORDS     8 /* of a usual cache */
#define LINES_EXPECTED 4 /* then a processor has noticed the direction */

/* Words that are worked on at once. */
typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));

struct bitmap {
	uint64_t n_bits;
	uint64_t words[];
};

/* A run of bits: whole words and what is left at either end. */
struct stretch {
	uint64_t *first;    /* perhaps in part: the bits of first_mask */
	uint64_t *end;	    /* behind the whole words */
	uint64_t first_mask;
	uint64_t last_mask; /* of *end; 0: nothing of it */
};

int bitmap_new(struct bitmap **bitmapp, uint64_t n_bits)
{
	uint64_t n_words = n_bits / WORD_BITS + (n_bits % WORD_BITS != 0);
	struct bitmap *bitmap;
	size_t size;

	if (n_bits == 0)
		return -EINVAL;
	if (__builtin_mul_overflow(n_words, sizeof(*bitmap->words), &size) ||
	    __builtin_add_overflow(size, sizeof(*bitmap), &size))
		return -ENOMEM;
	bitmap = calloc(1, size);
	if (!bitmap)
		return -ENOMEM;
	bitmap->n_bits = n_bits;
	*bitmapp = bitmap;
	return 0;
}

struct bitmap *bitmap_free(struct bitmap *bitmap)
{
	free(bitmap);
	return NULL;
}

uint64_t bitmap_size(const struct bitmap *bitmap)
{
	return bitmap->n_bits;
}

static struct stretch stretch_of(const struct bitmap *bitmap, uint64_t first,
				 uint64_t count)
{
	/* The words are the bitmap's to change, whoever asks. */
	uint64_t *words = (uint64_t *)bitmap->words, end = first + count;
	struct stretch stretch = {
		.first = words + first / WORD_BITS,
		.end = words + end / WORD_BITS,
		.first_mask = UINT64_MAX << first % WORD_BITS,
		.last_mask = ~(UINT64_MAX << end % WORD_BITS),
	};

	if (first > bitmap->n_bits || count > bitmap->n_bits - first)
		broken("bits %" PRIu64 "+%" PRIu64 " exceed a map of %" PRIu64,
		       first, count, bitmap->n_bits);
	if (stretch.first == stretch.end) {
		stretch.first_mask &= stretch.last_mask;
		stretch.last_mask = 0;
		stretch.end += count > 0;
	}
	return stretch;
}

/* Turns whole words over that should all be as before; what of them was not. */
static uint64_t turn_words(uint64_t *word, const uint64_t *end, uint64_t before)
{
	const pair old = {before, before}, new = ~old;
	pair even = {0}, odd = {0};
	uint64_t rest;

	for (; end - word >= 4; word += 4) {
		pair *pairs = (pair *)(void *)word;

		even |= pairs[0] ^ old;
		odd |= pairs[1] ^ old;
		pairs[0] = pairs[1] = new;
	}
	even |= odd;
	rest = even[0] | even[1];
	for (; word < end; word++) {
		rest |= *word ^ before;
		*word = ~before;
	}
	return rest;
}

/* The same for those bits of a word that are in a mask. */
static uint64_t turn_bits(uint64_t *word, uint64_t mask, uint64_t before)
{
	uint64_t differing = (*word ^ before) & mask;

	*word = (*word & ~mask) | (~before & mask);
	return differing;
}

/* The same for a run of bits: true where all of them were as before. */
static bool turn(struct bitmap *bitmap, uint64_t first, uint64_t count,
		 uint64_t before)
{
	struct stretch stretch = stretch_of(bitmap, first, count);
	uint64_t differing;

	if (count == 0)
		return true;
	differing = turn_bits(stretch.first, stretch.first_mask, before);
	differing |= turn_words(stretch.first + 1, stretch.end, before);
	if (stretch.last_mask)
		differing |= turn_bits(stretch.end, stretch.last_mask, before);
	return differing == 0;
}

bool bitmap_set(struct bitmap *bitmap, uint64_t first, uint64_t count)
{
	return turn(bitmap, first, count, 0);
}

bool bitmap_clear(struct bitmap *bitmap, uint64_t first, uint64_t count)
{
	return turn(bitmap, first, count, UINT64_MAX);
}

bool bitmap_all_set(const struct bitmap *bitmap, uint64_t first, uint64_t count)
{
	struct stretch stretch = stretch_of(bitmap, first, count);
	const uint64_t *word = stretch.first;

	if (count == 0)
		return true;
	if (~*word & stretch.first_mask)
		return false;
	while (++word < stretch.end)
		if (~*word)
			return false;
	return !stretch.last_mask || !(~*word & stretch.last_mask);
}

bool bitmap_all_clear(const struct bitmap *bitmap, uint64_t first,
		      uint64_t count)
{
	struct stretch stretch = stretch_of(bitmap, first, count);
	const uint64_t *word = stretch.first;

	if (count == 0)
		return true;
	if (*word & stretch.first_mask)
		return false;
	while (++word < stretch.end)
		if (*word)
			return false;
	return !stretch.last_mask || !(*word & stretch.last_mask);
}

void bitmap_expect(const struct bitmap *bitmap, uint64_t first, uint64_t count)
{
	const uint64_t *word = bitmap->words + first / WORD_BITS;
	const uint64_t *last = bitmap->words + (first + count) / WORD_BITS;

	for (int i = 0; i < LINES_EXPECTED && word <= last; i++) {
		__builtin_prefetch(word, 1);
		word += LINE_WORDS;
	}
}
