/* SPDX-License-Identifier: MIT */
#include "daemon/scrubber.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/file_pages.h"

/*
 * One job a region, always about the oldest of its dirt.  A piece is small
 * enough that memory comes back steadily while gigabytes wait, at start-up for
 * example, and large enough that handing it to the thread and back costs
 * nothing beside zeroing it.  Within a piece the thread stops after each slice
 * to look for urgent work.
 *
 * An object that the run was lent as goes the same way where it has pages of
 * its own (a memfd): giving back 32 MiB of them takes the kernel 2 to 6 ms, in
 * which the loop would serve nobody.  They go by whole huge pages, of which to
 * take a part would mean to split one first.
 *
 * What is quick is done by the main thread: two switches of threads take longer
 * than zeroing a small run, and who waits for it waits for them as well.
 *
 * The thread touches nothing but the job and the memory that it is about; what
 * happened is entered into the region by the main thread when the job is done.
 */

struct scrub {
	struct list link; // scrubber::scrubs
	struct scrubber *scrubber;
	struct region *region;
	struct job job;
	bool busy;
	struct run run;		/* the piece under way */
	struct object *object;	/* that was lent for it; or NULL */
	uint64_t waiting_bytes; /* with the piece */
	/* of the run; the thread's while busy */
	uint64_t discarded_bytes;
	uint64_t done_bytes;
};

/* What cannot be discarded here goes when the object is freed. */
static void discard_some(struct scrub *scrub)
{
	const struct object *object = scrub->object;
	uint64_t offset =
		scrub->run.phys - object->run.phys + scrub->discarded_bytes;
	uint64_t left = scrub->run.size_bytes - scrub->discarded_bytes;
	uint64_t slice = FILE_PAGES_HUGE_BYTES - offset % FILE_PAGES_HUGE_BYTES;

	if (slice > left)
		slice = left;
	(void)object->memory->backend->object_discard(scrub->object, offset,
						      slice);
	scrub->discarded_bytes += slice;
}

static int zero_some(struct scrub *scrub)
{
	struct memory *memory = scrub->region->memory;
	const struct backend *backend = memory->backend;
	uint64_t slice = scrub->run.size_bytes - scrub->done_bytes;
	uint64_t most = backend->quick_zero_bytes;
	int r;

	if (most < SCRUB_SLICE_BYTES)
		most = SCRUB_SLICE_BYTES;
	if (slice > most)
		slice = most;
	r = backend->zero
		    ? backend->zero(memory, scrub->run.phys + scrub->done_bytes,
				    slice, scrub->waiting_bytes)
		    : 0;
	if (r < 0)
		return r;
	scrub->done_bytes += slice;
	return scrub->done_bytes < scrub->run.size_bytes;
}

static int scrub_step(struct job *job)
{
	struct scrub *scrub = container_of(job, struct scrub, job);

	if (!scrub->object || scrub->discarded_bytes == scrub->run.size_bytes)
		return zero_some(scrub);
	discard_some(scrub);
	return 1;
}

static void scrub_done(struct job *job, int result)
{
	struct scrub *scrub = container_of(job, struct scrub, job);
	struct scrubber *scrubber = scrub->scrubber;

	scrub->busy = false;
	region_cleaned(scrub->region, &scrub->run, result);
	scrubber_kick(scrubber, scrub->region, false);
	scrubber->fn(scrubber->data, scrub->region);
}

void scrubber_init(struct scrubber *scrubber, struct worker *worker,
		   scrubber_fn *fn, void *data)
{
	scrubber->worker = worker;
	list_init(&scrubber->scrubs);
	scrubber->fn = fn;
	scrubber->data = data;
}

void scrubber_deinit(struct scrubber *scrubber)
{
	struct scrub *scrub, *tmp;

	list_for_each_safe (scrub, tmp, &scrubber->scrubs, link) {
		scrub->region->scrub = NULL;
		list_remove(&scrub->link);
		free(scrub);
	}
}

int scrubber_add(struct scrubber *scrubber, struct region *region)
{
	struct scrub *scrub = calloc(1, sizeof(*scrub));

	if (!scrub)
		return -ENOMEM;
	scrub->scrubber = scrubber;
	scrub->region = region;
	scrub->job.step = scrub_step;
	scrub->job.done = scrub_done;
	list_append(&scrubber->scrubs, &scrub->link);
	region->scrub = scrub;
	return 0;
}

bool scrubber_clean_now(struct region *region)
{
	struct memory *memory = region->memory;
	uint64_t quick = memory->backend->quick_zero_bytes;
	struct run run;

	if (quick == 0 || region->scrub->busy ||
	    !dirt_peek(&region->dirt, UINT64_MAX, &run) ||
	    run.size_bytes > quick || dirt_peek_object(&region->dirt))
		return false;
	region_cleaned(region, &run,
		       memory->backend->zero(memory, run.phys, run.size_bytes,
					     region->dirt.bytes));
	return true;
}

void scrubber_kick(struct scrubber *scrubber, struct region *region, bool hurry)
{
	struct scrub *scrub = region->scrub;

	if (scrub->busy) {
		if (hurry)
			worker_hurry(scrubber->worker, &scrub->job);
		return;
	}
	if (!dirt_peek(&region->dirt, SCRUB_PIECE_BYTES, &scrub->run))
		return;
	scrub->object = dirt_peek_object(&region->dirt);
	scrub->waiting_bytes = region->dirt.bytes;
	scrub->busy = true;
	scrub->discarded_bytes = 0;
	scrub->done_bytes = 0;
	worker_submit(scrubber->worker, &scrub->job,
		      hurry ? WORKER_URGENT : WORKER_IDLE);
}
