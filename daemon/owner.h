/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_OWNER_H
#define DAEMON_OWNER_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/account.h"
#include "util/list.h"

/*
 * A connection as the buffers see it: they were lent to it, and it may end
 * before they do.  Embedded in a session.
 */
struct owner {
	struct list buffers; // buffer::owner_link
	size_t n_buffers;
	uint64_t bytes;
	struct account *account;   /* a reference */
	struct accounts *accounts; /* borrowed */
};

/* 0 or -ENOMEM. */
int owner_init(struct owner *owner, struct accounts *accounts, uint32_t uid);
/* All buffers must have been taken off before, by buffer_orphan(). */
void owner_deinit(struct owner *owner);

#endif
