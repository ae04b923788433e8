/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_TRACE_H
#define TESTS_BENCH_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/peer.h"

/*
 * Requests as a region sees them over a long time, the same for every
 * allocator that is given the same seed.
 */

enum trace_sizes {
	TRACE_CAMERA, /* frames of common formats, 1.3 to 31.6 MiB */
	TRACE_MIXED,  /* 4 KiB to 32 MiB, every octave equally often */
};

struct trace {
	uint64_t granules;    /* of PEER_GRANULE_BYTES, in the region */
	unsigned int percent; /* of them that the clients together want */
	enum trace_sizes sizes;
	bool streams;	 /* three to eight buffers a request, or one */
	bool asks_again; /* who is refused asks again until he is served */
	uint64_t turns;	 /* the first quarter is not counted */
	uint64_t seed;
};

struct trace_outcome {
	uint64_t requests; /* each counted once, however often it was made */
	uint64_t refused;  /* at first, though the free total would have done */
	uint64_t lacking;  /* that asked for more than was free */
	double occupancy;  /* share of the granules that were taken, mean */
};

/* Returns false where there was no memory for it. */
bool trace_run(const struct trace *trace, const struct peer *peer,
	       struct trace_outcome *outcome);

/* Refused, in percent of the requests. */
static inline double trace_refused_percent(const struct trace_outcome *outcome)
{
	return outcome->requests == 0 ? 0
				      : 100.0 * (double)outcome->refused /
						(double)outcome->requests;
}

#endif
