/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_COLUMN_H
#define TOOLS_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <json-c/json.h>

#include "util/error.h"

/* How a fact is written in a table. */
enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_SIZE,	   /* bytes, as 64M */
	COLUMN_ADDRESS,	   /* hexadecimal */
	COLUMN_BASE,	   /* hexadecimal, in parentheses where made up */
	COLUMN_FLAG,	   /* yes or no */
	COLUMN_USER,	   /* a uid, by name where it has one */
	COLUMN_GROUP,	   /* a gid, by name where it has one */
	COLUMN_DURATION,   /* milliseconds, as 3m12s */
	COLUMN_GUARANTEES, /* names of the flags that are set */
};

/* A column of a table: the view of one fact. */
struct column {
	const char *name; /* the heading, as -o takes it */
	const char *key;  /* of the fact; NULL: made from several */
	enum column_kind kind;
	bool shown; /* unless -o says otherwise */
	const char *help;
};

/*
 * Which columns to print: where list is NULL those of all (NULL name at the
 * end) that are shown by default; else those of the comma-separated list, in
 * its order, after the default ones where it starts with '+'.  selected has
 * room for max.  Returns their number, or -EINVAL.
 */
int column_select(const struct column *all, const char *list,
		  const struct column **selected, size_t max, struct error *why);

bool column_is_right_aligned(const struct column *column);

/* Writes what the column shows of an object of facts as a new string, which
 * the caller frees; "-" where the fact is null.  bytes: sizes exact.
 * NULL: out of memory. */
char *column_text(const struct column *column, json_object *facts, bool bytes);

/* Writes a line for each column. */
void column_help(const struct column *all, FILE *stream);

#endif
