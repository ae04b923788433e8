/* SPDX-License-Identifier: MIT */
#include "daemon/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/kept.h"
#include "daemon/stock.h"
#include "proto/message.h"
#include "proto/text.h"
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
 * With a vault, it is recorded before its object is made, and its descriptor is
 * kept before anybody else can have one; see vault.c for what is left when the
 * daemon is killed in between.
 *
 * Where its object may be lent again, it waits for the next buffer of its run
 * (kept.c), which is claimed with the place that the descriptor has in the vault.
 *
 * Everything that the end needs is made at the start (the stain), so that
 * memory can come back when there is no memory.
 */

/* Takes over the reference to the account. */
static void charge(struct buffer *buffer, struct accounts *accounts,
		   struct account *account)
{
	uint64_t bytes = buffer_bytes(buffer);

	buffer->accounts = accounts;
	buffer->account = account;
	account->n_buffers++;
	account->bytes += bytes;
	buffer->region->n_buffers++;
	if (buffer->state == BUFFER_LENT) {
		buffer->region->lent_bytes += bytes;
	} else {
		account->draining_bytes += bytes;
		buffer->region->draining_bytes += bytes;
	}
	buffer->region->guarding_bytes += buffer->object->guard_bytes;
	list_append(&buffer->region->buffers, &buffer->region_link);
}

static void own(struct buffer *buffer, struct owner *owner)
{
	buffer->owner = owner;
	owner->n_buffers++;
	owner->bytes += buffer_bytes(buffer);
	list_append(&owner->buffers, &buffer->owner_link);
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

/* A buffer that is on no list, with what its end will need. */
static struct buffer *new_buffer(struct region *region, uint64_t id,
				 const char *name, const struct run *run)
{
	_cleanup_free_ struct buffer *buffer = malloc(sizeof(*buffer));
	struct stain *stain = stain_new(run);

	if (!buffer || !stain) {
		free(stain);
		return NULL;
	}
	*buffer = (struct buffer){
		.id = id,
		.state = BUFFER_LENT,
		.region = region,
		.stain = stain,
	};
	text_put(buffer->name, sizeof(buffer->name), name);
	list_init(&buffer->return_link);
	list_init(&buffer->region_link);
	list_init(&buffer->owner_link);
	list_init(&buffer->watch_link);
	list_init(&buffer->round_link);
	return TAKE_PTR(buffer);
}

static void free_new(struct buffer *buffer)
{
	buffer->entry = vault_erase(buffer->entry);
	if (buffer->object)
		buffer->object->memory->backend->object_free(buffer->object);
	free(buffer->stain);
	free(buffer);
}

static int claim(struct buffer *buffer, const struct buffer_spec *spec,
		 const struct run *run, struct error *why)
{
	const struct memory *memory = spec->region->memory;
	const struct ledger_claim claim = {
		.id = spec->id,
		.run = *run,
		.guard_bytes = memory->guard_bytes,
		.owner_uid = spec->owner->account->uid,
		.flags = memory->guarantees & CONTIG_MSG_PHYS_KNOWN
				 ? 0
				 : LEDGER_MADE_UP,
		.region = spec->region->name,
		.backend = memory->backend->name,
		.name = buffer->name,
	};
	int r = buffer->entry ? vault_claim_again(buffer->entry, &claim)
			      : vault_claim(spec->region->vault, &claim,
					    &buffer->entry);

	return r < 0 ? error_set(why, r, "no room to record the buffer: %s",
				 strerror(-r))
		     : 0;
}

/* The object that an earlier buffer had, with its entry, where one was kept. */
static void reuse_object(struct buffer *buffer, const struct buffer_spec *spec,
			 const struct run *lent)
{
	struct memory *memory = spec->region->memory;
	struct object *object;

	if (!spec->region->kept)
		return;
	object = kept_take(spec->region->kept, memory, lent,
			   spec->owner->account->uid, &buffer->entry);
	if (!object || memory->backend->object_renew(object, buffer->name) == 0) {
		buffer->object = object;
		return;
	}
	buffer->entry = vault_erase(buffer->entry);
	memory->backend->object_free(object);
}

static int make_object(struct buffer *buffer, const struct run *lent,
		       struct error *why)
{
	struct region *region = buffer->region;
	struct memory *memory = region->memory;

	if (buffer->object)
		return 0;
	if (region->stock)
		buffer->object =
			stock_take(region->stock, region, lent->size_bytes);
	if (!buffer->object)
		return memory->backend->object_new(memory, lent, buffer->name,
						   &buffer->object, why);
	buffer->object->run = *lent;
	return 0;
}

int buffer_new_consume(struct buffer **bufferp, const struct buffer_spec *spec,
		       const struct run *run, struct error *why)
{
	struct memory *memory = spec->region->memory;
	const struct run lent = {
		.phys = run->phys,
		.size_bytes = run->size_bytes - memory->guard_bytes,
	};
	struct buffer *buffer =
		new_buffer(spec->region, spec->id, spec->name, run);
	int r;

	if (!buffer)
		return error_set(why, -ENOMEM, "the daemon is out of memory");
	reuse_object(buffer, spec, &lent);
	r = claim(buffer, spec, run, why);
	if (r == 0)
		r = make_object(buffer, &lent, why);
	if (r < 0) {
		free_new(buffer);
		return r;
	}
	charge(buffer, spec->owner->accounts, account_ref(spec->owner->account));
	own(buffer, spec->owner);
	*bufferp = buffer;
	return 0;
}

int buffer_keep(struct buffer *const *buffers, size_t n, struct error *why)
{
	struct vault_entry *entries[SHELF_BATCH];
	struct object *objects[SHELF_BATCH];
	int fds[SHELF_BATCH];
	size_t n_new = 0;
	int r = 0;

	if (n == 0 || !buffers[0]->entry)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (vault_has_kept(buffers[i]->entry))
			continue;
		entries[n_new] = buffers[i]->entry;
		objects[n_new] = buffers[i]->object;
		fds[n_new++] = buffers[i]->object->fd;
	}
	if (n_new > 0)
		r = vault_keep(entries, fds, n_new);
	if (r < 0)
		return error_set(why, r,
				 "its descriptor cannot be kept for a restart: "
				 "%s",
				 strerror(-r));
	for (size_t i = 0; i < n_new; i++)
		objects[i]->references++;
	for (size_t i = 0; i < n; i++) {
		const struct object *object = buffers[i]->object;

		vault_lend(buffers[i]->entry,
			   &(struct ledger_object){.token = object->token,
						   .device = object->device,
						   .inode = object->inode});
	}
	return 0;
}

int buffer_restore(struct buffer **bufferp, const struct buffer_past *past)
{
	struct object *object = past->object;
	const struct run run = {
		.phys = object->run.phys,
		.size_bytes = object->run.size_bytes + object->guard_bytes,
	};
	struct account *account =
		account_get_ref(past->accounts, past->owner_uid);
	struct buffer *buffer =
		new_buffer(past->region, past->id, past->name, &run);

	if (!account || !buffer) {
		(void)account_unref(past->accounts, account);
		if (buffer)
			free_new(buffer);
		return -ENOMEM;
	}
	buffer->state = past->state;
	buffer->guard_filled = past->guard_filled;
	buffer->entry = past->entry;
	buffer->object = object;
	charge(buffer, past->accounts, account);
	*bufferp = buffer;
	return 0;
}

/* Large objects are emptied by the worker, and stay until then. */
static void empty_object(struct buffer *buffer)
{
	const struct backend *backend = buffer->region->memory->backend;
	const struct run *whole = buffer_whole(buffer);

	if (backend->object_discard && whole->size_bytes > BUFFER_DISCARD_BYTES) {
		buffer->stain->object = buffer->object;
		return;
	}
	if (backend->object_discard && buffer->region->stock &&
	    stock_leave_consume(buffer->region->stock, buffer->object,
				whole->size_bytes))
		return;
	if (backend->object_discard)
		(void)backend->object_discard(buffer->object, 0,
					      whole->size_bytes);
	backend->object_free(buffer->object);
}

/* Whether the object waits for the next buffer of its run. */
static bool keep_object(struct buffer *buffer)
{
	struct kept *kept = buffer->region->kept;

	if (!kept || !kept_leave_consume(kept, buffer->object, buffer->entry,
					 buffer_owner_uid(buffer)))
		return false;
	buffer->entry = NULL;
	return true;
}

static void end_object(struct buffer *buffer, enum buffer_end end)
{
	if (end == BUFFER_LEFT)
		buffer->region->memory->backend->object_free(buffer->object);
	else
		empty_object(buffer);
}

struct buffer *buffer_free(struct buffer *buffer, enum buffer_end end)
{
	struct region *region = buffer->region;
	const struct backend *backend = region->memory->backend;
	bool is_kept = false;

	if (buffer->pins > 0)
		broken("buffer %llu ends while it is copied",
		       (unsigned long long)buffer->id);
	if (end == BUFFER_USED)
		is_kept = keep_object(buffer);
	if (end != BUFFER_LEFT)
		buffer->entry = vault_erase(buffer->entry);
	refund(buffer);
	if (end != BUFFER_UNTOUCHED || buffer->guard_filled) {
		if (!is_kept)
			end_object(buffer, end);
		region_soil_consume(region, buffer->stain);
	} else {
		backend->object_free(buffer->object);
		region_give_back(region, buffer_whole(buffer));
		free(buffer->stain);
	}
	free(buffer);
	return NULL;
}

void buffer_note_guard(struct buffer *buffer)
{
	buffer->guard_filled = true;
	vault_note_guard(buffer->entry);
}

void buffer_drain(struct buffer *buffer, uint64_t now_ms)
{
	if (buffer->state == BUFFER_DRAINING)
		return;
	buffer->state = BUFFER_DRAINING;
	vault_drain(buffer->entry);
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
