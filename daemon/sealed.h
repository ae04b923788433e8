/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SEALED_H
#define DAEMON_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* A record that one process writes and others read: a sealed memfd. */

/* What a record is about, and of which version its form is. */
struct sealed_kind {
	const char *name;   /* for messages */
	uint32_t number;    /* unique */
	uint32_t version;   /* raised where an older reader would go wrong */
	size_t limit_bytes; /* what is longer is none */
};

enum sealed_outcome {
	SEALED_E_DAMAGED = 1, /* no writer ever leaves it like this */
	SEALED_E_NEWER = 2,   /* made by a later version of the daemon */
};

/* Makes a record of length bytes.  A descriptor, or a negative errno. */
int sealed_write(const struct sealed_kind *kind, const void *bytes,
		 size_t length, struct error *why);

/* Reads a whole record into memory that the caller frees: 0; enum
 * sealed_outcome, with the reason in *why; or a negative errno. */
int sealed_read(const struct sealed_kind *kind, int fd_borrow, char **bytesp,
		size_t *lengthp, struct error *why);

#endif
