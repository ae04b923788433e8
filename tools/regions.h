/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_REGIONS_H
#define TOOLS_REGIONS_H

#include <json-c/json.h>

#include "contig.h"

/* Appends the facts of a region to array.  0 or -ENOMEM. */
int region_facts(json_object *array, const struct contig_region_info *region);

#endif
