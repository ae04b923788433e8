/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_FRAMES_H
#define DAEMON_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/run.h"
#include "util/error.h"

/*
 * Where the pages of a memfd are in physical memory: which bytes of the file a
 * run of addresses is.
 */

/* Consecutive bytes of the memfd. */
struct frames_piece {
	uint64_t offset;
	uint64_t size_bytes;
};

/* Pages of which it is known where they are. */
struct frames_spec {
	uint64_t page_bytes;	   /* a power of two */
	const uint64_t *addresses; /* borrowed; in the order of the memfd */
	size_t n;		   /* at least 1 */
};

struct frame {
	uint64_t phys;
	uint64_t offset; /* of its page in the memfd */
};

/* All zero: of no page is it known where it is. */
struct frames {
	uint64_t page_bytes;
	struct frame *all; /* owned; sorted by phys */
	size_t n;
	struct run *segments; /* owned; of adjacent pages, in order of address */
	size_t n_segments;
};

/* 0, or
 *	-EPROTO	an address is no multiple of page_bytes or not below 2^63, or
 *		stands there twice
 *	-ENOMEM */
int frames_init(struct frames *frames, const struct frames_spec *spec,
		struct error *why);
void frames_deinit(struct frames *frames);

/* The addresses again, in the order of the memfd; has room for all. */
void frames_addresses(const struct frames *frames, uint64_t *addresses);

/* The pieces that make up a run, in order of address; at most room of them are
 * stored, and how many there are is returned.  0: the run is empty, or not
 * within one segment. */
size_t frames_pieces(const struct frames *frames, const struct run *run,
		     struct frames_piece *pieces, size_t room);

/* What frames_pieces() can return at most for a run of this size. */
size_t frames_max_pieces(const struct frames *frames, uint64_t size_bytes);

#endif
