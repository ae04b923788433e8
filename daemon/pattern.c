/* SPDX-License-Identifier: MIT */
#include "daemon/pattern.h"

#include <string.h>

/*
 * The pattern has to betray writes that hit it by accident, so it must not look
 * like anything that programs and devices write:
 *
 * - Each unit of eight bytes is scrambled from its own address.  Memory that
 *   was copied here from elsewhere, another guard included, does not fit, and a
 *   pattern needs no storing: after a restart it can be checked as before.
 * - No byte is 0x00 or 0xff.  Those are what overruns mostly consist of
 *   (cleared tails, blank lines, saturated pixels), and not one of them can go
 *   unnoticed.  The lowest bit of each byte is made the opposite of its highest
 *   to that end.
 *
 * A byte that is written with any other value is noticed unless it happens to
 * be the right one, so of n stray bytes about n * 127/128 are counted.
 */

static uint64_t unit_of(uint64_t phys)
{
	const uint64_t lowest = UINT64_C(0x0101010101010101);
	uint64_t unit = phys / PATTERN_UNIT_BYTES + 1;

	/* two rounds of multiply and fold: each bit of the address reaches
	 * each bit of the unit */
	unit *= UINT64_C(0xd6e8feb86659fd93);
	unit ^= unit >> 32;
	unit *= UINT64_C(0xa0761d6478bd642f);
	unit ^= unit >> 29;
	return (unit & ~lowest) | (~(unit >> 7) & lowest);
}

void pattern_fill(void *to, uint64_t phys, size_t length)
{
	unsigned char *out = to;

	for (size_t i = 0; i < length; i += PATTERN_UNIT_BYTES) {
		uint64_t unit = unit_of(phys + i);

		memcpy(out + i, &unit, sizeof(unit));
	}
}

size_t pattern_compare(const void *bytes, uint64_t phys, size_t length,
		       size_t *firstp)
{
	const unsigned char *in = bytes;
	unsigned char right[PATTERN_UNIT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < length; i += PATTERN_UNIT_BYTES) {
		uint64_t unit = unit_of(phys + i);

		if (memcmp(in + i, &unit, sizeof(unit)) == 0)
			continue;
		memcpy(right, &unit, sizeof(right));
		for (size_t k = 0; k < sizeof(right); k++)
			if (in[i + k] != right[k] && n++ == 0)
				*firstp = i + k;
	}
	return n;
}
