/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

#include <stdint.h>

/* Consecutive granules.  A run is never empty and may end at 2^64, so its end
 * is spoken of as its last byte, which always fits. */
struct run {
	uint64_t phys; /* of the first byte */
	uint64_t size_bytes;
};

static inline uint64_t run_last(const struct run *run)
{
	return run->phys + (run->size_bytes - 1);
}

#endif
