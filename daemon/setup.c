/* SPDX-License-Identifier: MIT */
#include "daemon/setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/guarantee.h"
#include "daemon/restore.h"
#include "util/format.h"
#include "util/log.h"

/*
 * Assembling the regions.  A region that cannot be served is an entry in the
 * log and nothing more: a board whose GPU pool is missing should still run its
 * camera.  So the functions here return nothing that could end the daemon.
 *
 * The default region is the one that the configuration names, else the one that
 * the devicetree marks as such, else the first.
 *
 * Simulated regions lie side by side from 4 GiB upwards, each at a multiple of
 * 1 GiB: distinct addresses, beyond the reach of a 32-bit device, so that a
 * request for such a device is refused in a simulation too.
 */

#define SIMULATED_BASE (UINT64_C(4) << 30)
#define SIMULATED_STEP (UINT64_C(1) << 30)

void setup_init(struct setup *setup, const struct configuration *config,
		const struct backend_options *options,
		const struct probes *probes)
{
	setup->config = config;
	setup->options = options;
	setup->probes = probes;
	list_init(&setup->tracts);
	setup->last_id = 0;
	setup->next_simulated_base = SIMULATED_BASE;
}

void setup_deinit(struct setup *setup)
{
	struct tract *tract;

	while ((tract = list_first(&setup->tracts, struct tract, link)))
		(void)tract_free(tract);
}

bool setup_has_kept(const struct setup *setup)
{
	const struct tract *tract;

	list_for_each (tract, &setup->tracts, link)
		if (tract->kept)
			return true;
	return false;
}

struct tract *setup_find(const struct setup *setup, const char *name)
{
	struct tract *tract;

	list_for_each (tract, &setup->tracts, link)
		if (strcmp(tract->name, name) == 0)
			return tract;
	return NULL;
}

static void complain(const char *name, const char *text)
{
	const struct log_fields fields = {.region = name};

	log_message(LOG_LEVEL_WARNING, &fields, "region '%s' is not served: %s",
		    name, text);
}

static void announce(const struct region *region)
{
	const struct log_fields fields = {.region = region->name};
	char size[FORMAT_SIZE_BYTES], granule[FORMAT_SIZE_BYTES];
	char guard[FORMAT_SIZE_BYTES + 32] = "", names[GUARANTEE_TEXT_BYTES];

	if (region->memory->guard_bytes > 0)
		(void)snprintf(guard, sizeof(guard),
			       ", a guard of %s behind each",
			       format_size(size, region->memory->guard_bytes));
	log_message(LOG_LEVEL_INFO, &fields,
		    "region '%s': %s of %s memory at 0x%" PRIx64
		    " in granules of %s%s; gives: %s",
		    region->name, format_size(size, region_size_bytes(region)),
		    region->memory->backend->name,
		    partitions_base(&region->partitions),
		    format_size(granule, region_granule_bytes(region)), guard,
		    guarantee_names(names, region->memory->guarantees));
}

bool setup_is_taken(const struct setup *setup, const char *name)
{
	const struct tract *tract = setup_find(setup, name);

	return tract && (!tract->kept || tract->wanted);
}

/* Puts it in its place; ids of kept tracts come in any order. */
static void insert(struct setup *setup, struct tract *tract)
{
	struct tract *next;

	list_for_each (next, &setup->tracts, link)
		if (next->id > tract->id)
			break;
	list_append(&next->link, &tract->link); /* in front of it */
	if (tract->id > setup->last_id)
		setup->last_id = tract->id;
}

/* The first free multiple of the step behind a range, or 0. */
static uint64_t behind(uint64_t base, uint64_t size_bytes)
{
	uint64_t end;

	if (__builtin_add_overflow(base, size_bytes, &end) ||
	    __builtin_add_overflow(end, SIMULATED_STEP - 1, &end))
		return 0;
	return end & ~(SIMULATED_STEP - 1);
}

void setup_keep_consume(struct setup *setup, struct tract *tract)
{
	uint64_t next = behind(tract->spec.base, tract->spec.size_bytes);
	const struct tract *other;

	list_for_each (other, &setup->tracts, link)
		if (other->id == tract->id ||
		    strcmp(other->name, tract->name) == 0) {
			log_warning("of the regions '%s' and '%s', both kept "
				    "under one name or number, only the first "
				    "is served",
				    other->name, tract->name);
			(void)tract_free(tract);
			return;
		}
	tract->kept = true;
	insert(setup, tract);
	if (tract->backend == &backend_simulated &&
	    (next == 0 || next > setup->next_simulated_base))
		setup->next_simulated_base = next;
}

static void compare(struct tract *tract, const struct tract_description *range)
{
	const struct log_fields fields = {.region = tract->name};

	tract->wanted = true;
	tract->wants_default = range->wants_default;
	if (!tract_matches(tract, range))
		log_message(LOG_LEVEL_WARNING, &fields,
			    "region '%s' is described differently now; it "
			    "stays as it was until the service is stopped",
			    tract->name);
}

void setup_compare(const struct setup *setup)
{
	const struct tract *tract;

	list_for_each (tract, &setup->tracts, link) {
		const struct log_fields fields = {.region = tract->name};

		if (tract->kept && !tract->wanted)
			log_message(LOG_LEVEL_WARNING, &fields,
				    "region '%s' is no longer described; it "
				    "stays until the service is stopped",
				    tract->name);
	}
}

static void announce_reservations(const struct region *region)
{
	const struct log_fields fields = {.region = region->name};
	char size[FORMAT_SIZE_BYTES];

	for (size_t i = 0; i < region->partitions.n; i++) {
		const struct partition *item = &region->partitions.items[i];

		if (item->reservation)
			log_message(LOG_LEVEL_INFO, &fields,
				    "region '%s': %s at 0x%" PRIx64
				    " reserved for %s",
				    region->name,
				    format_size(size,
						space_size_bytes(item->space)),
				    space_base(item->space),
				    item->reservation->name);
	}
}

bool setup_add(struct setup *setup, const struct tract_description *range)
{
	struct error why = ERROR_INIT;
	struct tract *tract;

	if (setup_is_taken(setup, range->name)) {
		complain(range->name, "there is another one of that name");
		return false;
	}
	tract = setup_find(setup, range->name);
	if (tract) {
		compare(tract, range);
		return true;
	}
	if (tract_new(&tract, range, &why) < 0) {
		complain(range->name, why.text);
		return false;
	}
	tract->id = setup->last_id + 1;
	insert(setup, tract);
	return true;
}

uint64_t setup_granule_bytes(const struct config_region *region)
{
	return region && region->granule_bytes ? region->granule_bytes
					       : (uint64_t)sysconf(_SC_PAGESIZE);
}

static void add_simulated(struct setup *setup,
			  const struct config_region *region)
{
	const struct tract_description range = {
		.name = region->name,
		.backend = "simulated",
		.public_base = true,
		.memory.base = setup->next_simulated_base,
		.memory.size_bytes = region->size_bytes,
		.memory.granule_bytes = setup_granule_bytes(region),
		.memory.guard_bytes = region->guard_bytes,
	};
	uint64_t next = behind(range.memory.base, region->size_bytes);

	if (setup_find(setup, region->name)) {
		(void)setup_add(setup, &range);
		return; /* it has its place, or there are two of them */
	}
	if (next == 0 || range.memory.base == 0)
		complain(region->name, "it does not fit 64-bit addresses");
	else if (setup_add(setup, &range))
		setup->next_simulated_base = next;
}

static void add_pool(struct setup *setup, const struct config_region *region)
{
	const struct tract_description range = {
		.name = region->name,
		.backend = "udmabuf",
		.memory.size_bytes = region->size_bytes,
		.memory.granule_bytes = setup_granule_bytes(region),
		.memory.guard_bytes = region->guard_bytes,
		.memory.page_bytes = region->page_bytes,
	};

	(void)setup_add(setup, &range);
}

void setup_configured(struct setup *setup)
{
	for (size_t i = 0; i < setup->config->n_regions; i++) {
		const struct config_region *region = &setup->config->regions[i];

		if (region->kind == CONFIG_POOL)
			add_pool(setup, region);
		else if (region->kind == CONFIG_SIMULATE)
			add_simulated(setup, region);
	}
}

void setup_open(struct setup *setup)
{
	struct tract *tract, *next;

	list_for_each_safe (tract, next, &setup->tracts, link) {
		struct error why = ERROR_INIT;

		if (tract->kept)
			continue;
		if (tract_open(tract, setup->options, setup->probes, &why) == 0)
			continue;
		complain(tract->name, why.text);
		(void)tract_free(tract);
	}
}

static struct region *new_region(const struct configuration *config,
				 struct lender *lender, struct tract *tract,
				 const struct restore *restore)
{
	const struct region_spec spec = {
		.id = tract->id,
		.name = tract->name,
		.public_base = tract->public_base,
		.granule_bytes = tract->spec.granule_bytes,
		.section = config_find_region(
			config, tract->section ? tract->section : tract->name),
		.ticketp = &lender->ticket,
		.taken = restore->runs,
		.n_taken = restore->n,
		.vault = lender->vault,
	};
	struct error why = ERROR_INIT;
	struct region *region;

	if (region_new_consume(&region, &spec, tract->memory, &why) == 0)
		return region;
	complain(tract->name, why.text);
	return NULL;
}

/* Makes a region of the tract, whose memory goes with it. */
static void make_region(const struct configuration *config,
			struct lender *lender, struct tract *tract)
{
	const struct restore_memory memory = {
		.region = tract->name,
		.granule_bytes = tract->spec.granule_bytes,
		.memory = tract->memory,
		.kept = tract->kept,
	};
	struct restore restore;
	struct region *region;

	if (restore_plan(&restore, lender->vault, &memory) < 0) {
		complain(tract->name, "out of memory");
		return;
	}
	region = new_region(config, lender, tract, &restore);
	if (!region) {
		restore_deinit(&restore);
		return;
	}
	tract->memory = NULL;
	region->is_default = tract->wants_default;
	if (lender_add_region_consume(lender, region) < 0) {
		complain(tract->name, "out of memory");
		(void)region_free(region);
	} else {
		announce(region);
		announce_reservations(region);
		restore_region(&restore, lender, region);
	}
	restore_deinit(&restore);
}

static struct region *choose(const struct setup *setup, struct lender *lender)
{
	const char *name = setup->config->default_region;
	struct region *region;

	if (name) {
		region = lender_find_region(lender, name);
		if (!region)
			log_warning("the default region '%s' is not served; "
				    "requests must name their region",
				    name);
		return region;
	}
	region = lender_default_region(lender);
	return region ? region
		      : list_first(&lender->regions, struct region, link);
}

static void choose_default(const struct setup *setup, struct lender *lender)
{
	struct region *chosen = choose(setup, lender);
	struct region *region;

	list_for_each (region, &lender->regions, link)
		region->is_default = region == chosen;
	if (chosen)
		log_info("requests that name no region are served from '%s'",
			 chosen->name);
	if (list_empty(&lender->regions))
		log_warning("there is no memory to lend: every allocation "
			    "will be refused");
}

void setup_make_regions(struct setup *setup, struct lender *lender)
{
	struct tract *tract;

	list_for_each (tract, &setup->tracts, link)
		if (tract->memory)
			make_region(setup->config, lender, tract);
	restore_settle(lender->vault);
	choose_default(setup, lender);
}
