/* SPDX-License-Identifier: MIT */
#include "tests/bench/peer.h"

#include <inttypes.h>

#include "daemon/row.h"
#include "daemon/space.h"
#include "util/broken.h"

/*
 * contigd's own allocator behind the functions of a peer: one segment from
 * address 0, granules of a page.  Everything that a request pays in the daemon
 * is paid here too: the checks of the request, the index, and the bits of the
 * record.
 */

static void *contigd_new(uint64_t granules)
{
	struct run all = {.size_bytes = granules * PEER_GRANULE_BYTES};
	struct space *space;

	return space_new(&space, PEER_GRANULE_BYTES, &all, 1, NULL) < 0 ? NULL
									: space;
}

static void *contigd_destroy(void *state)
{
	return space_free(state);
}

static uint64_t contigd_alloc(void *state, uint64_t size, uint64_t align)
{
	struct space_request request = {
		.size_bytes = size * PEER_GRANULE_BYTES,
		.align_bytes = align * PEER_GRANULE_BYTES,
		.max_phys = UINT64_MAX,
	};
	struct run run;

	switch (space_alloc(state, &request, &run, NULL)) {
	case 0:
		return run.phys / PEER_GRANULE_BYTES;
	case SPACE_E_INVALID:
		broken("a request of %" PRIu64 " granules, aligned to %" PRIu64,
		       size, align);
	default:
		return PEER_NONE;
	}
}

static uint64_t contigd_alloc_row(void *state, uint64_t count, uint64_t size,
				  uint64_t *starts)
{
	struct space_request each = {
		.size_bytes = size * PEER_GRANULE_BYTES,
		.max_phys = UINT64_MAX,
	};
	struct run runs[PEER_MAX_ROW];
	uint64_t n = row_fill(state, &each, (uint32_t)count, runs);

	for (uint64_t i = 0; i < n; i++)
		starts[i] = runs[i].phys / PEER_GRANULE_BYTES;
	return n;
}

static void contigd_free(void *state, uint64_t start, uint64_t size)
{
	struct run run = {
		.phys = start * PEER_GRANULE_BYTES,
		.size_bytes = size * PEER_GRANULE_BYTES,
	};

	space_release(state, &run);
}

const struct peer peer_contigd = {
	.name = "contigd",
	.new = contigd_new,
	.destroy = contigd_destroy,
	.alloc = contigd_alloc,
	.alloc_row = contigd_alloc_row,
	.free = contigd_free,
};
