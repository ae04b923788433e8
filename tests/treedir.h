/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TREEDIR_H
#define TESTS_TREEDIR_H

#include <stddef.h>
#include <stdint.h>

/*
 * A temporary directory laid out as the kernel lays out its devicetree, for
 * tests that need nodes no devicetree compiler would write.  Every function
 * fails the test where it cannot do its work.
 */

#define TREEDIR_BYTES 256

/* Creates an empty directory; its path goes to dir. */
void treedir_new(char dir[TREEDIR_BYTES]);
/* Removes it with everything in it. */
void treedir_remove(const char *dir);

/* Paths are relative to dir. */
void treedir_node(const char *dir, const char *node);
void treedir_bytes(const char *dir, const char *property, const void *bytes,
		   size_t len);
void treedir_cells(const char *dir, const char *property,
		   const uint32_t *cells, size_t n_cells);
#define TREEDIR_CELLS(dir, property, ...)                                      \
	treedir_cells((dir), (property), (const uint32_t[]){__VA_ARGS__},      \
		      sizeof((const uint32_t[]){__VA_ARGS__}) /                \
			      sizeof(uint32_t))

/* Root and /reserved-memory, both with 2 cells, ranges and all. */
void treedir_reserved_memory(const char *dir);

#endif
