/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_USABLE_H
#define DAEMON_USABLE_H

#include <stdint.h>

#include "daemon/credentials.h"
#include "daemon/region.h"

/*
 * A region as one client may use it: without what is reserved for others.  who
 * is NULL for somebody for whom nothing is reserved.
 */

/* Free bytes, clean and dirty. */
uint64_t usable_bytes(const struct region *region,
		      const struct credentials *who);
/* The longest run of them. */
uint64_t usable_longest_bytes(const struct region *region,
			      const struct credentials *who);
/* The longest run that there could ever be. */
uint64_t usable_longest_ever_bytes(const struct region *region,
				   const struct credentials *who);

#endif
