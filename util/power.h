/* SPDX-License-Identifier: MIT */
#ifndef UTIL_POWER_H
#define UTIL_POWER_H

#include <stdbool.h>
#include <stdint.h>

/* 1, 2, 4, ... 2^63; 0 is none. */
static inline bool is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/* The first power of two that is not less; value is at most 2^63. */
static inline uint64_t power_of_two_from(uint64_t value)
{
	uint64_t power = 1;

	while (power < value)
		power *= 2;
	return power;
}

/* Rounds up to a multiple of a power of two; false where that exceeds 2^64. */
static inline bool round_up_to(uint64_t *valuep, uint64_t unit)
{
	uint64_t mask = unit - 1;

	if (__builtin_add_overflow(*valuep, mask, valuep))
		return false;
	*valuep &= ~mask;
	return true;
}

#endif
