/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_DAMAGES_H
#define TOOLS_DAMAGES_H

#include <json-c/json.h>

#include "contig.h"
#include "tools/column.h"

/* Appends the facts of a damaged guard to array.  0 or -ENOMEM. */
int damage_facts(json_object *array, const struct contig_damage *damage);

extern const struct column damage_columns[]; /* NULL name at the end */

#endif
