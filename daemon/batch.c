/* SPDX-License-Identifier: MIT */
#include "daemon/batch.h"

#include <sched.h>

#include "daemon/file_pages.h"
#include "util/clock.h"

/*
 * Making comes before freeing: somebody may ask for what is to be made, and
 * nobody for the rest.  Both go in slices, for what is made is taken, and what
 * is planned changed, between any two of them.  Nor is there anybody who waits
 * for this, so whoever waits for the processor goes first then: an event loop
 * that has been asked, or a client that has just been answered, would else wait
 * for milliseconds until the scheduler takes it for their turn.
 *
 * Pages come as huge ones where they can, for those are mapped many times
 * faster.  Mostly one takes 0.2 ms; where the kernel has to make room for
 * it, or the machine below to find memory, it was seen to take 30 ms.  What is
 * less than a huge page comes as large ones where the system lets it.
 *
 * The lock is there because the main thread need not wait for the end: it takes
 * what there is one by one, and says that more is needed.  All else is the
 * worker's alone until it is done.
 */

#define TRY_AGAIN_NS UINT64_C(1000000000)

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- freeing -------------------------------------------------------------- */

/* What it has of the huge page in which its pages end, or the last of that and
 * itself.  To take single pages out of a huge one would split it. */
static void free_some(struct object *object)
{
	const struct backend *backend = object->memory->backend;
	uint64_t slice = object->ready_bytes % FILE_PAGES_HUGE_BYTES;

	if (slice == 0)
		slice = least(object->ready_bytes, FILE_PAGES_HUGE_BYTES);
	object->ready_bytes -= slice;
	if (object->ready_bytes > 0 && backend->object_discard) {
		(void)backend->object_discard(object, object->ready_bytes,
					      slice);
		return;
	}
	list_remove(&object->link);
	backend->object_free(object);
}

/* ---- making --------------------------------------------------------------- */

static void finish_object(struct batch *batch)
{
	struct object *object = batch->object;

	(void)pthread_mutex_lock(&batch->lock);
	list_append(&batch->made, &object->link);
	(void)pthread_mutex_unlock(&batch->lock);
	batch->object = NULL;
}

/* Returns how many bytes have got their pages; 0: none as a huge one. */
static uint64_t populate_huge(struct batch *batch, uint64_t left)
{
	struct object *object = batch->object;
	uint64_t now = clock_ns();

	if (object->ready_bytes % FILE_PAGES_HUGE_BYTES != 0 ||
	    left < FILE_PAGES_HUGE_BYTES || now < batch->huge_from_ns)
		return 0;
	if (object->memory->backend->object_populate_huge(
		    object, object->ready_bytes) < 0) {
		batch->huge_from_ns = now + TRY_AGAIN_NS;
		return 0;
	}
	return FILE_PAGES_HUGE_BYTES;
}

/* The same for what is less than a huge page. */
static uint64_t populate_large(struct batch *batch, uint64_t left)
{
	struct object *object = batch->object;
	uint64_t now = clock_ns();

	if (object->ready_bytes % FILE_PAGES_HUGE_BYTES != 0 ||
	    left >= FILE_PAGES_HUGE_BYTES || left < BATCH_LARGE_BYTES ||
	    now < batch->large_from_ns)
		return 0;
	if (object->memory->backend->object_populate_large(
		    object, object->ready_bytes, left) < 0) {
		batch->large_from_ns = now + TRY_AGAIN_NS;
		return 0;
	}
	return left;
}

/* The same; 0: there are no pages to be had. */
static uint64_t populate_small(struct batch *batch, uint64_t left)
{
	struct object *object = batch->object;
	uint64_t slice = least(left, BATCH_SLICE_BYTES);

	return object->memory->backend->object_populate(
		       object, object->ready_bytes, slice) < 0
		       ? 0
		       : slice;
}

/* Pages that are not to be had are no harm: it goes without. */
static void populate_some(struct batch *batch)
{
	struct object *object = batch->object;
	uint64_t left = batch->size_bytes - object->ready_bytes;
	uint64_t done = populate_huge(batch, left);

	if (done == 0)
		done = populate_large(batch, left);
	if (done == 0)
		done = populate_small(batch, left);
	object->ready_bytes += done;
	if (done == 0 || done == left)
		finish_object(batch);
}

/* Whether one is to be made, which is then no longer among those. */
static bool begin_one(struct batch *batch)
{
	bool any;

	(void)pthread_mutex_lock(&batch->lock);
	any = batch->n > 0;
	batch->n -= any;
	(void)pthread_mutex_unlock(&batch->lock);
	return any;
}

/* Where it cannot be watched yet, the reaper tries again. */
static void watch(struct batch *batch)
{
	struct object *object = batch->object;
	int r;

	if (!batch->closings || !object->memory->backend->close_events)
		return;
	r = closings_watch(batch->closings, object->fd);
	if (r > 0)
		object->ready_watch = r;
}

static int make_one(struct batch *batch)
{
	struct error why = ERROR_INIT;
	int r = batch->memory->backend->object_prepare(
		batch->memory, batch->size_bytes, &batch->object, &why);

	if (r < 0)
		return r;
	watch(batch);
	if (batch->n_populated == 0) {
		finish_object(batch);
		return 0;
	}
	batch->n_populated--;
	populate_some(batch);
	return 0;
}

static int step(struct job *job)
{
	struct batch *batch = container_of(job, struct batch, job);
	struct object *doomed = list_first(&batch->doomed, struct object, link);
	int r = 0;

	if (batch->object)
		populate_some(batch);
	else if (begin_one(batch))
		r = make_one(batch);
	else if (doomed)
		free_some(doomed);
	else
		return 0;
	(void)sched_yield();
	return r < 0 ? r : 1;
}

/* ---- the main thread's ---------------------------------------------------- */

void batch_submit(struct batch *batch, struct worker *worker,
		  const struct batch_plan *plan, struct list *doomed)
{
	batch->n = plan ? plan->n : 0;
	if (plan) {
		batch->memory = plan->memory;
		batch->size_bytes = plan->size_bytes;
		batch->n_populated = plan->n_populated;
	}
	list_splice(&batch->doomed, doomed);
	worker_submit(worker, &batch->job, WORKER_IDLE);
}

void batch_set_left(struct batch *batch, size_t n)
{
	(void)pthread_mutex_lock(&batch->lock);
	batch->n = n;
	(void)pthread_mutex_unlock(&batch->lock);
}

void batch_take_made(struct batch *batch, struct list *made)
{
	(void)pthread_mutex_lock(&batch->lock);
	list_splice(made, &batch->made);
	(void)pthread_mutex_unlock(&batch->lock);
}

void batch_init(struct batch *batch)
{
	*batch = (struct batch){.job.step = step};
	list_init(&batch->doomed);
	list_init(&batch->made);
	(void)pthread_mutex_init(&batch->lock, NULL);
}

static void free_objects(struct list *objects)
{
	struct object *object;

	while ((object = list_first(objects, struct object, link))) {
		list_remove(&object->link);
		object->memory->backend->object_free(object);
	}
}

void batch_empty(struct batch *batch)
{
	if (batch->object)
		finish_object(batch);
	free_objects(&batch->made);
	free_objects(&batch->doomed);
}

void batch_deinit(struct batch *batch)
{
	batch_empty(batch);
	(void)pthread_mutex_destroy(&batch->lock);
}
