/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PATTERN_H
#define DAEMON_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a guard is filled with: bytes that follow from their address alone.
 * Addresses and lengths are multiples of PATTERN_UNIT_BYTES.
 */

#define PATTERN_UNIT_BYTES 8

/* Writes what belongs to length bytes from the address phys on. */
void pattern_fill(void *to, uint64_t phys, size_t length);

/* How many of length bytes, which were read from phys on, are not what belongs
 * there.  *firstp is set to the offset of the first of them, and left alone
 * where all are right. */
size_t pattern_compare(const void *bytes, uint64_t phys, size_t length,
		       size_t *firstp);

#endif
