/* SPDX-License-Identifier: MIT */
#include "daemon/bitmap.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "util/broken.h"

/*
 * Bits in words of 64.  A run of bits is a first word, perhaps in part, whole
 * words, and a last word, perhaps in part; each step below yields one word and
 * the mask of those of its bits that belong to the run, so that a run of a
 * million granules costs some thousand steps and no bit is visited singly.
 *
 * The words come zeroed from calloc(), which for large maps means untouched
 * pages: a terabyte of granules costs memory only where it was ever lent.
 *
 * There is no search here on purpose.  The bitmap says who is right; where
 * there is room is the index's to say.
 */

#define WORD_BITS 64

struct bitmap {
	uint64_t n_bits;
	uint64_t words[];
};

/* A run of bits that is worked off word by word. */
struct cursor {
	uint64_t first;
	uint64_t count;
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

static struct cursor cursor_begin(const struct bitmap *bitmap, uint64_t first,
				  uint64_t count)
{
	if (first > bitmap->n_bits || count > bitmap->n_bits - first)
		broken("bits %" PRIu64 "+%" PRIu64 " exceed a map of %" PRIu64,
		       first, count, bitmap->n_bits);
	return (struct cursor){.first = first, .count = count};
}

/* The index of the next word and the mask of the run's bits in it; false at
 * the end of the run. */
static bool cursor_next(struct cursor *cursor, size_t *wordp, uint64_t *maskp)
{
	unsigned int shift = cursor->first % WORD_BITS;
	uint64_t here = WORD_BITS - shift;

	if (cursor->count == 0)
		return false;
	if (here > cursor->count)
		here = cursor->count;
	*wordp = (size_t)(cursor->first / WORD_BITS);
	*maskp = (UINT64_MAX >> (WORD_BITS - here)) << shift;
	cursor->first += here;
	cursor->count -= here;
	return true;
}

void bitmap_set(struct bitmap *bitmap, uint64_t first, uint64_t count)
{
	struct cursor cursor = cursor_begin(bitmap, first, count);
	uint64_t mask;
	size_t word;

	while (cursor_next(&cursor, &word, &mask))
		bitmap->words[word] |= mask;
}

void bitmap_clear(struct bitmap *bitmap, uint64_t first, uint64_t count)
{
	struct cursor cursor = cursor_begin(bitmap, first, count);
	uint64_t mask;
	size_t word;

	while (cursor_next(&cursor, &word, &mask))
		bitmap->words[word] &= ~mask;
}

bool bitmap_all_set(const struct bitmap *bitmap, uint64_t first, uint64_t count)
{
	struct cursor cursor = cursor_begin(bitmap, first, count);
	uint64_t mask;
	size_t word;

	while (cursor_next(&cursor, &word, &mask))
		if ((bitmap->words[word] & mask) != mask)
			return false;
	return true;
}

bool bitmap_all_clear(const struct bitmap *bitmap, uint64_t first,
		      uint64_t count)
{
	struct cursor cursor = cursor_begin(bitmap, first, count);
	uint64_t mask;
	size_t word;

	while (cursor_next(&cursor, &word, &mask))
		if (bitmap->words[word] & mask)
			return false;
	return true;
}
