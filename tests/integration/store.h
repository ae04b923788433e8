/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_STORE_H
#define TESTS_INTEGRATION_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/list.h"

#define STORE_NAME_BYTES 256

/* One descriptor of a store. */
struct stored {
	struct list link; // store::items
	char name[STORE_NAME_BYTES];
	int fd;	   /* owned */
	bool poll; /* dropped when it hangs up */
};

/* A service manager's descriptor store. */
struct store {
	struct list items; // stored::link, the newest first
	size_t n;
	size_t limit;
	size_t refused; /* that came when it was full */
};

void store_init(struct store *store, size_t limit);

/* Keeps fd under a name, which need not be the only one of its kind.  An open
 * file that is there already, under whatever name, is not kept twice.  0, or
 * -EXFULL: the limit is reached; the descriptor is closed then. */
int store_add_consume(struct store *store, int fd, const char *name, bool poll);

/* Drops everything of that name; NULL: everything. */
void store_remove(struct store *store, const char *name);
/* Drops one. */
void store_drop(struct store *store, struct stored *item);

/* The newest one of that name, borrowed; -1: there is none. */
int store_find(const struct store *store, const char *name);

#endif
