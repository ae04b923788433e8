/* SPDX-License-Identifier: MIT */
#ifndef DEVICETREE_REFERENCES_H
#define DEVICETREE_REFERENCES_H

#include "devicetree/reserved.h"
#include "devicetree/words.h"
#include "devicetree/tree.h"

/*
 * Who points at reserved memory: every node with a memory-region property.
 * Fills in the users of reserved->nodes; numbers are those nodes' numbers in
 * the tree, ascending.  Nodes that refer to each other in a circle become
 * broken; phandles that lead nowhere or are not unique become complaints.
 * 0 or -ENOMEM.
 */
int references_read(struct reserved *reserved, const struct tree *tree,
		    const int *numbers, struct words *complaints);

#endif
