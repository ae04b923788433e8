/* SPDX-License-Identifier: MIT */
#include "daemon/bins.h"

#include <stdlib.h>

#include "daemon/batch.h"

/*
 * How many of a size are kept is learned: as many as were ever taken before the
 * bin was full again, so a burst that came once is met the second time.  Each
 * period the number falls to what the last one needed, and a size that nobody
 * asked for is forgotten.
 *
 * The pages of what is ready are memory that the region has not lent.  They
 * never exceed what is free in it, so that lent and ready together stay within
 * its size.  When a region lends so much that this is no longer true, what was
 * not asked for longest is given up.
 */

/* ---- what there is --------------------------------------------------------- */

static struct object *take(struct bins *bins, struct bin *bin)
{
	struct object *object = list_first(&bin->objects, struct object, link);

	if (!object)
		return NULL;
	list_remove(&object->link);
	bin->n_objects--;
	bins->n_objects--;
	bins->ready_bytes -= object->ready_bytes;
	bin->region->ready_bytes -= object->ready_bytes;
	return object;
}

void bins_put_consume(struct bins *bins, struct bin *bin, struct object *object)
{
	if (object->ready_bytes > 0)
		list_prepend(&bin->objects, &object->link);
	else
		list_append(&bin->objects, &object->link);
	bin->n_objects++;
	bins->n_objects++;
	bins->ready_bytes += object->ready_bytes;
	bin->region->ready_bytes += object->ready_bytes;
}

void bins_doom_consume(struct bins *bins, struct object *object)
{
	list_append(&bins->doomed, &object->link);
	bins->n_doomed++;
	bins->doomed_bytes += object->ready_bytes;
}

static void free_doomed(struct bins *bins, struct object *object)
{
	bins->n_doomed--;
	bins->doomed_bytes -= object->ready_bytes;
	list_remove(&object->link);
	object->memory->backend->object_free(object);
}

/* One object fewer; whether there was one. */
static bool doom(struct bins *bins, struct bin *bin)
{
	struct object *object = take(bins, bin);

	if (object)
		bins_doom_consume(bins, object);
	return object != NULL;
}

static void free_bin(struct bins *bins, struct bin *bin)
{
	while (doom(bins, bin))
		;
	list_remove(&bin->link);
	bins->n--;
	free(bin);
}

/* The one asked for longest ago, but for one that is being made. */
static struct bin *find_oldest(const struct bins *bins)
{
	struct bin *bin, *oldest = NULL;

	list_for_each (bin, &bins->list, link)
		if (!bin->is_made)
			oldest = bin;
	return oldest;
}

static struct bin *add_bin(struct bins *bins, struct region *region,
			   uint64_t size_bytes)
{
	struct bin *bin = calloc(1, sizeof(*bin));

	if (!bin)
		return NULL;
	if (bins->n == BINS_SIZES)
		free_bin(bins, find_oldest(bins));
	list_init(&bin->objects);
	bin->region = region;
	bin->size_bytes = size_bytes;
	list_append(&bins->list, &bin->link);
	bins->n++;
	return bin;
}

struct bin *bins_get(struct bins *bins, struct region *region,
		     uint64_t size_bytes)
{
	struct bin *bin;

	list_for_each (bin, &bins->list, link)
		if (bin->size_bytes == size_bytes && bin->region == region)
			return bin;
	return add_bin(bins, region, size_bytes);
}

/* Memory that came back and was lent again is there twice, until what was made
 * of it the first time is freed.  More than a little of that would be missing
 * elsewhere. */
void bins_free_remains(struct bins *bins, const struct region *region)
{
	uint64_t free_bytes = partitions_free_bytes(&region->partitions);
	struct object *object, *next;

	list_for_each_safe (object, next, &bins->doomed, link) {
		if (region->ready_bytes + bins->doomed_bytes <=
		    free_bytes + BINS_REMAINS_BYTES)
			return;
		if (object->memory == region->memory &&
		    object->ready_bytes <= BATCH_SLICE_BYTES)
			free_doomed(bins, object);
	}
}

static bool has_pages(const struct bin *bin)
{
	const struct object *first =
		list_first(&bin->objects, struct object, link);

	return first && first->ready_bytes > 0;
}

void bins_keep_within(struct bins *bins, struct region *region)
{
	uint64_t free_bytes = partitions_free_bytes(&region->partitions);
	struct bin *bin, *oldest;

	while (region->ready_bytes > free_bytes) {
		oldest = NULL;
		list_for_each (bin, &bins->list, link)
			if (bin->region == region && has_pages(bin))
				oldest = bin;
		(void)doom(bins, oldest);
	}
}

/* ---- how many there should be --------------------------------------------- */

struct bin *bins_find_short(const struct bins *bins)
{
	struct bin *bin;

	list_for_each (bin, &bins->list, link)
		if (bin->n_objects < bin->target)
			return bin;
	return NULL;
}

/* How many there should be where so many were taken at once; several small
 * ones at least, so that not each one has to be replaced at once. */
static size_t target(const struct bin *bin, size_t n_taken)
{
	uint64_t least = BINS_LEAST_BYTES / bin->size_bytes;

	if (least > BINS_LEAST_OBJECTS)
		least = BINS_LEAST_OBJECTS;
	if (n_taken > BINS_OBJECTS)
		return BINS_OBJECTS;
	return n_taken == 0 || n_taken > least ? n_taken : (size_t)least;
}

static void note_taken(struct bins *bins, struct bin *bin)
{
	list_remove(&bin->link);
	list_prepend(&bins->list, &bin->link);
	bin->n_taken++;
	if (bin->most_taken < bin->n_taken)
		bin->most_taken = bin->n_taken;
	if (bin->target < target(bin, bin->n_taken))
		bin->target = target(bin, bin->n_taken);
}

bool bin_is_low(const struct bin *bin)
{
	return bin->n_objects <= bin->target / 4;
}

void bins_end_period(struct bins *bins)
{
	struct bin *bin, *next;

	list_for_each_safe (bin, next, &bins->list, link) {
		bin->target = target(bin, bin->most_taken);
		bin->most_taken = 0;
		while (bin->n_objects > bin->target)
			(void)doom(bins, bin);
		if (bin->target == 0 && !bin->is_made)
			free_bin(bins, bin);
	}
}

struct object *bins_take(struct bins *bins, struct bin *bin)
{
	struct object *object;

	note_taken(bins, bin);
	object = take(bins, bin);
	bin->missed |= !object && bin->n_taken > 1;
	return object;
}

void bins_give_doomed(struct bins *bins, struct list *doomed)
{
	list_splice(doomed, &bins->doomed);
	bins->n_doomed = 0;
	bins->doomed_bytes = 0;
}

static void free_all_doomed(struct bins *bins)
{
	struct object *object;

	while ((object = list_first(&bins->doomed, struct object, link)))
		free_doomed(bins, object);
}

void bins_empty(struct bins *bins)
{
	struct bin *bin;

	list_for_each (bin, &bins->list, link) {
		bin->target = 0;
		while (doom(bins, bin))
			;
	}
	free_all_doomed(bins);
}

void bins_init(struct bins *bins)
{
	*bins = (struct bins){.n = 0};
	list_init(&bins->list);
	list_init(&bins->doomed);
}

void bins_deinit(struct bins *bins)
{
	struct bin *bin;

	while ((bin = list_first(&bins->list, struct bin, link)))
		free_bin(bins, bin);
	free_all_doomed(bins);
}
