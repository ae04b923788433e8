/* SPDX-License-Identifier: MIT */
#include "daemon/stock.h"

#include <stdlib.h>
#include <unistd.h>

/*
 * A memfd that is named, sized, sealed, opened for the daemon and for a client,
 * and filled with pages takes longer than everything else about a request.  It
 * depends on nothing but a size, and programs ask for the same sizes again and
 * again.  So the worker makes such objects ahead, and a request only takes one.
 *
 * Nothing that was ever lent comes back here: an O_PATH descriptor, a page in a
 * pipe or a request of io_uring outlive the verdict that nobody holds it.  What
 * is ready has been nobody's.
 *
 * How many of a size are kept is learned: as many as were ever taken before the
 * bin was full again, so a burst that came once is met the second time.  Each
 * period the number falls to what the last one needed, and a size that nobody
 * asked for is forgotten.  When the last is, no timer runs any more.
 *
 * The pages of what is ready are memory that the region has not lent.  They
 * never exceed what is free in it, so that lent and ready together stay within
 * its size, nor a sixteenth of the machine's: where that is so little, objects
 * are kept without pages, which are then made when they are touched.  When a
 * region lends so much that this is no longer true, what was not asked for
 * longest is given up.
 *
 * Small objects of which the last holder is gone come here only to be freed: to
 * give their pages back takes longer than a request.
 *
 * It is an advantage and never a condition: what cannot be made ahead is made
 * when it is asked for, by whoever asks, and what fails here is not said, since
 * it fails there again with somebody to be told.  Where descriptors or memory
 * run short there, all of this is given up first.
 *
 * It has a worker of its own, from the first time on that there is something to
 * do: nobody waits for what is made here, and to find a huge page may take tens
 * of ms, in which others of the daemon's jobs would wait.  What that worker
 * does, and how it is told, is in batch.c.
 */

#define MEMORY_SHARE 16
#define FILES_SHARE  16 /* each has two */

struct bin {
	struct list link; // stock::bins
	struct region *region;
	uint64_t size_bytes; /* of the run */
	struct list objects; // object::link: those with pages first
	size_t n_objects;
	size_t target;	   /* how many there should be */
	size_t n_taken;	   /* since it was full */
	size_t most_taken; /* in this period */
	bool missed;	   /* somebody came and there was none */
	bool is_made;	   /* the batch is for it */
};

/* ---- the bins ------------------------------------------------------------- */

static struct object *take(struct stock *stock, struct bin *bin)
{
	struct object *object = list_first(&bin->objects, struct object, link);

	if (!object)
		return NULL;
	list_remove(&object->link);
	bin->n_objects--;
	stock->n_objects--;
	stock->ready_bytes -= object->ready_bytes;
	bin->region->ready_bytes -= object->ready_bytes;
	return object;
}

static void put(struct stock *stock, struct bin *bin, struct object *object)
{
	if (object->ready_bytes > 0)
		list_prepend(&bin->objects, &object->link);
	else
		list_append(&bin->objects, &object->link);
	bin->n_objects++;
	stock->n_objects++;
	stock->ready_bytes += object->ready_bytes;
	bin->region->ready_bytes += object->ready_bytes;
}

static void add_doomed(struct stock *stock, struct object *object)
{
	list_append(&stock->doomed, &object->link);
	stock->n_doomed++;
	stock->doomed_bytes += object->ready_bytes;
}

static void free_doomed(struct stock *stock, struct object *object)
{
	stock->n_doomed--;
	stock->doomed_bytes -= object->ready_bytes;
	list_remove(&object->link);
	object->memory->backend->object_free(object);
}

/* Leaves one object to the worker, which frees it. */
static bool doom(struct stock *stock, struct bin *bin)
{
	struct object *object = take(stock, bin);

	if (object)
		add_doomed(stock, object);
	return object != NULL;
}

static void free_bin(struct stock *stock, struct bin *bin)
{
	while (doom(stock, bin))
		;
	list_remove(&bin->link);
	stock->n_bins--;
	free(bin);
}

/* The one asked for longest ago, but for the one that the worker is at. */
static struct bin *find_oldest(const struct stock *stock)
{
	struct bin *bin, *oldest = NULL;

	list_for_each (bin, &stock->bins, link)
		if (!bin->is_made)
			oldest = bin;
	return oldest;
}

static struct bin *add_bin(struct stock *stock, struct region *region,
			   uint64_t size_bytes)
{
	struct bin *bin = calloc(1, sizeof(*bin));

	if (!bin)
		return NULL;
	if (stock->n_bins == STOCK_BINS)
		free_bin(stock, find_oldest(stock));
	list_init(&bin->objects);
	bin->region = region;
	bin->size_bytes = size_bytes;
	list_append(&stock->bins, &bin->link);
	stock->n_bins++;
	return bin;
}

/* NULL: out of memory. */
static struct bin *get_bin(struct stock *stock, struct region *region,
			   uint64_t size_bytes)
{
	struct bin *bin;

	list_for_each (bin, &stock->bins, link)
		if (bin->size_bytes == size_bytes && bin->region == region)
			return bin;
	return add_bin(stock, region, size_bytes);
}

/* Memory that came back and was lent again is there twice until the worker has
 * come to what was made of it the first time.  More than a little of that would
 * be missing elsewhere. */
static void free_remains(struct stock *stock, const struct region *region)
{
	uint64_t free_bytes = partitions_free_bytes(&region->partitions);
	struct object *object, *next;

	list_for_each_safe (object, next, &stock->doomed, link) {
		if (region->ready_bytes + stock->doomed_bytes <=
		    free_bytes + STOCK_REMAINS_BYTES)
			return;
		if (object->memory == region->memory &&
		    object->ready_bytes <= BATCH_SLICE_BYTES)
			free_doomed(stock, object);
	}
}

static bool has_pages(const struct bin *bin)
{
	const struct object *first =
		list_first(&bin->objects, struct object, link);

	return first && first->ready_bytes > 0;
}

/* Lent and ready together stay within the region's size. */
static void keep_within(struct stock *stock, struct region *region)
{
	uint64_t free_bytes = partitions_free_bytes(&region->partitions);
	struct bin *bin, *oldest;

	while (region->ready_bytes > free_bytes) {
		oldest = NULL;
		list_for_each (bin, &stock->bins, link)
			if (bin->region == region && has_pages(bin))
				oldest = bin;
		(void)doom(stock, oldest);
	}
}

/* ---- making --------------------------------------------------------------- */

/* How many more objects there may be with pages of their own. */
static uint64_t count_populated(const struct stock *stock, const struct bin *bin)
{
	uint64_t room = partitions_free_bytes(&bin->region->partitions);
	uint64_t rest = 0;

	room = room > bin->region->ready_bytes ? room - bin->region->ready_bytes
					       : 0;
	if (stock->max_ready_bytes > stock->ready_bytes)
		rest = stock->max_ready_bytes - stock->ready_bytes;
	return (rest < room ? rest : room) / bin->size_bytes;
}

static void plan(struct stock *stock, struct bin *bin, struct batch_plan *plan)
{
	size_t room = stock->max_objects - stock->n_objects;
	uint64_t populated = count_populated(stock, bin);

	plan->n = bin->target - bin->n_objects;
	if (plan->n > room)
		plan->n = room;
	plan->n_populated = populated < plan->n ? (size_t)populated : plan->n;
	/* the worker is not fast enough for the pages of small ones as well */
	if (bin->missed && bin->size_bytes <= BATCH_SLICE_BYTES)
		plan->n_populated = 0;
	plan->memory = bin->region->memory;
	plan->size_bytes = bin->size_bytes;
	bin->missed = false;
	bin->is_made = true;
}

/* Takes what the worker has made so far. */
static void store(struct stock *stock)
{
	struct bin *bin = stock->made_bin;
	struct list made = LIST_INIT(made);
	struct object *object;

	batch_take_made(&stock->batch, &made);
	while ((object = list_first(&made, struct object, link))) {
		list_remove(&object->link);
		put(stock, bin, object);
	}
	keep_within(stock, bin->region);
}

static void end_bin(struct bin *bin, int result)
{
	bin->is_made = false;
	if (result < 0) /* until it is asked for again */
		bin->target = bin->n_objects;
	if (bin->n_objects >= bin->target)
		bin->n_taken = 0;
}

static void collect(struct stock *stock)
{
	struct batch *batch = &stock->batch;

	if (!stock->busy)
		return;
	stock->busy = !worker_collect(stock->worker, &batch->job);
	if (!stock->made_bin)
		return;
	store(stock);
	if (!stock->busy)
		end_bin(stock->made_bin, batch->job.result);
}

/* Gives the worker more to do of what it is at. */
static void top_up(struct stock *stock, const struct bin *bin)
{
	size_t room = stock->max_objects - stock->n_objects;
	size_t n = bin->target - bin->n_objects;

	batch_set_left(&stock->batch, n < room ? n : room);
}

static struct bin *find_short(const struct stock *stock)
{
	struct bin *bin;

	list_for_each (bin, &stock->bins, link)
		if (bin->n_objects < bin->target)
			return bin;
	return NULL;
}

static void refill(struct stock *stock)
{
	struct batch_plan next;
	struct bin *bin;

	collect(stock);
	if (stock->busy)
		return;
	bin = stock->n_objects < stock->max_objects ? find_short(stock) : NULL;
	stock->made_bin = bin;
	if (!bin && list_empty(&stock->doomed))
		return;
	if (!stock->worker && worker_new(&stock->worker) < 0)
		return;
	if (bin)
		plan(stock, bin, &next);
	batch_submit(&stock->batch, stock->worker, bin ? &next : NULL,
		     &stock->doomed);
	stock->n_doomed = 0;
	stock->doomed_bytes = 0;
	stock->busy = true;
}

static void on_timer(void *data)
{
	struct stock *stock = data;

	refill(stock);
	/* nothing wakes us when it is done, and there may be more to do */
	stock->timer_set = stock->busy;
	stock->in_hurry = false;
	if (stock->busy)
		timer_set(stock->timer, STOCK_LOOK_MS);
}

/* How many there should be where so many were taken at once; several small
 * ones at least, so that not each one has to be replaced at once. */
static size_t target(const struct bin *bin, size_t n_taken)
{
	uint64_t least = STOCK_LEAST_BYTES / bin->size_bytes;

	if (least > STOCK_LEAST_OBJECTS)
		least = STOCK_LEAST_OBJECTS;
	if (n_taken > STOCK_BIN_OBJECTS)
		return STOCK_BIN_OBJECTS;
	return n_taken == 0 || n_taken > least ? n_taken : (size_t)least;
}

void stock_end_period(struct stock *stock)
{
	struct bin *bin, *next;

	list_for_each_safe (bin, next, &stock->bins, link) {
		bin->target = target(bin, bin->most_taken);
		bin->most_taken = 0;
		while (bin->n_objects > bin->target)
			(void)doom(stock, bin);
		if (bin->target == 0 && !bin->is_made)
			free_bin(stock, bin);
	}
	stock->period_timer_set = !list_empty(&stock->bins);
	if (stock->period_timer_set)
		timer_set(stock->period_timer, STOCK_PERIOD_MS);
	on_timer(stock);
}

static void on_period(void *data)
{
	stock_end_period(data);
}

static void note_taken(struct stock *stock, struct bin *bin)
{
	list_remove(&bin->link);
	list_prepend(&stock->bins, &bin->link);
	bin->n_taken++;
	if (bin->most_taken < bin->n_taken)
		bin->most_taken = bin->n_taken;
	if (bin->target < target(bin, bin->n_taken))
		bin->target = target(bin, bin->n_taken);
}

/* In a moment, for at once would be beside who was just answered; unless little
 * is left and more than one was asked for. */
static void arm_timer(struct stock *stock, bool hurry)
{
	if (stock->timer_set && (!hurry || stock->in_hurry))
		return;
	timer_set(stock->timer, hurry ? 0 : STOCK_PAUSE_MS);
	stock->timer_set = true;
	stock->in_hurry = hurry;
}

static void arm_period(struct stock *stock)
{
	if (!stock->period_timer_set)
		timer_set(stock->period_timer, STOCK_PERIOD_MS);
	stock->period_timer_set = true;
}

static bool is_low(const struct bin *bin)
{
	return bin->n_objects <= bin->target / 4;
}

struct object *stock_take(struct stock *stock, struct region *region,
			  uint64_t size_bytes)
{
	struct object *object;
	struct bin *bin;

	if (!region->memory->backend->object_prepare || stock->max_objects == 0)
		return NULL;
	bin = get_bin(stock, region, size_bytes);
	if (!bin)
		return NULL;
	if (is_low(bin))
		collect(stock);
	note_taken(stock, bin);
	object = take(stock, bin);
	bin->missed |= !object && bin->n_taken > 1;
	if (region->ready_bytes > 0)
		keep_within(stock, region);
	if (stock->doomed_bytes > 0)
		free_remains(stock, region);
	if (is_low(bin) && stock->busy && stock->made_bin == bin)
		top_up(stock, bin);
	arm_timer(stock, is_low(bin) && bin->n_taken > 1 && !stock->busy);
	arm_period(stock);
	return object;
}

bool stock_leave_consume(struct stock *stock, struct object *object,
			 uint64_t bytes)
{
	if (bytes > BATCH_SLICE_BYTES || stock->max_objects == 0 ||
	    stock->n_doomed >= STOCK_DOOMED_OBJECTS)
		return false;
	object->ready_bytes = bytes;
	add_doomed(stock, object);
	arm_timer(stock, stock->n_doomed == STOCK_BIN_OBJECTS);
	return true;
}

/* Takes out of the worker's hands what it has: it finishes a slice, and is
 * started anew when there is something to do again. */
static void stop_worker(struct stock *stock)
{
	stock->worker = worker_free(stock->worker);
	batch_empty(&stock->batch);
	if (stock->made_bin)
		stock->made_bin->is_made = false;
	stock->made_bin = NULL;
	stock->busy = false;
}

bool stock_empty(struct stock *stock)
{
	struct bin *bin, *next;
	struct object *object;
	bool any = stock->n_objects + stock->n_doomed > 0 || stock->busy;

	if (stock->busy)
		stop_worker(stock);
	list_for_each_safe (bin, next, &stock->bins, link) {
		bin->target = 0;
		while ((object = take(stock, bin)))
			object->memory->backend->object_free(object);
	}
	while ((object = list_first(&stock->doomed, struct object, link)))
		free_doomed(stock, object);
	return any;
}

void stock_use_closings(struct stock *stock, const struct closings *closings)
{
	stock->batch.closings = closings;
}

void stock_limit_files(struct stock *stock, uint64_t max_files)
{
	uint64_t n = max_files / FILES_SHARE;

	stock->max_objects = n < STOCK_OBJECTS ? (size_t)n : STOCK_OBJECTS;
}

int stock_init(struct stock *stock, struct loop *loop)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t n_pages = (uint64_t)sysconf(_SC_PHYS_PAGES);
	int r;

	*stock = (struct stock){
		.max_objects = STOCK_OBJECTS,
		.max_ready_bytes = n_pages / MEMORY_SHARE * page_bytes,
	};
	list_init(&stock->bins);
	list_init(&stock->doomed);
	batch_init(&stock->batch);
	r = timer_new(&stock->timer, loop, on_timer, stock);
	if (r == 0)
		r = timer_new(&stock->period_timer, loop, on_period, stock);
	return r;
}

void stock_deinit(struct stock *stock)
{
	struct object *object;
	struct bin *bin;

	if (!stock->timer) /* it was never made */
		return;
	stock->worker = worker_free(stock->worker);
	stock->timer = timer_free(stock->timer);
	if (stock->period_timer)
		stock->period_timer = timer_free(stock->period_timer);
	while ((bin = list_first(&stock->bins, struct bin, link)))
		free_bin(stock, bin);
	while ((object = list_first(&stock->doomed, struct object, link)))
		free_doomed(stock, object);
	batch_deinit(&stock->batch);
}
