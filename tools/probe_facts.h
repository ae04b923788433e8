/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_PROBE_FACTS_H
#define TOOLS_PROBE_FACTS_H

#include <stdbool.h>

#include <json-c/json.h>

#include "devicetree/adoption.h"
#include "devicetree/reserved.h"
#include "tools/column.h"

/* What contigctl probe can show of a range, in tables. */
extern const struct column probe_columns[];
/* And of a memory reservation. */
extern const struct column probe_reservation_columns[];

/* Appends the facts on one range to array.  In a table lists are one text
 * each, and no-map, reusable and defaults are joined as "flags".
 * 0 or -ENOMEM. */
int probe_adoption_facts(json_object *array, const struct adoption *adoption,
			 bool table);

/* Appends {base, size}.  0 or -ENOMEM. */
int probe_range_facts(json_object *array, const struct reserved_range *range);

#endif
