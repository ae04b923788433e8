/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BOARD_GUEST_PATTERN_H
#define TESTS_BOARD_GUEST_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the clients write and the witness outside looks for: word i of a
 * pattern is seed + i * PATTERN_STEP, modulo 2^64, little-endian.  No two
 * words of a buffer are equal, so bytes that went to the wrong place, even by
 * a whole page, are seen as wrong.  proofs.py computes the same.
 */
#define PATTERN_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline void pattern_write(uint64_t *words, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size / sizeof(*words); i++)
		words[i] = seed + i * PATTERN_STEP;
}

/* The index of the first word that differs, or size / 8 where none does. */
static inline size_t pattern_differs(const uint64_t *words, size_t size,
				     uint64_t seed)
{
	size_t i = 0;

	while (i < size / sizeof(*words) && words[i] == seed + i * PATTERN_STEP)
		i++;
	return i;
}

/* The same for memory that should be zero. */
static inline size_t zero_differs(const uint64_t *words, size_t size)
{
	size_t i = 0;

	while (i < size / sizeof(*words) && words[i] == 0)
		i++;
	return i;
}

#endif
