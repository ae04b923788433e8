/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_GUARD_H
#define DAEMON_GUARD_H

#include <stdint.h>

#include "daemon/backend.h"

/*
 * The guard behind an object: bytes that nobody may write, filled with a
 * pattern before the object is lent, and compared with it later.
 */

#define GUARD_SLICE_BYTES 65536 /* whole pages of any usual size */

/* What was found; all 0: nothing is wrong. */
struct guard_damage {
	uint64_t first_bytes; /* from the guard's start to the first byte that
				 differs */
	uint64_t bytes;	      /* that differ */
};

/* One pass over a guard.  All but object is 0 at the start. */
struct guard_pass {
	struct object *object;
	uint64_t done_bytes;
	struct guard_damage damage;
};

/* [worker] The next slice of a pass that fills, or of one that compares.  1:
 * there is more to do; 0: done; or what the backend could not do. */
int guard_fill(struct guard_pass *pass);
int guard_check(struct guard_pass *pass);

#endif
