/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SETUP_H
#define DAEMON_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "config/configuration.h"
#include "daemon/backend.h"
#include "daemon/service.h"

/*
 * Start-up's way from descriptions to regions.  Whatever cannot serve is logged
 * with its reason and left out; it never stops the rest.
 */
struct setup {
	struct service *service; /* borrowed, as all here */
	const struct configuration *config;
	const struct backend_options *options;
	uint64_t next_simulated_base;
};

void setup_init(struct setup *setup, struct service *service,
		const struct configuration *config,
		const struct backend_options *options);

/* One range of memory to be served by a backend. */
struct setup_range {
	const char *name;
	const char *backend;
	bool public_base;
	bool wants_default;	   /* unless the configuration says otherwise */
	struct memory_spec memory; /* its region is set from name */
};

/* Makes a region of it; true where it serves. */
bool setup_add(struct setup *setup, const struct setup_range *range);

/* The pools and simulated regions of the configuration. */
void setup_configured(struct setup *setup);

/* The granule that a section asks for, else a page; region may be NULL. */
uint64_t setup_granule_bytes(const struct config_region *region);

/* When all regions are there: chooses the default one. */
void setup_choose_default(struct setup *setup);

#endif
