/* SPDX-License-Identifier: MIT */
#include "daemon/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/broken.h"
#include "util/cleanup.h"

/*
 * A buffer exists from the moment its kernel object is made until the kernel
 * shows that nobody but the daemon holds that object; what clients say has no
 * part in it.  Their word only moves it from LENT to DRAINING, which is what
 * people want to see, and nothing else.
 *
 * A buffer is on its region's list for as long as it exists, on its owner's
 * until that connection ends, and charged to its owner's uid to the end: who
 * hands a buffer on and leaves pays for it.
 *
 * The guard behind it is taken from the region, but charged to nobody: it is
 * the operator's wish, and no client can use it.
 *
 * Everything that the end needs is made at the start (the stain), so that
 * memory can come back when there is no memory.
 */

static void charge(struct buffer *buffer, struct owner *owner)
{
	uint64_t bytes = buffer_bytes(buffer);

	buffer->owner = owner;
	buffer->accounts = owner->accounts;
	buffer->account = account_ref(owner->account);
	buffer->account->n_buffers++;
	buffer->account->bytes += bytes;
	owner->n_buffers++;
	owner->bytes += bytes;
	list_append(&owner->buffers, &buffer->owner_link);
	buffer->region->n_buffers++;
	buffer->region->lent_bytes += bytes;
	buffer->region->guarding_bytes += buffer->object->guard_bytes;
	list_append(&buffer->region->buffers, &buffer->region_link);
}

static void disown(struct buffer *buffer)
{
	if (!buffer->owner)
		return;
	buffer->owner->n_buffers--;
	buffer->owner->bytes -= buffer_bytes(buffer);
	list_remove(&buffer->owner_link);
	buffer->owner = NULL;
}

static void refund(struct buffer *buffer)
{
	uint64_t bytes = buffer_bytes(buffer);

	disown(buffer);
	buffer->account->n_buffers--;
	buffer->account->bytes -= bytes;
	if (buffer->state == BUFFER_DRAINING)
		buffer->account->draining_bytes -= bytes;
	buffer->account = account_unref(buffer->accounts, buffer->account);
	buffer->region->n_buffers--;
	buffer->region->guarding_bytes -= buffer->object->guard_bytes;
	if (buffer->state == BUFFER_LENT)
		buffer->region->lent_bytes -= bytes;
	else
		buffer->region->draining_bytes -= bytes;
	list_remove(&buffer->region_link);
}

int buffer_new_consume(struct buffer **bufferp, const struct buffer_spec *spec,
		       const struct run *run, struct error *why)
{
	struct memory *memory = spec->region->memory;
	const struct run lent = {
		.phys = run->phys,
		.size_bytes = run->size_bytes - memory->guard_bytes,
	};
	_cleanup_free_ struct buffer *buffer = calloc(1, sizeof(*buffer));
	_cleanup_free_ struct stain *stain = stain_new(run);
	int r;

	if (!buffer || !stain)
		return error_set(why, -ENOMEM, "the daemon is out of memory");
	r = memory->backend->object_new(memory, &lent, spec->name,
					&buffer->object, why);
	if (r < 0)
		return r;
	buffer->id = spec->id;
	buffer->state = BUFFER_LENT;
	buffer->region = spec->region;
	buffer->stain = TAKE_PTR(stain);
	(void)snprintf(buffer->name, sizeof(buffer->name), "%s", spec->name);
	list_init(&buffer->return_link);
	list_init(&buffer->region_link);
	list_init(&buffer->owner_link);
	list_init(&buffer->watch_link);
	list_init(&buffer->round_link);
	charge(buffer, spec->owner);
	*bufferp = TAKE_PTR(buffer);
	return 0;
}

/* Large objects are emptied by the worker, and stay until then. */
static void empty_object(struct buffer *buffer)
{
	const struct backend *backend = buffer->region->memory->backend;
	const struct run *whole = &buffer->stain->run;

	if (backend->object_discard && whole->size_bytes > BUFFER_DISCARD_BYTES) {
		buffer->stain->object = buffer->object;
		return;
	}
	if (backend->object_discard)
		(void)backend->object_discard(buffer->object, 0,
					      whole->size_bytes);
	backend->object_free(buffer->object);
}

struct buffer *buffer_free(struct buffer *buffer, enum buffer_end end)
{
	struct region *region = buffer->region;
	const struct backend *backend = region->memory->backend;

	if (buffer->pins > 0)
		broken("buffer %llu ends while it is copied",
		       (unsigned long long)buffer->id);
	refund(buffer);
	if (end != BUFFER_UNTOUCHED || buffer->guard_filled) {
		if (end == BUFFER_LEFT)
			backend->object_free(buffer->object);
		else
			empty_object(buffer);
		region_soil_consume(region, buffer->stain);
	} else {
		backend->object_free(buffer->object);
		region_give_back(region, &buffer->stain->run);
		free(buffer->stain);
	}
	free(buffer);
	return NULL;
}

void buffer_drain(struct buffer *buffer, uint64_t now_ms)
{
	if (buffer->state == BUFFER_DRAINING)
		return;
	buffer->state = BUFFER_DRAINING;
	buffer->account->drained_ms = now_ms;
	buffer->account->draining_bytes += buffer_bytes(buffer);
	buffer->region->drained_ms = now_ms;
	buffer->region->lent_bytes -= buffer_bytes(buffer);
	buffer->region->draining_bytes += buffer_bytes(buffer);
}

void buffer_orphan(struct buffer *buffer, uint64_t now_ms)
{
	disown(buffer);
	buffer_drain(buffer, now_ms);
}
