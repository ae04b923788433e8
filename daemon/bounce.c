/* SPDX-License-Identifier: MIT */
#include "daemon/bounce.h"

#include <stdlib.h>

/*
 * Memory that cannot be handed to a client is shown to it through a buffer of
 * its own, and the bytes move when the client says that it begins or ends to
 * look at them.  A frame of a camera takes milliseconds over uncached memory,
 * so the worker does it, in slices, before any background zeroing.
 *
 * The buffer is pinned for as long: the client may be gone long before the copy
 * is done, and the run must not be given to somebody else in the middle of it.
 */

static int bounce_step(struct job *job)
{
	struct bounce *bounce = container_of(job, struct bounce, job);
	struct object *object = bounce->buffer->object;
	const struct backend *backend = object->memory->backend;
	uint64_t slice = bounce->length_bytes;
	int r;

	if (slice > BOUNCE_SLICE_BYTES)
		slice = BOUNCE_SLICE_BYTES;
	if (bounce->direction == BOUNCE_TO_CLIENT)
		r = backend->copy_to_client(object, bounce->offset_bytes, slice);
	else
		r = backend->copy_from_client(object, bounce->offset_bytes,
					      slice);
	if (r < 0)
		return r;
	bounce->offset_bytes += slice;
	bounce->length_bytes -= slice;
	return bounce->length_bytes > 0;
}

static void bounce_done(struct job *job, int result)
{
	struct bounce *bounce = container_of(job, struct bounce, job);

	bounce->buffer->pins--;
	bounce->done(bounce, result);
}

struct bounce *bounce_start(struct worker *worker, struct buffer *buffer,
			    const struct bounce *what)
{
	struct bounce *bounce = calloc(1, sizeof(*bounce));

	if (!bounce)
		return NULL;
	list_init(&bounce->link);
	bounce->job.step = bounce_step;
	bounce->job.done = bounce_done;
	bounce->buffer = buffer;
	bounce->direction = what->direction;
	bounce->offset_bytes = what->offset_bytes;
	bounce->length_bytes = what->length_bytes;
	bounce->done = what->done;
	bounce->data = what->data;
	buffer->pins++;
	worker_submit(worker, &bounce->job, WORKER_URGENT);
	return bounce;
}

struct bounce *bounce_free(struct bounce *bounce)
{
	if (bounce) {
		list_remove(&bounce->link);
		free(bounce);
	}
	return NULL;
}
