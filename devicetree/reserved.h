/* SPDX-License-Identifier: MIT */
#ifndef DEVICETREE_RESERVED_H
#define DEVICETREE_RESERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devicetree/tree.h"
#include "util/cleanup.h"
#include "util/error.h"

/*
 * What a devicetree says of reserved memory: the children of /reserved-memory,
 * the memory reservations, and who uses what.  A broken node is kept with the
 * reason in words and never stops the others.
 */

struct reserved_range {
	uint64_t base;
	uint64_t size_bytes;
};

struct reserved_node {
	char *name; /* with unit address */
	char *path;
	char **compatible; /* strings */
	size_t n_compatible;
	char *status; /* "okay" where the tree has none */
	bool no_map;
	bool reusable;
	bool cma_default;	 /* linux,cma-default */
	bool dma_default;	 /* linux,dma-default */
	bool contiguous_default; /* linux,default-contiguous-region */

	struct reserved_range *reg; /* one for each entry; none: dynamic */
	size_t n_reg;

	bool has_size;
	uint64_t size_bytes; /* of a dynamic node */
	bool has_alignment;
	uint64_t alignment_bytes;
	struct reserved_range *alloc_ranges;
	size_t n_alloc_ranges;

	char **users; /* paths of the nodes whose memory-region points here */
	size_t n_users;

	char *broken; /* why the node cannot be understood; NULL: it can */
};

/* Where in the tree a range ends: the address of its last byte, for a range
 * may reach up to 2^64.  The size must not be 0. */
static inline uint64_t reserved_range_last(const struct reserved_range *range)
{
	return range->base + (range->size_bytes - 1);
}

/* Whether the range goes beyond 2^64. */
static inline bool reserved_range_overflows(const struct reserved_range *range)
{
	uint64_t last;

	return range->size_bytes > 0 &&
	       __builtin_add_overflow(range->base, range->size_bytes - 1, &last);
}

struct reserved {
	struct reserved_node *nodes; /* in order of the tree */
	size_t n_nodes;
	struct reserved_range *memreserve; /* also powerpc's reserved-ranges */
	size_t n_memreserve;

	char *doubt; /* why Linux pays no attention to any node; NULL: it does */
	char **complaints; /* what is wrong in the tree besides broken nodes */
	size_t n_complaints;
};

/* Reads all of it.  A tree without /reserved-memory gives zero nodes.
 * -ENOMEM; -EBADMSG: /reserved-memory itself cannot be understood: its
 * #address-cells or #size-cells is neither 1 nor 2. */
int reserved_read(struct reserved **reservedp, const struct tree *tree,
		  struct error *why);
struct reserved *reserved_free(struct reserved *reserved);
DEFINE_CLEANUP(struct reserved *, reserved_free)

bool reserved_node_is_compatible(const struct reserved_node *node,
				 const char *compatible);
/* "okay", "ok" or absent. */
bool reserved_node_is_enabled(const struct reserved_node *node);

#endif
