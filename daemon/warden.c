/* SPDX-License-Identifier: MIT */
#include "daemon/warden.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/dirt.h"

/*
 * Patrols on behalf of somebody who waits (a request for memory, an
 * administrator) are made for the purpose and run before anything idle.
 * Returning buffers share one patrol, which is made at the start, as memory
 * must come back when there is no memory: it takes as many as fit, and those
 * that return meanwhile wait for the next.
 *
 * A buffer on its way back has no owner any more and is in no registry: nobody
 * can ask for it, or pin it, under the patrol's hands.  Its run is announced as
 * dirt at once, so that a request which is short of memory waits for the look
 * at its guard as for its zeroing.  Buffers come out in the order in which they
 * came in.
 */

static void kick(struct warden *warden, bool hurry)
{
	struct buffer *buffer;

	if (warden->busy) {
		if (hurry)
			worker_hurry(warden->worker, &warden->returning->job);
		return;
	}
	while (!patrol_is_full(warden->returning) &&
	       (buffer = list_first(&warden->returned, struct buffer,
				    return_link))) {
		list_remove(&buffer->return_link);
		patrol_add(warden->returning, buffer);
	}
	if (warden->returning->n == 0)
		return;
	warden->busy = true;
	patrol_start(warden->returning, warden->worker,
		     hurry ? WORKER_URGENT : WORKER_IDLE);
}

static void on_returned(struct patrol *patrol, int result)
{
	struct warden *warden = patrol->data;
	struct buffer *buffers[PATROL_BUFFERS];
	size_t n = patrol->n;

	(void)result; /* a guard that cannot be read keeps no memory back */
	for (size_t i = 0; i < n; i++)
		buffers[i] = patrol->buffers[i];
	patrol_release(patrol);
	warden->busy = false;
	for (size_t i = 0; i < n; i++)
		warden->fn(warden->data, buffers[i]);
	kick(warden, false);
}

int warden_init(struct warden *warden, struct worker *worker,
		const struct registry *registry, warden_fn *fn, void *data)
{
	*warden = (struct warden){
		.worker = worker,
		.registry = registry,
		.returning = malloc(sizeof(struct patrol)),
		.fn = fn,
		.data = data,
	};
	list_init(&warden->patrols);
	list_init(&warden->returned);
	if (!warden->returning)
		return -ENOMEM;
	patrol_init(warden->returning, PATROL_CHECK, on_returned, warden);
	return 0;
}

static struct buffer *end(struct buffer *buffer)
{
	list_remove(&buffer->return_link);
	return buffer_free(buffer, BUFFER_USED);
}

/* In the order in which they came, as their memory is awaited in it. */
static void end_returned(struct warden *warden)
{
	struct patrol *patrol = warden->returning;
	struct buffer *buffer;

	for (size_t i = patrol->n; i > 0; i--)
		list_prepend(&warden->returned,
			     &patrol->buffers[i - 1]->return_link);
	patrol_release(patrol);
	while ((buffer = list_first(&warden->returned, struct buffer,
				    return_link)))
		(void)end(buffer);
}

void warden_deinit(struct warden *warden)
{
	struct patrol *patrol;

	while ((patrol = list_first(&warden->patrols, struct patrol, link)))
		(void)warden_patrol_free(patrol);
	if (warden->returning)
		end_returned(warden);
	free(warden->returning);
	warden->returning = NULL;
}

static struct patrol *new_patrol(struct warden *warden, enum patrol_task task,
				 patrol_fn *done, void *data)
{
	struct patrol *patrol = malloc(sizeof(*patrol));

	if (patrol) {
		patrol_init(patrol, task, done, data);
		list_append(&warden->patrols, &patrol->link);
	}
	return patrol;
}

struct patrol *warden_patrol_free(struct patrol *patrol)
{
	patrol_release(patrol);
	list_remove(&patrol->link);
	free(patrol);
	return NULL;
}

struct patrol *warden_fill(struct warden *warden, struct buffer *const *buffers,
			   size_t count, patrol_fn *done, void *data)
{
	struct patrol *patrol = new_patrol(warden, PATROL_FILL, done, data);

	if (!patrol)
		return NULL;
	for (size_t i = 0; i < count; i++)
		patrol_add(patrol, buffers[i]);
	patrol_start(patrol, warden->worker, WORKER_URGENT);
	return patrol;
}

struct patrol *warden_inspect(struct warden *warden, const struct region *region,
			      uint64_t after, patrol_fn *done, void *data)
{
	struct patrol *patrol = new_patrol(warden, PATROL_CHECK, done, data);
	struct buffer *buffer;

	if (!patrol)
		return NULL;
	while (!patrol_is_full(patrol) &&
	       (buffer = registry_next(warden->registry, after))) {
		after = buffer->id;
		if (buffer->guard_filled && (!region || buffer->region == region))
			patrol_add(patrol, buffer);
	}
	patrol_start(patrol, warden->worker, WORKER_URGENT);
	return patrol;
}

void warden_return(struct warden *warden, struct buffer *buffer,
		   uint64_t now_ms, bool hurry)
{
	buffer_orphan(buffer, now_ms);
	dirt_await(&buffer->region->dirt, buffer->stain);
	list_append(&warden->returned, &buffer->return_link);
	kick(warden, hurry);
}

void warden_hurry(struct warden *warden)
{
	kick(warden, true);
}
