/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DEED_H
#define DAEMON_DEED_H

#include <stddef.h>

#include "daemon/parcel.h"
#include "daemon/tract.h"
#include "util/error.h"

/*
 * What a tract is, in writing: a sealed record with its description and the
 * words of its parcel.
 */

/* A descriptor, or a negative errno. */
int deed_write(const struct tract *tract, const struct parcel *parcel,
	       struct error *why);

/* Makes a tract that is not open, and fills in the parcel's words, which are
 * empty.  0; enum sealed_outcome; -ENOENT: it needs a backend that there is
 * not; or another negative errno. */
int deed_read(int fd_borrow, struct tract **tractp, struct parcel *parcel,
	      struct error *why);

/* As above of the bytes within the record, whatever they are. */
int deed_decode(const void *bytes, size_t length, struct tract **tractp,
		struct parcel *parcel, struct error *why);

#endif
