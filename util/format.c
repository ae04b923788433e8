/* SPDX-License-Identifier: MIT */
#include "util/format.h"

#include <inttypes.h>
#include <stdio.h>

const char *format_size(char buf[FORMAT_SIZE_BYTES], uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned int unit = 0;
	uint64_t whole, rest, tenths;

	while (unit + 1 < sizeof(units) - 1 && bytes >> (10 * (unit + 1)))
		unit++;
	whole = bytes >> (10 * unit);
	rest = unit ? (bytes >> (10 * (unit - 1))) & 1023 : 0;
	tenths = (rest * 10 + 512) / 1024;
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
