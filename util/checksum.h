/* SPDX-License-Identifier: MIT */
#ifndef UTIL_CHECKSUM_H
#define UTIL_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A sum over bytes in which any damage to up to eight neighbouring ones shows
 * for certain, and other damage all but for certain; against accidents, not
 * against people.  64-bit words are mixed in one after the other, the last one
 * filled up with zeroes, each step being one that can be undone: two inputs
 * that differ in one word can never meet again.  The length goes first.
 */
static inline uint64_t checksum64(const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	uint64_t sum = UINT64_C(0x9e3779b97f4a7c15) ^ length;

	while (length > 0) {
		size_t n = length < sizeof(uint64_t) ? length : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, at, n);
		sum = (sum ^ word) * UINT64_C(0xff51afd7ed558ccd);
		sum ^= sum >> 32;
		at += n;
		length -= n;
	}
	return sum;
}

#endif
