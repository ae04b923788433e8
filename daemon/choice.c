/* SPDX-License-Identifier: MIT */
#include "daemon/choice.h"

#include <string.h>

#include "daemon/guarantee.h"

/*
 * A request that names a region gets that one or a refusal.  One that names
 * none and requires nothing gets the default region: memory of another kind
 * would be a surprise.  One that requires guarantees has said what it needs, so
 * every region that gives all of it will do, the default one first.
 */

static bool may_serve(const struct region *region, const struct want *want)
{
	if (want->require & ~region->memory->guarantees)
		return false;
	if (want->region[0])
		return strcmp(region->name, want->region) == 0;
	return region->is_default || want->require != 0;
}

struct region *choice_next(const struct list *regions, const struct want *want,
			   const struct region *previous)
{
	struct region *region;
	bool passed = !previous || previous->is_default;

	if (!previous)
		list_for_each (region, regions, link)
			if (region->is_default && may_serve(region, want))
				return region;
	list_for_each (region, regions, link) {
		if (passed && !region->is_default && may_serve(region, want))
			return region;
		if (region == previous)
			passed = true;
	}
	return NULL;
}

static void refuse_named(const struct region *region, const struct want *want,
			 struct refusal *refusal)
{
	char missing[GUARANTEE_TEXT_BYTES];

	refusal_set(refusal, CONTIG_MSG_R_GUARANTEE,
		    "region '%s' (%s) does not give: %s", region->name,
		    region->memory->backend->name,
		    guarantee_names(missing,
				    want->require & ~region->memory->guarantees));
}

void choice_refuse(const struct list *regions, const struct want *want,
		   struct refusal *refusal)
{
	char names[GUARANTEE_TEXT_BYTES];
	const struct region *region;

	if (list_empty(regions)) {
		refusal_set(refusal, CONTIG_MSG_R_NO_REGION,
			    "the daemon has no region to serve from; its log "
			    "and status say why");
		return;
	}
	if (want->region[0]) {
		list_for_each (region, regions, link)
			if (strcmp(region->name, want->region) == 0) {
				refuse_named(region, want, refusal);
				return;
			}
		refusal_set(refusal, CONTIG_MSG_R_NO_REGION,
			    "there is no region '%s'", want->region);
		return;
	}
	if (want->require) {
		refusal_set(refusal, CONTIG_MSG_R_GUARANTEE,
			    "no region gives all of: %s",
			    guarantee_names(names, want->require));
		return;
	}
	refusal_set(refusal, CONTIG_MSG_R_NO_REGION,
		    "no region was named, and none is the default");
}
