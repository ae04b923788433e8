/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PARTITIONS_H
#define DAEMON_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/configuration.h"
#include "daemon/credentials.h"
#include "daemon/run.h"
#include "daemon/space.h"
#include "util/error.h"

/* A piece of a region with an allocator of its own. */
struct partition {
	struct space *space; /* owned */
	/* Whose it is, borrowed; NULL: the common one, everybody's. */
	const struct config_reservation *reservation;
};

/*
 * The address space of one region: pieces that the configuration reserves, in
 * its order, and what is left, which is common.  Everything that is not about
 * who may use what speaks of all of them as one.
 */
struct partitions {
	struct partition *items; /* the common one last, where there is one */
	size_t n;
};

/* Called for a reservation that does not fit; text says why. */
typedef void partitions_complaint_fn(void *data,
				     const struct config_reservation *what,
				     const char *text);

struct partitions_spec {
	uint64_t granule_bytes;
	const struct run *segments; /* as for space_new() */
	size_t n_segments;
	uint64_t tail_bytes; /* as for space_expect_tail() */
	const struct config_reservation *reservations; /* outlive it */
	size_t n_reservations;
	partitions_complaint_fn *complain; /* may be NULL */
	void *data;
};

/* Cuts the segments.  A reservation that does not fit is complained about, and
 * its memory stays common.  Errors as of space_new(). */
int partitions_init(struct partitions *partitions,
		    const struct partitions_spec *spec, struct error *why);
void partitions_deinit(struct partitions *partitions);

/* Whether who may use it; NULL: somebody for whom nothing is reserved. */
bool partition_is_open(const struct partition *partition,
		       const struct credentials *who);

/* As space_alloc(), from what is open to who: what is reserved for it first,
 * then what is common.  The refusal speaks of all of that together. */
int partitions_alloc(struct partitions *partitions,
		     const struct credentials *who,
		     const struct space_request *request, struct run *runp,
		     struct space_refusal *refusal);

/* As space_claim() and space_release(); a run may lie across partitions, as
 * their limits may have been others when it was lent. */
int partitions_claim(struct partitions *partitions, const struct run *run);
void partitions_release(struct partitions *partitions, const struct run *run);

/* The partition in which a run begins, and the first part of the run that lies
 * in one segment of it; NULL: in none. */
const struct partition *partitions_find(const struct partitions *partitions,
					const struct run *run,
					struct run *partp);

/* As the functions of space.h. */
uint64_t partitions_granule_bytes(const struct partitions *partitions);
uint64_t partitions_size_bytes(const struct partitions *partitions);
uint64_t partitions_base(const struct partitions *partitions);
uint64_t partitions_span_bytes(const struct partitions *partitions);
uint64_t partitions_free_bytes(const struct partitions *partitions);
/* In order of address within a partition only. */
void partitions_for_each_free(const struct partitions *partitions,
			      void (*fn)(void *data, const struct run *run),
			      void *data);

#endif
