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
 * What will be dirty in a moment counts for those who wait as if it were: it
 * has its ticket from the moment on at which it was announced.
 *
 * Tickets are counted over all regions, so that a request which several regions
 * could serve has one number to wait for.
 */

void dirt_init(struct dirt *dirt, uint64_t *ticketp)
{
	list_init(&dirt->stains);
	dirt->bytes = 0;
	list_init(&dirt->awaited);
	dirt->awaited_bytes = 0;
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
		stain->object = NULL;
		stain->ticket = 0;
	}
	return stain;
}

void dirt_await(struct dirt *dirt, struct stain *stain)
{
	stain->ticket = ++*dirt->ticketp;
	list_append(&dirt->awaited, &stain->link);
	dirt->awaited_bytes += stain->run.size_bytes;
}

void dirt_add_consume(struct dirt *dirt, struct stain *stain)
{
	const struct stain *next =
		list_first(&dirt->awaited, struct stain, link);

	/* Tickets must not fall along the list, or a wait would end too early:
	 * what comes in unannounced shares the next one's. */
	if (!stain->ticket) {
		stain->ticket = next ? next->ticket : ++*dirt->ticketp;
	} else if (stain == next) {
		list_remove(&stain->link);
		dirt->awaited_bytes -= stain->run.size_bytes;
	} else {
		broken("memory gets dirty before what was announced earlier");
	}
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

struct object *dirt_peek_object(const struct dirt *dirt)
{
	const struct stain *stain =
		list_first(&dirt->stains, struct stain, link);

	return stain ? stain->object : NULL;
}

struct object *dirt_remove(struct dirt *dirt, const struct run *run)
{
	struct stain *stain = list_first(&dirt->stains, struct stain, link);
	struct object *object;

	if (!stain || stain->run.phys != run->phys ||
	    stain->run.size_bytes < run->size_bytes)
		broken("cleaned memory is not the oldest that was dirty");
	dirt->bytes -= run->size_bytes;
	stain->run.size_bytes -= run->size_bytes;
	if (stain->run.size_bytes > 0) {
		stain->run.phys += run->size_bytes;
		return NULL;
	}
	object = stain->object;
	list_remove(&stain->link);
	free(stain);
	return object;
}

static bool is_due(const struct list *stains, uint64_t ticket)
{
	const struct stain *stain = list_first(stains, struct stain, link);

	return stain && stain->ticket <= ticket;
}

bool dirt_awaits(const struct dirt *dirt, uint64_t ticket)
{
	return is_due(&dirt->awaited, ticket);
}

bool dirt_waits(const struct dirt *dirt, uint64_t ticket)
{
	return is_due(&dirt->stains, ticket) || dirt_awaits(dirt, ticket);
}
