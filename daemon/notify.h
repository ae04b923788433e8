/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

/*
 * Messages to the service manager, in the protocol of sd_notify(3).
 */

/* The longest message, with its NUL. */
#define NOTIFY_BYTES 512

/* Tells the manager something: lines of VARIABLE=value without a last newline,
 * and a descriptor, of which it gets a copy, unless fd_borrow is -1.  Waits
 * while the manager has more to read than it takes.
 *	0
 *	-ENOENT		there is no manager, or its socket is gone
 *	-ECONNREFUSED	nobody reads from its socket
 *	-EAFNOSUPPORT	$NOTIFY_SOCKET is no Unix socket's address
 *	-ENAMETOOLONG	it is longer than one can be
 *	-EMSGSIZE	the text exceeds NOTIFY_BYTES
 *	or another negative errno. */
int notify_send(int fd_borrow, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Waits until the manager has gone past all that it was told before.
 * As notify_send(), and -ETIMEDOUT: not within limit_ms. */
int notify_barrier(uint64_t limit_ms);

#endif
