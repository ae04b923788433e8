/* SPDX-License-Identifier: MIT */
#ifndef DEVICETREE_PLACEMENT_H
#define DEVICETREE_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devicetree/reserved.h"

/*
 * Where a dynamically placed node really is.  The devicetree does not say;
 * evidence does: the kernel log, /proc/iomem, debugfs.  Each source is a file
 * of its own, evidence_*.c, behind the same function type.  Sources that
 * disagree make a node unusable, with both answers in the reason.
 */

/* What the running system shows, gathered once; each part may be missing. */
struct evidence {
	char *kernel_log;    /* text of the kernel's ring buffer, or NULL */
	char *iomem;	     /* /proc/iomem, or NULL */
	char *memblock;	     /* debugfs memblock/reserved, or NULL */
	char *debugfs_cma;   /* directory of debugfs' cma, or NULL */
};

/* Reads what this process may read of the running machine; never fails but
 * for -ENOMEM. */
int evidence_read(struct evidence *evidence);
void evidence_deinit(struct evidence *evidence);

struct placement {
	bool known;
	uint64_t base;
	char *reason; /* which evidence, or why not known; owned */
};

/* Asks every source.  For a node with reg this is not needed. 0 or -ENOMEM. */
int placement_find(struct placement *placement,
		   const struct reserved_node *node,
		   const struct evidence *evidence);
void placement_deinit(struct placement *placement);

/* Whether /proc/iomem shows any part of the range as System RAM:
 * 1 yes, 0 no, -ENODATA where it cannot be told (no addresses readable). */
int evidence_is_system_ram(const struct evidence *evidence, uint64_t base,
			   uint64_t size_bytes);

#endif
