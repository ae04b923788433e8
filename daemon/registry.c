/* SPDX-License-Identifier: MIT */
#include "daemon/registry.h"

#include "util/broken.h"

/*
 * Two balanced trees through the buffers themselves: adding one never fails,
 * finding one takes time with the logarithm of their number, and lists can be
 * read in pages by id, with buffers coming and going between two pages.
 */

static int by_id(const struct buffer *a, const struct buffer *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

static int by_inode(const struct buffer *a, const struct buffer *b)
{
	const struct object *x = a->object, *y = b->object;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

RB_GENERATE_PRIVATE(buffer_ids, buffer, by_id, by_id)
RB_GENERATE_PRIVATE(buffer_inodes, buffer, by_inode, by_inode)

void registry_init(struct registry *registry)
{
	RB_INIT(&registry->ids);
	RB_INIT(&registry->inodes);
	registry->n_buffers = 0;
	registry->changed = NULL;
	registry->changed_data = NULL;
}

static void tell(struct registry *registry)
{
	if (registry->changed)
		registry->changed(registry->changed_data);
}

void registry_add(struct registry *registry, struct buffer *buffer)
{
	if (RB_INSERT(buffer_ids, &registry->ids, buffer) ||
	    RB_INSERT(buffer_inodes, &registry->inodes, buffer))
		broken("two buffers are one: id %llu",
		       (unsigned long long)buffer->id);
	registry->n_buffers++;
	tell(registry);
}

void registry_remove(struct registry *registry, struct buffer *buffer)
{
	(void)RB_REMOVE(buffer_ids, &registry->ids, buffer);
	(void)RB_REMOVE(buffer_inodes, &registry->inodes, buffer);
	registry->n_buffers--;
	tell(registry);
}

/* The tree macros want a head that is not const, though they only read it. */
static struct buffer_ids *ids(const struct registry *registry)
{
	return (struct buffer_ids *)&registry->ids;
}

struct buffer *registry_find(const struct registry *registry, uint64_t id)
{
	struct buffer key = {.id = id};

	return RB_FIND(buffer_ids, ids(registry), &key);
}

struct buffer *registry_find_inode(const struct registry *registry,
				   dev_t device, ino_t inode)
{
	struct object object = {.device = device, .inode = inode};
	struct buffer key = {.object = &object};

	return RB_FIND(buffer_inodes, (struct buffer_inodes *)&registry->inodes,
		       &key);
}

struct buffer *registry_next(const struct registry *registry, uint64_t after)
{
	struct buffer key = {.id = after + 1};

	if (after == UINT64_MAX)
		return NULL;
	return RB_NFIND(buffer_ids, ids(registry), &key);
}
