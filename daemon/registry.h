/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REGISTRY_H
#define DAEMON_REGISTRY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/buffer.h"
#include "util/rb.h"

RB_HEAD(buffer_ids, buffer);
RB_HEAD(buffer_inodes, buffer);

/* All buffers, to be found by id and by the inode of their descriptor. */
struct registry {
	struct buffer_ids ids;
	struct buffer_inodes inodes;
	size_t n_buffers;
	void (*changed)(void *data); /* a buffer came or went; may be NULL */
	void *changed_data;
};

void registry_init(struct registry *registry);

/* Buffers are borrowed and must be removed before they end. */
void registry_add(struct registry *registry, struct buffer *buffer);
void registry_remove(struct registry *registry, struct buffer *buffer);

/* NULL where there is none. */
struct buffer *registry_find(const struct registry *registry, uint64_t id);
struct buffer *registry_find_inode(const struct registry *registry,
				   dev_t device, ino_t inode);
/* The one with the smallest id larger than after. */
struct buffer *registry_next(const struct registry *registry, uint64_t after);

#endif
