/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BITMAP_H
#define DAEMON_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The record of a space: one bit a granule, set where it is taken.  Runs of
 * bits are looked at and changed by whole words.  first + count never exceeds
 * the size; going beyond is a broken invariant and aborts.
 */

struct bitmap;

/* All bits clear.  -ENOMEM; -EINVAL: no bits. */
int bitmap_new(struct bitmap **bitmapp, uint64_t n_bits);
struct bitmap *bitmap_free(struct bitmap *bitmap);

uint64_t bitmap_size(const struct bitmap *bitmap);

/* Return true where every bit of the run was clear before, or set. */
bool bitmap_set(struct bitmap *bitmap, uint64_t first, uint64_t count);
bool bitmap_clear(struct bitmap *bitmap, uint64_t first, uint64_t count);

/* True where every bit of the run is set, or clear; of no bits, both. */
bool bitmap_all_set(const struct bitmap *bitmap, uint64_t first, uint64_t count);
bool bitmap_all_clear(const struct bitmap *bitmap, uint64_t first,
		      uint64_t count);

/* The bits of the run will be changed soon: memory may fetch them already. */
void bitmap_expect(const struct bitmap *bitmap, uint64_t first, uint64_t count);

#endif
