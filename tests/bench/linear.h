/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_LINEAR_H
#define TESTS_BENCH_LINEAR_H

#include <stdint.h>

/* A bitmap that is searched by going along it: set bits are taken. */
struct linear;

struct linear *linear_new(uint64_t n_bits); /* all clear; NULL: no memory */
struct linear *linear_free(struct linear *linear);

void linear_set(struct linear *linear, uint64_t first, uint64_t count);
void linear_clear(struct linear *linear, uint64_t first, uint64_t count);

/* The first set, or clear, bit from one on, or end where there is none before
 * it; end is at most the number of bits. */
uint64_t linear_next_set(const struct linear *linear, uint64_t from,
			 uint64_t end);
uint64_t linear_next_clear(const struct linear *linear, uint64_t from,
			   uint64_t end);

/* The lowest place for count clear bits that is a multiple of align, a power
 * of two, and not below from; UINT64_MAX: there is none. */
uint64_t linear_find_area(const struct linear *linear, uint64_t from,
			  uint64_t count, uint64_t align);

#endif
