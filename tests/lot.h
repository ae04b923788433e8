/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LOT_H
#define TESTS_LOT_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/buffer.h"
#include "tests/fake.h"

/* A number of buffers of one granule each in a fake region, all of one owner,
 * with ids from 1. */
struct lot {
	struct fake fake;
	struct region *region;
	struct accounts accounts;
	struct owner owner;
	struct buffer **buffers; /* NULL: has ended */
	size_t n;
};

void lot_init(struct lot *lot, size_t n);
/* The same with a guard behind each, which is not filled. */
void lot_init_guarded(struct lot *lot, size_t n, uint64_t guard_bytes);
/* Ends what the test has left. */
void lot_deinit(struct lot *lot);
/* Ends the buffer. */
void lot_end(struct lot *lot, struct buffer *buffer);

#endif
