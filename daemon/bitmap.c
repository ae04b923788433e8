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

bool bitmap_set(struct bitmap *bitmap, uint64_t first, uint64_t count)
{
	struct stretch stretch = stretch_of(bitmap, first, count);
	uint64_t *word = stretch.first, seen = 0;

	if (count == 0)
		return true;
	seen = *word & stretch.first_mask;
	*word |= stretch.first_mask;
	while (++word < stretch.end) {
		seen |= *word;
		*word = UINT64_MAX;
	}
	if (stretch.last_mask) {
		seen |= *word & stretch.last_mask;
		*word |= stretch.last_mask;
	}
	return seen == 0;
}

bool bitmap_clear(struct bitmap *bitmap, uint64_t first, uint64_t count)
{
	struct stretch stretch = stretch_of(bitmap, first, count);
	uint64_t *word = stretch.first, missing;

	if (count == 0)
		return true;
	missing = ~*word & stretch.first_mask;
	*word &= ~stretch.first_mask;
	while (++word < stretch.end) {
		missing |= ~*word;
		*word = 0;
	}
	if (stretch.last_mask) {
		missing |= ~*word & stretch.last_mask;
		*word &= ~stretch.last_mask;
	}
	return missing == 0;
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
	struct stretch stretch = stretch_of(bitmap, first, count);
	const uint64_t *word = stretch.first;

	for (int i = 0; i < LINES_EXPECTED && word < stretch.end; i++) {
		__builtin_prefetch(word, 1);
		word += LINE_WORDS;
	}
}
