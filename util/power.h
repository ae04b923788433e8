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

#endif
