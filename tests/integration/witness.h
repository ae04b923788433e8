/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_WITNESS_H
#define TESTS_INTEGRATION_WITNESS_H

#include <contig.h>

#include <stddef.h>
#include <stdint.h>

#include "tests/integration/supervisor.h"
#include "tests/integration/workload.h"

#define WITNESS_MAX (WORKLOAD_CLIENTS * WORKLOAD_BUFFERS)

/* Where a buffer is that clients hold, as the ledger says. */
struct witness_place {
	uint64_t id;
	uint64_t phys;
	uint64_t size_bytes;
	uint32_t owner_uid;
};

/*
 * Somebody who looks at the daemon from outside, again and again, and notices
 * when anything that the clients hold is not as it was.
 */
struct witness {
	struct contig *contig; /* an administrator's, borrowed */
	struct supervisor *supervisor;
	struct workload *workload;
	struct witness_place places[WITNESS_MAX]; /* by id */
	size_t n_places;
};

/* Asks the daemon for its list, and reads the ledger, while the clients go on:
 * what they held before and still hold must be there, with its size and owner,
 * where it was the last time, and nothing of it twice. */
void witness_look(struct witness *witness);

/* While the clients hold still: waits until the daemon has back all that they
 * do not hold, and looks at the region's occupancy. */
void witness_count(struct witness *witness, const char *region);

#endif
