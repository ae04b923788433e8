/* SPDX-License-Identifier: MIT */
#ifndef DEVICETREE_OVERLAP_H
#define DEVICETREE_OVERLAP_H

#include <stddef.h>

#include "devicetree/reserved.h"

/*
 * Which of many ranges overlap.  Add all of them, seal once, then ask; each
 * question takes a binary search, whatever the number of ranges.
 */

struct overlap {
	struct reserved_range range;
	size_t owner; /* the caller's number for it */
};

struct overlaps {
	struct overlap *list; /* sealed: by base */
	size_t n;
	size_t room;
	/* For each place the entries up to it that reach furthest: of all, and
	 * of those with another owner than that one. */
	const struct overlap **widest;
	const struct overlap **second;
};

/* A range must not be empty nor go beyond 2^64.  0 or -ENOMEM. */
int overlaps_add(struct overlaps *overlaps, const struct reserved_range *range,
		 size_t owner);
int overlaps_seal(struct overlaps *overlaps);
void overlaps_deinit(struct overlaps *overlaps);

/* An entry that shares a byte with range and does not belong to owner; NULL
 * where there is none. */
const struct overlap *overlaps_find(const struct overlaps *overlaps,
				    const struct reserved_range *range,
				    size_t owner);

#endif
