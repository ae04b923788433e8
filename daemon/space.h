/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SPACE_H
#define DAEMON_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/run.h"
#include "util/error.h"

/*
 * The allocator of one region: which granules of its physical address space
 * are taken.  The space consists of segments with gaps between them; a run
 * never crosses a gap.  All addresses and sizes are in bytes and, but for a
 * request's size, multiples of the granule.
 */

struct space;

struct space_request {
	uint64_t size_bytes;	 /* at least 1; rounded up to granules */
	uint64_t align_bytes;	 /* power of two; 0 or less than a granule:
				    the granule */
	uint64_t max_phys;	 /* highest address of the last byte;
				    UINT64_MAX: any */
	uint64_t boundary_bytes; /* power of two whose multiples the run must
				    not cross; 0: none */
};

/* Outcomes of space_alloc() besides 0. */
enum space_outcome {
	SPACE_E_TOO_LARGE = 1,	/* no segment is long enough, even empty */
	SPACE_E_FULL = 2,	/* fewer bytes are free than were asked for */
	SPACE_E_FRAGMENTED = 3, /* enough are free, no free run is long enough */
	SPACE_E_CONSTRAINT = 4, /* runs are long enough, but none meets
				   alignment, highest address and boundary */
	SPACE_E_INVALID = 5,	/* a power of two is none, a size is 0, or the
				   boundary is smaller than the size */
};

/* Which of the constraints stood in the way, where each one alone would leave
 * a place: dropping it helps.  Several at once: only together they exclude. */
#define SPACE_ALIGN (1u << 0)
#define SPACE_MAX_PHYS (1u << 1)
#define SPACE_BOUNDARY (1u << 2)

struct space_refusal {
	uint64_t free_bytes;
	uint64_t largest_free_bytes;
	unsigned int constraints; /* SPACE_E_CONSTRAINT: SPACE_ALIGN ... */
};

/* Makes a space, all of it free, of segments in any order; they are copied.
 * -EINVAL: the granule is no power of two, or a segment is empty, not aligned
 * to it, overlaps another or exceeds 2^64; -ENOMEM. */
int space_new(struct space **spacep, uint64_t granule_bytes,
	      const struct run *segments, size_t n_segments, struct error *why);
struct space *space_free(struct space *space);

/* Takes a run by best fit.  Returns 0 with *runp set, a positive enum
 * space_outcome with *refusal filled (may be NULL), or -ENOMEM. */
int space_alloc(struct space *space, const struct space_request *request,
		struct run *runp, struct space_refusal *refusal);

/* Takes exactly this run.  -EBUSY: part of it is taken; -ERANGE: not within
 * one segment or not granular; -ENOMEM. */
int space_claim(struct space *space, const struct run *run);

/* Gives a run back, or a part of one.  Never fails: what the index needs for
 * it was set aside when the run was taken.  Giving back what is not taken is a
 * broken invariant and aborts. */
void space_release(struct space *space, const struct run *run);

uint64_t space_granule_bytes(const struct space *space);
uint64_t space_size_bytes(const struct space *space); /* without gaps */
uint64_t space_base(const struct space *space);	      /* lowest address */
uint64_t space_span_bytes(const struct space *space); /* with gaps */
uint64_t space_free_bytes(const struct space *space);
uint64_t space_largest_free_bytes(const struct space *space);
size_t space_count_free_runs(const struct space *space);

/* The segments, sorted by address; borrowed. */
const struct run *space_segments(const struct space *space, size_t *np);

/* Calls fn for every free run in order of address. */
void space_for_each_free(const struct space *space,
			 void (*fn)(void *data, const struct run *run),
			 void *data);

/* Compares bitmap and index in full; aborts where they differ.  For tests and
 * debugging: it looks at every bit. */
void space_verify(const struct space *space);

#endif
