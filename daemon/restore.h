/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_RESTORE_H
#define DAEMON_RESTORE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/lender.h"
#include "daemon/region.h"
#include "daemon/vault.h"
#include "util/error.h"

/*
 * What an earlier daemon lent, put back in its place: before a region is made,
 * which parts of its memory are taken; and afterwards, its buffers.
 */

struct restore {
	struct vault *vault; /* borrowed */
	struct run *runs;    /* taken: for region_spec::taken */
	size_t *places;	     /* of their records */
	size_t n;
	bool whole; /* all of it is taken, and no record says by whom */
	struct error reason;
};

/* What the memory is of which a region is to be made. */
struct restore_memory {
	const char *region; /* its name */
	uint64_t granule_bytes;
	const struct memory *memory;
	bool kept; /* by the service manager, since an earlier daemon's time */
};

/* Looks up what is taken.  Without a vault, nothing is.  -ENOMEM. */
int restore_plan(struct restore *restore, struct vault *vault,
		 const struct restore_memory *what);
void restore_deinit(struct restore *restore);

/* Makes the buffers of a region, which is the lender's, and counts what is
 * quarantined in it.  What goes wrong is logged, and its memory not lent. */
void restore_region(const struct restore *restore, struct lender *lender,
		    struct region *region);

/* When all regions are there: clears away the records of what never was or no
 * longer is, and logs what waits for a region that is not served. */
void restore_settle(struct vault *vault);

#endif
