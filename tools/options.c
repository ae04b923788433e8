/* SPDX-License-Identifier: MIT */
#include "tools/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "util/parse.h"

/*
 * Options as tables.  getopt_long(3) finds the options, because people expect
 * all of its forms (-ovalue, --name=value, abbreviations, "--"); a row says
 * what a value must look like and where it goes, and is printed as help.  Its
 * own messages are switched off: they name the program file and nothing of the
 * reason.
 *
 * Options are known to getopt_long by the number of their row plus ROW_BASE,
 * which no letter reaches, so that one path serves both forms.
 */

#define ROW_BASE 0x1000

struct getopt_tables {
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
};

static void tables_fill(struct getopt_tables *tables,
			const struct options *options)
{
	char *p = tables->letters;

	memset(tables, 0, sizeof(*tables));
	if (options->order == OPTIONS_FIRST)
		*p++ = '+';
	*p++ = ':'; /* tell a missing value from an unknown option */
	for (size_t i = 0; i < options->n_rows; i++) {
		const struct option_row *row = &options->rows[i];
		bool value = row->kind != OPTION_FLAG;

		tables->longs[i].name = row->name;
		tables->longs[i].has_arg =
			value ? required_argument : no_argument;
		tables->longs[i].val = ROW_BASE + (int)i;
		if (!row->letter)
			continue;
		*p++ = row->letter;
		if (value)
			*p++ = ':';
	}
}

static const struct option_row *row_find(const struct options *options, int c)
{
	if (c >= ROW_BASE)
		return &options->rows[c - ROW_BASE];
	for (size_t i = 0; i < options->n_rows; i++)
		if (c && options->rows[i].letter == c)
			return &options->rows[i];
	return NULL;
}

static int row_set(const struct option_row *row, const char *value,
		   struct error *why)
{
	int r = 0;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)row->target = true;
		break;
	case OPTION_TEXT:
		*(const char **)row->target = value;
		break;
	case OPTION_NUMBER:
		r = parse_u64(value, row->target, why);
		break;
	case OPTION_SIZE:
		r = parse_size(value, row->target, why);
		break;
	}
	return r < 0 ? error_prefix(why, r, "--%s", row->name) : 0;
}

/* getopt_long() answered '?': an option that nobody knows, an abbreviation of
 * several, or a value for an option that takes none. */
static int unknown(const struct options *options, char **argv,
		   struct error *why)
{
	const struct option_row *row = row_find(options, optopt);

	if (row)
		return error_set(why, -EINVAL, "--%s takes no value", row->name);
	if (optopt)
		return error_set(why, -EINVAL, "there is no option -%c", optopt);
	return error_set(why, -EINVAL, "there is no option %.64s, or several",
			 argv[optind - 1]);
}

int options_parse(const struct options *options, int argc, char **argv,
		  struct error *why)
{
	struct getopt_tables tables;
	int c, r;

	assert(options->n_rows <= OPTIONS_MAX);
	tables_fill(&tables, options);
	opterr = 0;
	optind = 0; /* GNU: start anew, with another table */
	while ((c = getopt_long(argc, argv, tables.letters, tables.longs,
				NULL)) != -1) {
		if (c == '?')
			return unknown(options, argv, why);
		if (c == ':')
			return error_set(why, -EINVAL, "--%s needs a value",
					 row_find(options, optopt)->name);
		r = row_set(row_find(options, c), optarg, why);
		if (r < 0)
			return r;
	}
	return optind;
}

/* Further lines of a help text stand under its first one. */
static void print_help_text(const char *text, int indent, FILE *stream)
{
	const char *end;

	while ((end = strchr(text, '\n'))) {
		(void)fprintf(stream, "%.*s\n%*s", (int)(end - text), text,
			      indent, "");
		text = end + 1;
	}
	(void)fprintf(stream, "%s\n", text);
}

void options_help(const struct options *options, FILE *stream)
{
	const struct option_row *rows = options->rows;
	int widest = 0;

	for (size_t i = 0; i < options->n_rows; i++) {
		int width = snprintf(NULL, 0, "%s %s", rows[i].name,
				     rows[i].argument ? rows[i].argument : "");

		if (width > widest)
			widest = width;
	}
	for (size_t i = 0; i < options->n_rows; i++) {
		char form[64];

		(void)snprintf(form, sizeof(form), "%s %s", rows[i].name,
			       rows[i].argument ? rows[i].argument : "");
		if (rows[i].letter)
			(void)fprintf(stream, " -%c, ", rows[i].letter);
		else
			(void)fprintf(stream, "     ");
		(void)fprintf(stream, "--%-*s  ", widest, form);
		print_help_text(rows[i].help, 5 + 2 + widest + 2, stream);
	}
}
