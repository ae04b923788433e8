/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <json-c/json.h>

#include "tools/column.h"

struct output_style {
	bool bytes; /* sizes exact */
	bool noheadings;
	bool raw; /* one blank between columns, no padding */
};

/* The functions below return 0, -ENOMEM, or another negative errno where
 * stream cannot be written, and flush it: who reads along sees it at once. */

/* Prints an array of objects of facts as a table. */
int output_table(FILE *stream, const struct output_style *style,
		 const struct column *const *columns, size_t n_columns,
		 json_object *rows);

/* Prints any JSON value, over several lines. */
int output_json(FILE *stream, json_object *value);

/* A new array of the rows, with the keys of columns only unless n_columns is 0:
 * then it is the same one.  NULL: out of memory. */
json_object *output_reduce(const struct column *const *columns,
			   size_t n_columns, json_object *rows);

/* Prints {"name": rows}, reduced like that. */
int output_json_list(FILE *stream, const char *name,
		     const struct column *const *columns, size_t n_columns,
		     json_object *rows);

#endif
