/* SPDX-License-Identifier: MIT */
#include "daemon/region.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/kept.h"
#include "util/broken.h"
#include "util/format.h"
#include "util/log.h"

/*
 * What became of each byte of a region:
 *
 *	clean + dirty + lent + draining + guarding + unusable + quarantined
 *		== size
 *
 * Clean is what is free in the spaces of its partitions.  Dirty is free for
 * people, in every figure that they see, but not for the allocator: it stays
 * taken in its space until the scrubber has zeroed it.  So nobody can be given
 * memory that was not cleaned, whatever else goes wrong: there is no flag to
 * forget.
 *
 * A run whose zeroing failed stays taken for good, and so does one that an
 * earlier daemon lent to who knows whom.
 */

static int take(struct region *region, const struct region_spec *spec,
		struct error *why)
{
	for (size_t i = 0; i < spec->n_taken; i++) {
		const struct run *run = &spec->taken[i];
		int r = partitions_claim(&region->partitions, run);

		if (r < 0)
			return error_set(why, r,
					 "%" PRIu64 " bytes at 0x%" PRIx64
					 " cannot be kept from being lent: %s",
					 run->size_bytes, run->phys,
					 strerror(-r));
	}
	return 0;
}

/* Made before they count: claiming changes what is gone through. */
struct stains {
	struct list list; // stain::link
	bool failed;
};

static void add_stain(void *data, const struct run *run)
{
	struct stains *stains = data;
	struct stain *stain = stain_new(run);

	if (stain)
		list_append(&stains->list, &stain->link);
	else
		stains->failed = true;
}

static int soil_the_rest(struct region *region)
{
	struct stains stains = {.failed = false};
	struct stain *stain, *next;
	int r;

	list_init(&stains.list);
	partitions_for_each_free(&region->partitions, add_stain, &stains);
	r = stains.failed ? -ENOMEM : 0;
	list_for_each_safe (stain, next, &stains.list, link) {
		list_remove(&stain->link);
		if (r == 0)
			r = partitions_claim(&region->partitions, &stain->run);
		if (r == 0)
			dirt_add_consume(&region->dirt, stain);
		else
			free(stain);
	}
	return r;
}

static int check_guard(const struct region_spec *spec,
		       const struct memory *memory, struct error *why)
{
	if (memory->guard_bytes == 0)
		return 0;
	if (!memory->backend->guard_write)
		return error_set(why, -EINVAL, "backend %s has no guards",
				 memory->backend->name);
	/* granules are powers of two; the space says so where one is not */
	if (memory->guard_bytes & (spec->granule_bytes - 1))
		return error_set(why, -EINVAL,
				 "a guard of %" PRIu64
				 " bytes is not a multiple of the granule "
				 "%" PRIu64,
				 memory->guard_bytes, spec->granule_bytes);
	return 0;
}

static void complain_of_reservation(void *data,
				    const struct config_reservation *what,
				    const char *text)
{
	const struct region *region = data;
	const struct log_fields fields = {.region = region->name};
	char size[FORMAT_SIZE_BYTES];

	log_message(LOG_LEVEL_WARNING, &fields,
		    "region '%s': nothing is reserved for %s (line %u of the "
		    "configuration), as its %s do not fit: %s",
		    region->name, what->name, what->line,
		    format_size(size, what->size_bytes), text);
}

static int cut_partitions(struct region *region, const struct region_spec *spec,
			  const struct memory *memory, struct error *why)
{
	const struct config_reservations *reserved =
		spec->section ? &spec->section->reservations : NULL;
	const struct partitions_spec partitions = {
		.granule_bytes = spec->granule_bytes,
		.segments = memory->segments,
		.n_segments = memory->n_segments,
		.tail_bytes = memory->guard_bytes,
		.reservations = reserved ? reserved->items : NULL,
		.n_reservations = reserved ? reserved->n : 0,
		.complain = complain_of_reservation,
		.data = region,
	};

	return partitions_init(&region->partitions, &partitions, why);
}

int region_new_consume(struct region **regionp, const struct region_spec *spec,
		       struct memory *memory, struct error *why)
{
	_cleanup_(region_freep) struct region *region =
		calloc(1, sizeof(*region));
	int r;

	if (!region)
		return error_set(why, -ENOMEM, "out of memory");
	list_init(&region->link);
	list_init(&region->buffers);
	dirt_init(&region->dirt, spec->ticketp);
	region->id = spec->id;
	region->public_base = spec->public_base;
	region->section = spec->section;
	region->name = strdup(spec->name);
	if (!region->name)
		return error_set(why, -ENOMEM, "out of memory");
	r = check_guard(spec, memory, why);
	if (r < 0)
		return r;
	r = cut_partitions(region, spec, memory, why);
	if (r < 0)
		return r;
	r = take(region, spec, why);
	if (r < 0)
		return r;
	if (!memory->starts_clean) {
		r = soil_the_rest(region);
		if (r < 0)
			return error_set(why, r, "out of memory");
	}
	region->memory = memory;
	region->vault = spec->vault;
	*regionp = TAKE_PTR(region);
	return 0;
}

/* Of what was on its way to being clean. */
static void free_objects(struct region *region)
{
	struct stain *stain;

	list_for_each (stain, &region->dirt.stains, link) {
		if (stain->object)
			region->memory->backend->object_free(stain->object);
		stain->object = NULL;
	}
}

struct region *region_free(struct region *region)
{
	if (!region)
		return NULL;
	if (!list_empty(&region->buffers))
		broken("region '%s' ends before its buffers", region->name);
	list_remove(&region->link);
	free_objects(region);
	dirt_deinit(&region->dirt);
	partitions_deinit(&region->partitions);
	if (region->memory)
		region->memory->backend->memory_close(region->memory);
	free(region->name);
	free(region);
	return NULL;
}

void region_give_back(struct region *region, const struct run *run)
{
	partitions_release(&region->partitions, run);
}

void region_soil_consume(struct region *region, struct stain *stain)
{
	if (region->memory->backend->zero || stain->object) {
		dirt_add_consume(&region->dirt, stain);
		return;
	}
	partitions_release(&region->partitions, &stain->run);
	free(stain);
}

void region_cleaned(struct region *region, const struct run *run, int result)
{
	const struct log_fields fields = {.region = region->name};
	struct object *object = dirt_remove(&region->dirt, run);

	if (object)
		region->memory->backend->object_free(object);
	if (result >= 0) {
		partitions_release(&region->partitions, run);
		return;
	}
	region->unusable_bytes += run->size_bytes;
	if (region->kept)
		kept_drop(region->kept, region->memory, run);
	log_message(LOG_LEVEL_ERR, &fields,
		    "region '%s': %" PRIu64 " bytes at 0x%" PRIx64
		    " could not be zeroed and stay out of use: %s",
		    region->name, run->size_bytes, run->phys, strerror(-result));
}

uint64_t region_free_bytes(const struct region *region)
{
	return partitions_free_bytes(&region->partitions) + region->dirt.bytes;
}

uint64_t region_size_bytes(const struct region *region)
{
	return partitions_size_bytes(&region->partitions);
}
