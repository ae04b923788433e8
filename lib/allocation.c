/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buffer.h"
#include "lib/call.h"
#include "lib/failure.h"
#include "lib/request.h"
#include "util/cleanup.h"

/*
 * Allocating.  The buffer objects are made before the daemon is asked, so the
 * answer only has to be filled in, and no buffer can get lost between its
 * arrival and the caller because of a failing malloc().
 *
 * One message asks for at most CONTIG_MSG_MAX_BUFFERS.  More than that is
 * several messages, and all-or-nothing is then this side's promise: what the
 * first ones brought goes back when a later one is refused.
 */

/* The part that waiting and started allocations share. */
struct allocation {
	struct call call;
	struct contig_buffer **buffers; /* call.count of them, to be filled */
};

static int fill_buffers(struct call *call, const union message *reply,
			struct channel_fds *fds)
{
	struct allocation *allocation =
		container_of(call, struct allocation, call);

	for (uint32_t i = 0; i < call->count; i++) {
		struct contig_msg_buffer facts;

		memcpy(&facts, reply->bytes + form_reply_bytes(call->form, i),
		       sizeof(facts));
		buffer_fill(allocation->buffers[i], &facts,
			    TAKE_FD(fds->fds[i]));
	}
	return 0;
}

static int make_buffers(struct contig *contig, struct contig_buffer **buffers,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = buffer_new(contig, &buffers[i]);

		if (r < 0) {
			while (i--)
				buffers[i] = buffer_free(buffers[i]);
			return r;
		}
	}
	return 0;
}

/* One message: count buffers, at most as many as one carries. */
static int allocate_chunk(struct contig *contig, struct contig_msg_alloc *alloc,
			  struct contig_buffer **buffers,
			  struct contig_failure *failure)
{
	struct allocation allocation = {
		.call = {.count = alloc->count,
			 .failure = failure,
			 .accept = fill_buffers},
		.buffers = buffers,
	};
	int r = make_buffers(contig, buffers, alloc->count);

	if (r < 0)
		return failure_set(failure, r, "out of memory");
	call_init(&allocation.call, CONTIG_MSG_ALLOC, &alloc->header);
	r = call_run(contig, &allocation.call, &alloc->header);
	if (r < 0)
		for (uint32_t i = 0; i < alloc->count; i++)
			buffers[i] = buffer_free(buffers[i]);
	return r;
}

/* Fills made, an array of count; leaves nothing in it where it fails. */
static int allocate_all(struct contig *contig,
			const struct contig_request *request, size_t count,
			struct contig_buffer **made,
			struct contig_failure *failure)
{
	size_t done = 0;
	int r = 0;

	while (!r && done < count) {
		struct contig_msg_alloc alloc;
		size_t chunk = count - done;

		if (chunk > CONTIG_MSG_MAX_BUFFERS)
			chunk = CONTIG_MSG_MAX_BUFFERS;
		r = request_encode(request, chunk, &alloc, failure);
		if (!r)
			r = allocate_chunk(contig, &alloc, made + done, failure);
		if (!r)
			done += chunk;
	}
	while (r && done--)
		contig_release(made[done]);
	return r;
}

int contig_alloc_many(struct contig *contig,
		      const struct contig_request *request, size_t count,
		      struct contig_buffer **buffers,
		      struct contig_failure *failure)
{
	_cleanup_free_ struct contig_buffer **made = NULL;
	int r;

	if (!count)
		return failure_set(failure, -EINVAL, "no buffers are asked for");
	made = calloc(count, sizeof(*made));
	if (!made)
		return failure_set(failure, -ENOMEM, "out of memory");
	r = allocate_all(contig, request, count, made, failure);
	if (!r)
		memcpy(buffers, made, count * sizeof(*made));
	return r;
}

int contig_alloc(struct contig *contig, const struct contig_request *request,
		 struct contig_buffer **bufferp, struct contig_failure *failure)
{
	struct contig_buffer *made;
	int r = allocate_all(contig, request, 1, &made, failure);

	if (!r)
		*bufferp = made;
	return r;
}

/* ---- without waiting ---------------------------------------------------- */

struct started {
	struct allocation allocation;
	struct contig *contig; /* not referenced: buffers are */
	struct contig_failure failure;
	contig_alloc_fn *callback;
	void *data;
	struct contig_buffer *buffers[];
};

static struct started *started_of(struct call *call)
{
	return container_of(call, struct started, allocation.call);
}

static void started_done(struct call *call)
{
	struct contig *contig = started_of(call)->contig;

	list_append(&contig->finished, &call->link);
	connection_notify(contig);
}

static void free_buffers(struct started *started)
{
	for (uint32_t i = 0; i < started->allocation.call.count; i++)
		buffer_free(started->buffers[i]);
}

static void started_settle(struct call *call, bool tell)
{
	struct started *started = started_of(call);

	if (call->result < 0 || !tell)
		free_buffers(started);
	if (tell && call->result < 0)
		started->callback(started->data, call->result, NULL, 0,
				  &started->failure);
	else if (tell)
		started->callback(started->data, 0, started->buffers,
				  call->count, NULL);
	free(started);
}

static struct started *started_new(struct contig *contig, uint32_t count)
{
	struct started *started =
		calloc(1, sizeof(*started) + count * sizeof(void *));

	if (!started)
		return NULL;
	if (make_buffers(contig, started->buffers, count) < 0) {
		free(started);
		return NULL;
	}
	started->contig = contig;
	started->allocation.buffers = started->buffers;
	started->allocation.call = (struct call){
		.count = count,
		.failure = &started->failure,
		.accept = fill_buffers,
		.done = started_done,
		.settle = started_settle,
	};
	return started;
}

int contig_alloc_start(struct contig *contig,
		       const struct contig_request *request, size_t count,
		       contig_alloc_fn *callback, void *data)
{
	struct contig_msg_alloc alloc;
	struct started *started;
	struct call *call;
	int r = request_encode(request, count, &alloc, NULL);

	if (r < 0)
		return r;
	started = started_new(contig, alloc.count);
	if (!started)
		return -ENOMEM;
	started->callback = callback;
	started->data = data;
	call = &started->allocation.call;
	call_init(call, CONTIG_MSG_ALLOC, &alloc.header);
	pthread_mutex_lock(&contig->lock);
	r = call_send(contig, call, &alloc.header);
	pthread_mutex_unlock(&contig->lock);
	if (r < 0)
		started_settle(call, false);
	return r;
}
