/* SPDX-License-Identifier: MIT */
#ifndef DEVICETREE_DIRECTORY_H
#define DEVICETREE_DIRECTORY_H

#include <stddef.h>

#include "util/error.h"

/*
 * Walks a devicetree that is laid out as directories, the way the kernel shows
 * it in /sys/firmware/devicetree/base: a directory is a node, a file is a
 * property.  What is found is told to a writer, properties of a node before its
 * children, names in version order.
 */

/* Directories within directories; the kernel's own limit for a tree is 64. */
#define DIRECTORY_MAX_DEPTH 64

/* More than this is no devicetree, in one property or altogether. */
#define DIRECTORY_MAX_BYTES (64u << 20)

/* Each returns 0 or a negative errno, which ends the walk. */
struct directory_writer {
	int (*begin_node)(void *data, const char *name); /* "" for the root */
	int (*property)(void *data, const char *name, const void *bytes,
			size_t len);
	int (*end_node)(void *data);
	/* A property that could not be read; the walk goes on without it. */
	int (*unread)(void *data, const char *path, int error);
};

/* As open(2); -ENOTDIR; -EBADMSG: it does not look like a devicetree, or holds
 * what no devicetree has; -ELOOP: nested too deep; -ENOMEM; or what the writer
 * returned. */
int directory_walk(const char *path, const struct directory_writer *writer,
		   void *data, struct error *why);

#endif
