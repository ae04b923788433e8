/* SPDX-License-Identifier: MIT */
#include "devicetree/overlap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Overlaps among ranges that may overlap in any way, one within another too.
 *
 * Sorted by base, the ranges that begin at or before the end of the one asked
 * for are a prefix of the list.  One of them overlaps it exactly if the one that
 * reaches furthest does.  So each place keeps who reaches furthest up to there,
 * and, because a range must not be found to overlap itself, who does among all
 * other owners.
 */

int overlaps_add(struct overlaps *overlaps, const struct reserved_range *range,
		 size_t owner)
{
	if (overlaps->n == overlaps->room) {
		size_t room = overlaps->room ? overlaps->room * 2 : 64;
		struct overlap *grown =
			reallocarray(overlaps->list, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		overlaps->list = grown;
		overlaps->room = room;
	}
	overlaps->list[overlaps->n++] = (struct overlap){*range, owner};
	return 0;
}

static int compare_bases(const void *a, const void *b)
{
	const struct overlap *oa = a, *ob = b;

	if (oa->range.base != ob->range.base)
		return oa->range.base < ob->range.base ? -1 : 1;
	return (oa->owner > ob->owner) - (oa->owner < ob->owner);
}

/* Whether a reaches further than b, which may be NULL. */
static bool reaches_further(const struct overlap *a, const struct overlap *b)
{
	return !b ||
	       reserved_range_last(&a->range) > reserved_range_last(&b->range);
}

int overlaps_seal(struct overlaps *overlaps)
{
	const struct overlap *widest = NULL, *second = NULL;

	if (overlaps->n == 0)
		return 0;
	qsort(overlaps->list, overlaps->n, sizeof(*overlaps->list),
	      compare_bases);
	overlaps->widest = calloc(overlaps->n, sizeof(*overlaps->widest));
	overlaps->second = calloc(overlaps->n, sizeof(*overlaps->second));
	if (!overlaps->widest || !overlaps->second)
		return -ENOMEM;
	for (size_t i = 0; i < overlaps->n; i++) {
		const struct overlap *entry = &overlaps->list[i];

		if (reaches_further(entry, widest)) {
			if (widest && widest->owner != entry->owner)
				second = widest;
			widest = entry;
		} else if (entry->owner != widest->owner &&
			   reaches_further(entry, second)) {
			second = entry;
		}
		overlaps->widest[i] = widest;
		overlaps->second[i] = second;
	}
	return 0;
}

void overlaps_deinit(struct overlaps *overlaps)
{
	free(overlaps->list);
	free(overlaps->widest);
	free(overlaps->second);
	memset(overlaps, 0, sizeof(*overlaps));
}

const struct overlap *overlaps_find(const struct overlaps *overlaps,
				    const struct reserved_range *range,
				    size_t owner)
{
	uint64_t last = reserved_range_last(range);
	size_t low = 0, high = overlaps->n;
	const struct overlap *found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (overlaps->list[middle].range.base <= last)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	found = overlaps->widest[low - 1];
	if (found->owner == owner)
		found = overlaps->second[low - 1];
	if (!found || reserved_range_last(&found->range) < range->base)
		return NULL;
	return found;
}
