/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "util/error.h"

/* What an option's value is, and so what its target points at. */
enum option_kind {
	OPTION_FLAG,   /* bool; no value */
	OPTION_TEXT,   /* const char *, borrowed from the command line */
	OPTION_NUMBER, /* uint64_t, decimal or 0x hexadecimal */
	OPTION_SIZE,   /* uint64_t in bytes, as 64K or 1GiB */
};

/* One option.  A command's table lives beside the variables it fills. */
struct option_row {
	char letter; /* '\0': only the long form */
	const char *name;
	enum option_kind kind;
	void *target;
	const char *argument; /* the value's name in the help, or NULL */
	const char *help;
};

/* Most rows that a call takes. */
#define OPTIONS_MAX 32

enum options_order {
	OPTIONS_ANYWHERE, /* options and arguments mix; argv is reordered */
	OPTIONS_FIRST,	  /* the first argument ends the options */
};

/* All that a command understands. */
struct options {
	const struct option_row *rows;
	size_t n_rows;
	enum options_order order;
};

/*
 * Reads the options of argv[1..] into their targets.  Returns the index of the
 * first argument that is no option, or -EINVAL or -ERANGE with a sentence that
 * names the option.  An option given twice: the last one counts.
 */
int options_parse(const struct options *options, int argc, char **argv,
		  struct error *why);

/* Writes one line or more of help for each row. */
void options_help(const struct options *options, FILE *stream);

#endif
