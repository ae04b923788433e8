/* SPDX-License-Identifier: MIT */
#ifndef DEVICETREE_TREE_H
#define DEVICETREE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/error.h"

/*
 * A devicetree in memory, always as a checked blob: a directory of the live
 * tree is flattened first, so that everything goes through one parser.  The
 * only file of the project that includes libfdt is tree.c.
 */

struct tree;

/* Where the kernel shows the running machine's tree. */
#define TREE_LIVE "/sys/firmware/devicetree/base"

/* A blob from a file.  -ENOENT ... as open(2); -EFBIG: larger than 64 MiB;
 * -EBADMSG: no devicetree, truncated, or its structure is broken. */
int tree_load_blob(struct tree **treep, const char *path, struct error *why);

/* A blob in memory, which is copied.  Errors as above. */
int tree_load_memory(struct tree **treep, const void *blob, size_t len,
		     struct error *why);

/* A directory such as TREE_LIVE. -ENOENT ... as open(2); -ENOTDIR;
 * -EBADMSG: it does not look like a devicetree; -ELOOP: nested too deep. */
int tree_load_directory(struct tree **treep, const char *path,
			struct error *why);

struct tree *tree_free(struct tree *tree);
DEFINE_CLEANUP(struct tree *, tree_free)

/* Nodes are numbers in order of the tree; 0 is the root.  Each of these gives
 * -ENOENT where there is none. */
int tree_find(const struct tree *tree, const char *path);
int tree_first_child(const struct tree *tree, int node);
int tree_next_sibling(const struct tree *tree, int node);
/* Walks every node of the tree in order; start with node 0. */
int tree_next(const struct tree *tree, int node);

/* The name with its unit address; borrowed, "" for the root. */
const char *tree_name(const struct tree *tree, int node);
/* The path from the root, in a new string that the caller frees, or NULL. */
char *tree_path(const struct tree *tree, int node);

/* The bytes of a property, borrowed; NULL where it is absent. */
const void *tree_property(const struct tree *tree, int node, const char *name,
			  size_t *lenp);

/* How many properties of a directory could not be read; *firstp gets words on
 * the first, borrowed, or NULL where there is none. */
size_t tree_unread_count(const struct tree *tree, const char **firstp);

/* Memory reservations of the blob.  A directory has none; for TREE_LIVE they
 * are taken from the blob the machine was started with, where it is readable. */
size_t tree_memreserve_count(const struct tree *tree);
int tree_memreserve(const struct tree *tree, size_t index, uint64_t *basep,
		    uint64_t *sizep);

#endif
