/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_HUGEPAGES_H
#define DAEMON_HUGEPAGES_H

#include <stdint.h>

#include "util/error.h"

/* The kernel's stock of huge pages of one size, in sysfs. */
struct hugepages {
	char directory[128];
	const char *compact_path;
	uint64_t page_bytes;
};

/* sysfs and compact_path replace /sys/kernel/mm/hugepages and
 * /proc/sys/vm/compact_memory where they are not NULL; compact_path is
 * borrowed.  -ENOENT: the kernel has no huge pages of this size, the text says
 * which it has. */
int hugepages_init(struct hugepages *hugepages, const char *sysfs,
		   const char *compact_path, uint64_t page_bytes,
		   struct error *why);

/* How many are free and promised to nobody.  0 or a negative errno. */
int hugepages_count_available(const struct hugepages *hugepages,
			      uint64_t *pagesp);

/* Sees to it that wanted pages are available, by asking the kernel for as many
 * as are missing, and once more after compacting memory.  *pagesp is set to
 * how many are available then, which may be fewer; *raisedp to how many were
 * added.  Returns 0, or a negative errno where the stock cannot be read or,
 * though pages are missing, not be changed. */
int hugepages_provide(const struct hugepages *hugepages, uint64_t wanted,
		      uint64_t *pagesp, uint64_t *raisedp, struct error *why);

/* Takes pages out of the stock again, as far as they are free. */
int hugepages_lower(const struct hugepages *hugepages, uint64_t pages);

/* The size the kernel prefers, in bytes; 0 where it has no huge pages. */
uint64_t hugepages_default_bytes(void);

#endif
