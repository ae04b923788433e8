/* SPDX-License-Identifier: MIT */
#include "daemon/dirt.h"

#include <stdlib.h>

#include "util/broken.h"

/*
 * Free memory on its way to being zero.
 *
 * First in, first out: zeroing goes through the stains in the order in which
 * they came, a piece at a time, and each piece is given back to the space as
 * soon as it is clean.  The order makes waiting finite: a request that is short
 * of memory notes the newest ticket and waits until everything up to it is
 * clean; what others soil meanwhile comes later and cannot hold it up.
 *
 * Tickets are counted over all regions, so that a request which several regions
 * could serve has one number to wait for.
 */

void dirt_init(struct dirt *dirt, uint64_t *ticketp)
{
	list_init(&dirt->stains);
	dirt->bytes = 0;
	dirt->ticketp = ticketp;
}

void dirt_deinit(struct dirt *dirt)
{
	struct stain *stain, *tmp;

	list_for_each_safe (stain, tmp, &dirt->stains, link) {
		list_remove(&stain->link);
		free(stain);
	}
	dirt->bytes = 0;
}

struct stain *stain_new(const struct run *run)
{
	struct stain *stain = malloc(sizeof(*stain));

	if (stain) {
		list_init(&stain->link);
		stain->run = *run;
		stain->ticket = 0;
	}
	return stain;
}

void dirt_add_consume(struct dirt *dirt, struct stain *stain)
{
	stain->ticket = ++*dirt->ticketp;
	list_append(&dirt->stains, &stain->link);
	dirt->bytes += stain->run.size_bytes;
}

bool dirt_peek(const struct dirt *dirt, uint64_t max_bytes, struct run *runp)
{
	const struct stain *stain =
		list_first(&dirt->stains, struct stain, link);

	if (!stain)
		return false;
	*runp = stain->run;
	if (runp->size_bytes > max_bytes)
		runp->size_bytes = max_bytes;
	return true;
}

void dirt_remove(struct dirt *dirt, const struct run *run)
{
	struct stain *stain = list_first(&dirt->stains, struct stain, link);

	if (!stain || stain->run.phys != run->phys ||
	    stain->run.size_bytes < run->size_bytes)
		broken("cleaned memory is not the oldest that was dirty");
	dirt->bytes -= run->size_bytes;
	stain->run.size_bytes -= run->size_bytes;
	if (stain->run.size_bytes > 0) {
		stain->run.phys += run->size_bytes;
		return;
	}
	list_remove(&stain->link);
	free(stain);
}

bool dirt_waits(const struct dirt *dirt, uint64_t ticket)
{
	const struct stain *stain =
		list_first(&dirt->stains, struct stain, link);

	return stain && stain->ticket <= ticket;
}
