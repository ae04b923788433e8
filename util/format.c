/* SPDX-License-Identifier: MIT */
#include "util/format.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * Sizes for people.  The figure is rounded from the exact count of bytes, in
 * integers: a double has 53 bits and would call 2^64-1 and 2^64-1024 the same.
 * Rounding comes before the unit is settled, so that what would read "1024K"
 * reads "1M".
 *
 * Durations are cut instead: "3m12s" has passed, "3m13s" has not.
 */

const char *format_size(char buf[FORMAT_SIZE_BYTES], uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned int unit = 0;
	uint64_t whole, rest, one, tenths;

	while (unit + 1 < sizeof(units) - 1 && bytes >> (10 * (unit + 1)))
		unit++;
	one = UINT64_C(1) << (10 * unit);
	whole = bytes / one;
	rest = bytes % one; /* below 2^60: ten times that still fits */
	tenths = (rest * 10 + one / 2) / one;
	if (tenths == 10) {
		whole++;
		tenths = 0;
	}
	if (whole == 1024 && unit + 1 < sizeof(units) - 1) {
		whole = 1;
		unit++;
	}
	if (tenths)
		(void)snprintf(buf, FORMAT_SIZE_BYTES, "%" PRIu64 ".%u%c",
			       whole, (unsigned int)tenths, units[unit]);
	else
		(void)snprintf(buf, FORMAT_SIZE_BYTES, "%" PRIu64 "%c", whole,
			       units[unit]);
	return buf;
}

const char *format_duration(char buf[FORMAT_DURATION_BYTES], uint64_t ms)
{
	uint64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;

	if (d)
		(void)snprintf(buf, FORMAT_DURATION_BYTES, "%" PRIu64 "d%02uh",
			       d, (unsigned int)(h % 24));
	else if (h)
		(void)snprintf(buf, FORMAT_DURATION_BYTES, "%uh%02um",
			       (unsigned int)h, (unsigned int)(m % 60));
	else if (m)
		(void)snprintf(buf, FORMAT_DURATION_BYTES, "%um%02us",
			       (unsigned int)m, (unsigned int)(s % 60));
	else if (s)
		(void)snprintf(buf, FORMAT_DURATION_BYTES, "%us",
			       (unsigned int)s);
	else
		(void)snprintf(buf, FORMAT_DURATION_BYTES, "0.%us",
			       (unsigned int)(ms / 100));
	return buf;
}
