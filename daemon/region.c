/* SPDX-License-Identifier: MIT */
#include "daemon/region.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/run.h"
#include "util/broken.h"
#include "util/log.h"

/*
 * What became of each byte of a region:
 *
 *	clean + dirty + lent + draining + guarding + unusable == size
 *
 * Clean is what is free in the space.  Dirty is free for people, in every
 * figure that they see, but not for the allocator: it stays taken in the space
 * until the scrubber has zeroed it.  So nobody can be given memory that was not
 * cleaned, whatever else goes wrong: there is no flag to forget.
 *
 * A run whose zeroing failed stays taken for good.
 */

static int soil_everything(struct region *region)
{
	size_t n;
	const struct run *segments = space_segments(region->space, &n);

	for (size_t i = 0; i < n; i++) {
		struct stain *stain = stain_new(&segments[i]);
		int r;

		if (!stain)
			return -ENOMEM;
		r = space_claim(region->space, &stain->run);
		if (r < 0) {
			free(stain);
			return r;
		}
		dirt_add_consume(&region->dirt, stain);
	}
	return 0;
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
	region->name = strdup(spec->name);
	if (!region->name)
		return error_set(why, -ENOMEM, "out of memory");
	r = check_guard(spec, memory, why);
	if (r < 0)
		return r;
	r = space_new(&region->space, spec->granule_bytes, memory->segments,
		      memory->n_segments, why);
	if (r < 0)
		return r;
	if (!memory->starts_clean) {
		r = soil_everything(region);
		if (r < 0)
			return error_set(why, r, "out of memory");
	}
	region->memory = memory;
	*regionp = TAKE_PTR(region);
	return 0;
}

struct region *region_free(struct region *region)
{
	if (!region)
		return NULL;
	if (!list_empty(&region->buffers))
		broken("region '%s' ends before its buffers", region->name);
	list_remove(&region->link);
	dirt_deinit(&region->dirt);
	if (region->space)
		(void)space_free(region->space);
	if (region->memory)
		region->memory->backend->memory_close(region->memory);
	free(region->name);
	free(region);
	return NULL;
}

void region_give_back(struct region *region, const struct run *run)
{
	space_release(region->space, run);
}

void region_soil_consume(struct region *region, struct stain *stain)
{
	if (region->memory->backend->zero) {
		dirt_add_consume(&region->dirt, stain);
		return;
	}
	space_release(region->space, &stain->run);
	free(stain);
}

void region_cleaned(struct region *region, const struct run *run, int result)
{
	const struct log_fields fields = {.region = region->name};

	dirt_remove(&region->dirt, run);
	if (result >= 0) {
		space_release(region->space, run);
		return;
	}
	region->unusable_bytes += run->size_bytes;
	log_message(LOG_LEVEL_ERR, &fields,
		    "region '%s': %" PRIu64 " bytes at 0x%" PRIx64
		    " could not be zeroed and stay out of use: %s",
		    region->name, run->size_bytes, run->phys, strerror(-result));
}

uint64_t region_free_bytes(const struct region *region)
{
	return space_free_bytes(region->space) + region->dirt.bytes;
}

uint64_t region_size_bytes(const struct region *region)
{
	return space_size_bytes(region->space);
}

struct gathered {
	struct run *runs;
	size_t n;
};

static void gather(void *data, const struct run *run)
{
	struct gathered *all = data;

	all->runs[all->n++] = *run;
}

static int by_address(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->phys < y->phys ? -1 : x->phys > y->phys;
}

/* Segments of a space never touch, so runs that do are of one. */
static bool joins(const struct run *run, const struct run *next)
{
	return run_last(run) + 1 == next->phys;
}

uint64_t region_largest_free_bytes(const struct region *region)
{
	uint64_t largest = space_largest_free_bytes(region->space);
	_cleanup_free_ struct run *room = NULL;
	struct gathered all = {.n = 0};
	const struct stain *stain;
	size_t n_stains = 0;

	if (list_empty(&region->dirt.stains))
		return largest;
	list_for_each (stain, &region->dirt.stains, link)
		n_stains++;
	room = calloc(n_stains + space_count_free_runs(region->space),
		      sizeof(*room));
	if (!room)
		return largest; /* a figure for people: better than none */
	all.runs = room;
	space_for_each_free(region->space, gather, &all);
	list_for_each (stain, &region->dirt.stains, link)
		gather(&all, &stain->run);
	qsort(all.runs, all.n, sizeof(*all.runs), by_address);
	for (size_t i = 0; i < all.n; i++) {
		if (i > 0 && joins(&all.runs[i - 1], &all.runs[i])) {
			all.runs[i].phys = all.runs[i - 1].phys;
			all.runs[i].size_bytes += all.runs[i - 1].size_bytes;
		}
		if (all.runs[i].size_bytes > largest)
			largest = all.runs[i].size_bytes;
	}
	return largest;
}
