/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_BUFFERS_H
#define TOOLS_BUFFERS_H

#include <json-c/json.h>

#include "contig.h"
#include "tools/column.h"

/* What is told of a buffer, wherever buffers are listed. */
extern const struct column buffer_columns[];

/* Appends the facts of a buffer to array.  0 or -ENOMEM. */
int buffer_facts(json_object *array, const struct contig_buffer_info *buffer);

#endif
