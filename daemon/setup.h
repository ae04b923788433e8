/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SETUP_H
#define DAEMON_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "config/configuration.h"
#include "daemon/backend.h"
#include "daemon/lender.h"
#include "daemon/probes.h"
#include "daemon/tract.h"
#include "util/list.h"

/*
 * Start-up's way from descriptions to regions, in three steps: what there is to
 * be, its memory opened, and, once privileges are dropped, regions.  Whatever
 * cannot serve is logged with its reason and left out; it never stops the rest.
 */
struct setup {
	const struct configuration *config; /* borrowed, as the next two */
	const struct backend_options *options;
	const struct probes *probes;
	struct list tracts; // tract::link, by id
	uint32_t last_id;
	uint64_t next_simulated_base;
};

/* The probes are run before anything is opened. */
void setup_init(struct setup *setup, const struct configuration *config,
		const struct backend_options *options,
		const struct probes *probes);
/* Closes the memory that no region was made of. */
void setup_deinit(struct setup *setup);

/* Takes over a tract that was there before this start; one of a name or an id
 * that is taken is dropped, with a word in the log.  One that is described
 * later under the same name changes nothing about it. */
void setup_keep_consume(struct setup *setup, struct tract *tract);

/* One range of memory to be served; true where it is taken down, or kept. */
bool setup_add(struct setup *setup, const struct tract_description *range);

/* The pools and simulated regions of the configuration. */
void setup_configured(struct setup *setup);

/* The granule that a section asks for, else a page; region may be NULL. */
uint64_t setup_granule_bytes(const struct config_region *region);

/* Whether any was there before this start. */
bool setup_has_kept(const struct setup *setup);
/* NULL where there is none of that name. */
struct tract *setup_find(const struct setup *setup, const char *name);
/* Whether this start has described one of that name already. */
bool setup_is_taken(const struct setup *setup, const char *name);

/* When everything is described: logs which kept tracts no longer are. */
void setup_compare(const struct setup *setup);

/* Opens the memory of all that were not there before. */
void setup_open(struct setup *setup);

/* Makes regions of what is open, and chooses the default one. */
void setup_make_regions(struct setup *setup, struct lender *lender);

#endif
