/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_INHERITANCE_H
#define DAEMON_INHERITANCE_H

#include <stdbool.h>
#include <stddef.h>

/* A descriptor that was handed to the daemon at its start. */
struct inherited {
	char *name; /* never empty */
	int fd;
};

/*
 * All of them, by name, in the order in which they came.  A name may occur more
 * than once.  Whoever wants one takes it; the rest is closed in the end.
 */
struct inheritance {
	struct inherited *items; /* owned */
	size_t n;
	size_t room;
};

void inheritance_init(struct inheritance *inheritance);
/* Closes what nobody took. */
void inheritance_deinit(struct inheritance *inheritance);

/* Adds a descriptor, which it takes over only where it returns 0; else
 * -ENOMEM. */
int inheritance_add_consume(struct inheritance *inheritance, const char *name,
			    int fd);

bool inheritance_has(const struct inheritance *inheritance, const char *name);
/* The first descriptor of that name, borrowed; or -ENOENT. */
int inheritance_get(const struct inheritance *inheritance, const char *name);

/* The first descriptor of that name, from now on the caller's; or -ENOENT. */
int inheritance_take(struct inheritance *inheritance, const char *name);
/* The one at that place, below n; the later ones move up. */
int inheritance_take_at(struct inheritance *inheritance, size_t index);

#endif
