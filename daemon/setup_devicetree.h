/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SETUP_DEVICETREE_H
#define DAEMON_SETUP_DEVICETREE_H

#include "daemon/setup.h"
#include "util/error.h"

/* Which devicetree to read; both NULL: the running machine's own. */
struct setup_tree {
	const char *dtb;  /* a blob */
	const char *tree; /* a directory */
};

/* Takes down every range that the devicetree permits to lend, and logs of every
 * range what became of it.  A machine without devicetree has none.
 * A negative errno: a tree that was asked for by name cannot be read. */
int setup_devicetree(struct setup *setup, const struct setup_tree *which,
		     struct error *why);

#endif
