/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REGION_H
#define DAEMON_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"
#include "daemon/dirt.h"
#include "daemon/partitions.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/list.h"

struct kept;
struct scrub;
struct stock;
struct vault;

/* A range of memory with one backend, and what became of each byte of it. */
struct region {
	struct list link; // lender::regions
	uint32_t id;	  /* 1, 2, ... */
	char *name;
	const struct config_region *section; /* that describes it, borrowed;
						NULL: none does */
	bool is_default;
	bool public_base; /* the base is no secret: anybody can read it in the
			     devicetree, or it is made up */
	struct memory *memory;	      /* owned */
	struct partitions partitions; /* free here: clean */
	struct dirt dirt;
	struct scrub *scrub; /* the scrubber's */

	struct list buffers; // buffer::region_link
	size_t n_buffers;
	uint64_t lent_bytes;
	uint64_t draining_bytes;
	uint64_t guarding_bytes;    /* the guards behind those two */
	uint64_t damaged_guards;    /* found since start */
	uint64_t drained_ms;	    /* when a buffer last began to drain */
	uint64_t unusable_bytes;    /* zeroing failed: never lent again */
	uint64_t quarantined_bytes; /* nobody can know whether they are free */
	struct vault *vault;	    /* keeps what is lent; borrowed, or NULL */
	struct stock *stock;	    /* borrowed; NULL: nothing is made ahead */
	uint64_t ready_bytes;	    /* the stock's: of clean memory, as pages */
	struct kept *kept; /* borrowed; NULL: each object is lent once */
};

struct region_spec {
	uint32_t id;
	const char *name;
	bool public_base;
	uint64_t granule_bytes;
	const struct config_region *section; /* outlives the region */
	uint64_t *ticketp; /* of struct dirt; borrowed, outlives the region */
	const struct run *taken; /* not free from the start, borrowed: lent by
				    an earlier daemon, or nobody knows */
	size_t n_taken;
	struct vault *vault; /* borrowed, outlives the region; may be NULL */
};

/* Makes a region of memory, which it takes over only where it returns 0.
 * Memory that does not start clean is all dirty but for what is taken.  A
 * reservation that does not fit is logged and left out.  -EINVAL, -ENOMEM;
 * -ERANGE, -EBUSY: it has not in it what is taken, or that is in it twice. */
int region_new_consume(struct region **regionp, const struct region_spec *spec,
		       struct memory *memory, struct error *why);
/* All buffers must be gone. */
struct region *region_free(struct region *region);
DEFINE_CLEANUP(struct region *, region_free)

/* Takes back a run that nobody could have written to. */
void region_give_back(struct region *region, const struct run *run);
/* Takes back a run that was in use; stain is the one made for it. */
void region_soil_consume(struct region *region, struct stain *stain);
/* Zeroing of the oldest dirty run, or of its start, ended with result. */
void region_cleaned(struct region *region, const struct run *run, int result);

/* Clean and dirty, whoever may use it; see usable.h. */
uint64_t region_free_bytes(const struct region *region);
uint64_t region_size_bytes(const struct region *region);

static inline uint64_t region_granule_bytes(const struct region *region)
{
	return partitions_granule_bytes(&region->partitions);
}

#endif
