/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_GROW_H
#define TESTS_FUZZ_GROW_H

#include "devicetree/directory.h"
#include "tests/fuzz/input.h"

/*
 * Makes a small devicetree of an input and tells it to a writer, the root
 * first, every node ended.  Most inputs have a /reserved-memory that Linux
 * would read, with nodes in it.
 *
 * unread() is called for what no devicetree has, where the writer has it: then
 * path is a name in the node that is open, and error a number of kind, any.
 */
void grow_tree(struct input *input, const struct directory_writer *writer,
	       void *data);

/* A word that matters in such a tree: the names of nodes, or what stands in
 * their properties.  number may be any. */
const char *grow_node_name(uint8_t number);

#endif
