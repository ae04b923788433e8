/* SPDX-License-Identifier: MIT */
#include "daemon/stock.h"

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
 * How many of a size are kept, and what becomes of them when memory is lent, is
 * in bins.c.  When the last size is forgotten, no timer runs any more.
 *
 * The pages of what is ready never exceed a sixteenth of the machine's: where
 * that is so little, objects are kept without pages, which are then made when
 * they are touched.
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

/* How many more objects there may be with pages of their own. */
static uint64_t count_populated(const struct stock *stock, const struct bin *bin)
{
	uint64_t room = partitions_free_bytes(&bin->region->partitions);
	uint64_t rest = 0;

	room = room > bin->region->ready_bytes ? room - bin->region->ready_bytes
					       : 0;
	if (stock->max_ready_bytes > stock->bins.ready_bytes)
		rest = stock->max_ready_bytes - stock->bins.ready_bytes;
	return (rest < room ? rest : room) / bin->size_bytes;
}

static void plan(struct stock *stock, struct bin *bin, struct batch_plan *plan)
{
	size_t room = stock->max_objects - stock->bins.n_objects;
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
		bins_put_consume(&stock->bins, bin, object);
	}
	bins_keep_within(&stock->bins, bin->region);
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
	size_t room = stock->max_objects - stock->bins.n_objects;
	size_t n = bin->target - bin->n_objects;

	batch_set_left(&stock->batch, n < room ? n : room);
}

static void refill(struct stock *stock)
{
	struct list doomed = LIST_INIT(doomed);
	struct bin *bin = NULL;
	struct batch_plan next;

	collect(stock);
	if (stock->busy)
		return;
	if (stock->bins.n_objects < stock->max_objects)
		bin = bins_find_short(&stock->bins);
	stock->made_bin = bin;
	if (!bin && stock->bins.n_doomed == 0)
		return;
	if (!stock->worker && worker_new(&stock->worker) < 0)
		return;
	if (bin)
		plan(stock, bin, &next);
	bins_give_doomed(&stock->bins, &doomed);
	batch_submit(&stock->batch, stock->worker, bin ? &next : NULL, &doomed);
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

void stock_end_period(struct stock *stock)
{
	bins_end_period(&stock->bins);
	stock->period_timer_set = stock->bins.n > 0;
	if (stock->period_timer_set)
		timer_set(stock->period_timer, STOCK_PERIOD_MS);
	on_timer(stock);
}

static void on_period(void *data)
{
	stock_end_period(data);
}

/* Whether the worker should begin before somebody has to wait for it.  To wake
 * it costs whoever asks next as much as to make a small object for him, where
 * both have one processor: it is not done for a burst like those before it. */
static bool is_urgent(const struct bin *bin, const struct object *taken)
{
	if (bin->n_taken <= 1)
		return false;
	return !taken ||
	       (bin_is_low(bin) && bin->size_bytes > BATCH_SLICE_BYTES);
}

/* In a moment, for at once would be beside who was just answered. */
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

struct object *stock_take(struct stock *stock, struct region *region,
			  uint64_t size_bytes)
{
	struct object *object;
	struct bin *bin;

	if (!region->memory->backend->object_prepare || stock->max_objects == 0)
		return NULL;
	bin = bins_get(&stock->bins, region, size_bytes);
	if (!bin)
		return NULL;
	if (bin_is_low(bin))
		collect(stock);
	object = bins_take(&stock->bins, bin);
	if (region->ready_bytes > 0)
		bins_keep_within(&stock->bins, region);
	if (stock->bins.doomed_bytes > 0)
		bins_free_remains(&stock->bins, region);
	if (bin_is_low(bin) && stock->busy && stock->made_bin == bin)
		top_up(stock, bin);
	arm_timer(stock, is_urgent(bin, object) && !stock->busy);
	arm_period(stock);
	return object;
}

bool stock_leave_consume(struct stock *stock, struct object *object,
			 uint64_t bytes)
{
	if (bytes > BATCH_SLICE_BYTES || stock->max_objects == 0 ||
	    stock->bins.n_doomed >= STOCK_DOOMED_OBJECTS)
		return false;
	object->ready_bytes = bytes;
	bins_doom_consume(&stock->bins, object);
	arm_timer(stock, stock->bins.n_doomed == STOCK_DOOMED_OBJECTS / 2);
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
	const struct bins *bins = &stock->bins;
	bool any = bins->n_objects + bins->n_doomed > 0 || stock->busy;

	if (stock->busy)
		stop_worker(stock);
	bins_empty(&stock->bins);
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
	bins_init(&stock->bins);
	batch_init(&stock->batch);
	r = timer_new(&stock->timer, loop, on_timer, stock);
	if (r == 0)
		r = timer_new(&stock->period_timer, loop, on_period, stock);
	return r;
}

void stock_deinit(struct stock *stock)
{
	if (!stock->timer) /* it was never made */
		return;
	stock->worker = worker_free(stock->worker);
	stock->timer = timer_free(stock->timer);
	if (stock->period_timer)
		stock->period_timer = timer_free(stock->period_timer);
	bins_deinit(&stock->bins);
	batch_deinit(&stock->batch);
}
