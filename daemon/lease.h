/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LEASE_H
#define DAEMON_LEASE_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/*
 * A memfd whose holders the kernel counts, for memory that has no dma-buf.
 * What stands for it is one descriptor, owned by the caller and closed with
 * fd_close(); it must be neither duplicated nor mapped, both would be seen as
 * a holder or hide one.
 */

#define LEASE_NAME_BYTES 32 /* longest name with its NUL */

/* Makes size_bytes of zeroes, 1..2^63-1, sealed against every change of size.
 * name, which may be empty, is what tools show; the file is called "contig-TOKEN-NAME", TOKEN being
 * 16 hexadecimal digits that only holders of a descriptor can read back from
 * /proc/self/fd.  *tokenp is set to it and is never 0; tokenp may be NULL.
 * Returns the descriptor, or
 *	-EINVAL	size_bytes is 0 or the name too long
 *	-EFBIG	size_bytes does not fit a file
 *	-EMFILE, -ENFILE, -ENOMEM and what memfd_create(2) and open(2) give. */
int lease_create(const char *name, uint64_t size_bytes, uint64_t *tokenp,
		 struct error *why);

/* Whether the file's size can never change. */
bool lease_is_sealed(int fd_borrow);

/* An open file of its own for a client: the caller owns the descriptor and
 * closes it once it is sent.  Or a negative errno. */
int lease_lend(int fd_borrow);

/* 1 where anybody holds a descriptor of a lent file, a duplicate, or a mapping
 * of it, or one is on its way through a socket; 0 where nobody does; or a
 * negative errno: the evidence cannot be had. */
int lease_held(int fd_borrow);

/* Writes to the file, or reads from it, length bytes from offset on.  It is
 * never mapped: where the system has no page left for it, that is an error here
 * and would be SIGBUS there.  0 or a negative errno; -EIO: the file ends before
 * that. */
int lease_write(int fd_borrow, const void *bytes, size_t length,
		uint64_t offset);
int lease_read(int fd_borrow, void *bytes, size_t length, uint64_t offset);

#endif
