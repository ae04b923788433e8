/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HOLDER_H
#define TESTS_HOLDER_H

#include <stddef.h>
#include <sys/types.h>

/*
 * All ways in which somebody can hold a buffer, for tests of the evidence:
 * after holder_take() exactly that one way holds it, after holder_drop() none.
 */
enum holder_kind {
	HOLDER_DESCRIPTOR,
	HOLDER_DUPLICATE, /* the first descriptor is closed */
	HOLDER_MAPPING,	  /* every descriptor is closed */
	HOLDER_READ_ONLY, /* opened anew for reading, by the holder */
	HOLDER_IN_FLIGHT, /* in a socket's queue, nowhere else */
	HOLDER_PROCESS,	  /* in a forked process that got it by inheritance */
	HOLDER_KINDS,
};

struct holder {
	enum holder_kind kind;
	int fd;
	void *mapping;
	size_t size;
	int sockets[2];
	pid_t child;
};

/* The descriptor fd_consume of a buffer of size bytes is held in this way. */
void holder_take(struct holder *holder, enum holder_kind kind, int fd_consume,
		 size_t size);
void holder_drop(struct holder *holder);

const char *holder_name(enum holder_kind kind);

#endif
