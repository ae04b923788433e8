/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ACCOUNT_H
#define DAEMON_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "util/list.h"
#include "util/rb.h"

/*
 * What one uid uses, over all its connections.  Buffers hold their account
 * until the memory is really back, also when the owner has long gone.
 */
struct account {
	RB_ENTRY(account) node; // accounts::tree
	unsigned int references;
	uint32_t uid;
	size_t n_clients;
	size_t n_buffers;
	uint64_t bytes;
	uint64_t draining_bytes; /* of these */
	uint64_t drained_ms;	 /* when a buffer last began to drain */
	struct list turns;	 // turn::link: connections that wait
	struct list turn_link;	 // turns::accounts
};

RB_HEAD(account_tree, account);

struct accounts {
	struct account_tree tree;
};

void accounts_init(struct accounts *accounts);

/* The account of a uid, made where there is none yet; NULL: out of memory. */
struct account *account_get_ref(struct accounts *accounts, uint32_t uid);
struct account *account_ref(struct account *account);
/* Returns NULL. */
struct account *account_unref(struct accounts *accounts,
			      struct account *account);

/* NULL where the uid uses nothing. */
const struct account *account_find(struct accounts *accounts, uint32_t uid);

#endif
