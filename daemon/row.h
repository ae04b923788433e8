/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ROW_H
#define DAEMON_ROW_H

#include <stdint.h>

#include "daemon/credentials.h"
#include "daemon/partitions.h"
#include "daemon/run.h"
#include "daemon/space.h"

/*
 * Several runs that are asked for together: side by side where there is room,
 * since what is taken together mostly comes back together.
 */
struct row {
	const struct credentials *who; /* as for partitions_alloc() */
	struct space_request each;
	uint32_t count; /* at least 1 */
};

/* Takes all of them or none, first from what is reserved for who, then from
 * what is common; runs has room for row::count.  Where space_alloc() could
 * serve them one after another, this does too.  Returns 0, or as
 * partitions_alloc() for the first of them for which there is no place. */
int row_take(struct partitions *partitions, const struct row *row,
	     struct run *runs, struct space_refusal *refusal);

/* The same from one space, and as many as there is room for; returns how
 * many. */
uint32_t row_fill(struct space *space, const struct space_request *each,
		  uint32_t count, struct run *runs);

#endif
