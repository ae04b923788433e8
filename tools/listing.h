/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_LISTING_H
#define TOOLS_LISTING_H

#include <json-c/json.h>

#include "contig.h"
#include "tools/command.h"

/* Appends the facts of everything there is of one kind to rows.  Returns 0 or a
 * negative errno. */
typedef int listing_fn(struct contig *contig, json_object *rows);

/* A command that takes no arguments and prints a list under its own name:
 * connects, collects and prints.  Returns the command's exit status. */
int listing_run(struct invocation *invocation, const char *name,
		listing_fn *collect);

#endif
