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
	uint64_t tail_bytes;	 /* taken as well, right behind; granular, and
				    free of the constraints above */
};

/* Outcomes of space_alloc() besides 0. */
enum space_outcome {
	SPACE_E_TOO_LARGE = 1,	/* no segment is long enough, even empty */
	SPACE_E_FULL = 2,	/* fewer bytes are free than were asked for */
	SPACE_E_FRAGMENTED = 3, /* they are free, but no run is long enough */
	SPACE_E_CONSTRAINT = 4, /* runs are long enough, but none meets
				   alignment, highest address and boundary */
	SPACE_E_INVALID = 5,	/* a power of two is none, a size is 0, or the
				   boundary is smaller than the size in
				   granules */
};

/* Which of the constraints stood in the way: those of which dropping one alone
 * leaves a place (several: only together they exclude).  Where no single one
 * helps, those of the pairs that do, or all three. */
#define SPACE_ALIGN    (1u << 0)
#define SPACE_MAX_PHYS (1u << 1)
#define SPACE_BOUNDARY (1u << 2)

struct space_refusal {
	uint64_t free_bytes;
	uint64_t largest_free_bytes;
	unsigned int constraints; /* SPACE_E_CONSTRAINT: SPACE_ALIGN ... */
};

/* Makes a space, all of it free, of segments in any order; they are copied,
 * and those that touch become one.  -EINVAL: the granule is no power of two,
 * there are no segments, or one is empty, not aligned to it, overlaps another
 * or exceeds 2^64, or all 2^64 bytes are asked for; -EOVERFLOW: the granules are
 * so many that larger ones are needed: their number from the lowest to the
 * highest times that of the longest segment exceeds 2^64; -ENOMEM. */
int space_new(struct space **spacep, uint64_t granule_bytes,
	      const struct run *segments, size_t n_segments, struct error *why);
struct space *space_free(struct space *space);

/* All requests come with this tail, until this says otherwise; at first without
 * one.  Others are served as well, but where constraints leave few places, these
 * are looked for among all free runs.  tail_bytes is granular.  For a space that
 * is new: it goes through all free runs. */
void space_expect_tail(struct space *space, uint64_t tail_bytes);

/* Takes a run.  A place is found whenever there is one, and it is the best fit
 * or near to it: of the free runs that are hardly longer than the smallest that
 * suffices, the lowest, and in it the lowest place; extents_find() says it
 * exactly.  Returns 0 with *runp set, tail included, or a positive enum
 * space_outcome with *refusal filled (may be NULL). */
int space_alloc(struct space *space, const struct space_request *request,
		struct run *runp, struct space_refusal *refusal);

/* Takes exactly this run.  -EBUSY: part of it is taken; -ERANGE: not within
 * one segment, not granular or empty. */
int space_claim(struct space *space, const struct run *run);

/* Gives a run back, or any part of one.  Never fails: what the index needs for
 * it was set aside when the space was made.  Giving back what is not taken is
 * a broken invariant and aborts. */
void space_release(struct space *space, const struct run *run);

uint64_t space_granule_bytes(const struct space *space);
uint64_t space_size_bytes(const struct space *space); /* without gaps */
uint64_t space_base(const struct space *space);	      /* lowest address */
/* With gaps; UINT64_MAX where it is 2^64. */
uint64_t space_span_bytes(const struct space *space);
uint64_t space_free_bytes(const struct space *space);
uint64_t space_largest_free_bytes(const struct space *space);
size_t space_count_free_runs(const struct space *space);

/* The segments, sorted by address; borrowed. */
const struct run *space_segments(const struct space *space, size_t *np);

/* How many bytes of one segment there are from phys on; 0: it is in none. */
uint64_t space_bytes_from(const struct space *space, uint64_t phys);

/* Calls fn for every free run in order of address. */
void space_for_each_free(const struct space *space,
			 void (*fn)(void *data, const struct run *run),
			 void *data);

/* Compares bitmap and index in full; aborts where they differ.  For tests and
 * debugging: it looks at every bit. */
void space_verify(const struct space *space);

#endif
