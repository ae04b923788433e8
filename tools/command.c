/* SPDX-License-Identifier: MIT */
#include "tools/command.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "tools/column.h"
#include "tools/complain.h"
#include "tools/output.h"
#include "util/error.h"

/*
 * What every command does with its command line.  The options that all
 * commands share are rows like any other, appended to a command's own; so is
 * --help, which prints the rows.  Everything that can be wrong with a command
 * line is found here, before anybody is asked anything: a typing error never
 * costs an allocation.
 */

struct common {
	bool help;
	bool version;
	const char *output;
};

static size_t add_common(const struct command *command, struct option_row *rows,
			 size_t n, struct invocation *invocation,
			 struct common *common)
{
	const struct option_row json = {
		'J',	     "json",
		OPTION_FLAG, &invocation->json,
		NULL,	     "print JSON; sizes are bytes, numbers exact"};
	const struct option_row table[] = {
		{'b', "bytes", OPTION_FLAG, &invocation->bytes, NULL,
		 "print sizes in bytes"},
		{'n', "noheadings", OPTION_FLAG, &invocation->noheadings, NULL,
		 "print no headings"},
		{'o', "output", OPTION_TEXT, &common->output, "LIST",
		 "print these columns; +LIST: these too"},
		{'r', "raw", OPTION_FLAG, &invocation->raw, NULL,
		 "print columns without padding"},
	};
	const struct option_row socket = {'s',	       "socket",
					  OPTION_TEXT, &invocation->socket,
					  "PATH",      "where contigd listens"};
	const struct option_row rest[] = {
		{'h', "help", OPTION_FLAG, &common->help, NULL,
		 "print this help"},
		{'V', "version", OPTION_FLAG, &common->version, NULL,
		 "print the version"},
	};

	if (command->flags & COMMAND_JSON)
		rows[n++] = json;
	for (size_t i = 0; command->flags & COMMAND_TABLE && i < 4; i++)
		rows[n++] = table[i];
	if (!(command->flags & COMMAND_LOCAL))
		rows[n++] = socket;
	for (size_t i = 0; i < 2; i++)
		rows[n++] = rest[i];
	return n;
}

static void print_help(const struct command *command,
		       const struct options *options)
{
	printf("Usage:\n contigctl %s [options]%s%s\n\n%s.\n\nOptions:\n",
	       command->name, command->arguments[0] ? " " : "",
	       command->arguments, command->summary);
	options_help(options, stdout);
	if (command->columns) {
		printf("\nOutput columns:\n");
		column_help(command->columns, stdout);
	}
	printf("\nFor more details see contigctl(1).\n");
}

int command_usage(const struct invocation *invocation, const char *format, ...)
{
	struct error why;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why.text, sizeof(why.text), format, args);
	va_end(args);
	complain("%s: %s", invocation->command->name, why.text);
	(void)fprintf(stderr, "Try 'contigctl %s --help'.\n",
		      invocation->command->name);
	return STATUS_USAGE;
}

static bool select_columns(struct invocation *invocation, const char *list)
{
	struct error why = ERROR_INIT;
	int n;

	if (!invocation->command->columns)
		return true;
	n = column_select(invocation->command->columns, list,
			  invocation->columns, COMMAND_COLUMNS_MAX, &why);
	if (n < 0) {
		invocation->status =
			command_usage(invocation, "--output: %s", why.text);
		return false;
	}
	invocation->n_columns = (size_t)n;
	invocation->columns_given = list != NULL;
	return true;
}

bool command_parse(struct invocation *invocation, const struct option_row *own,
		   size_t n_own)
{
	struct option_row rows[OPTIONS_MAX];
	struct options options = {.rows = rows, .order = OPTIONS_ANYWHERE};
	struct common common = {false, false, NULL};
	struct error why = ERROR_INIT;
	int first;

	assert(n_own + 8 <= OPTIONS_MAX);
	if (n_own)
		memcpy(rows, own, n_own * sizeof(*rows));
	options.n_rows = add_common(invocation->command, rows, n_own,
				    invocation, &common);
	first = options_parse(&options, invocation->argc, invocation->argv,
			      &why);
	invocation->status = EXIT_SUCCESS;
	if (first < 0) {
		invocation->status = command_usage(invocation, "%s", why.text);
		return false;
	}
	if (common.help || common.version) {
		if (common.help)
			print_help(invocation->command, &options);
		else
			puts("contigctl " PACKAGE_VERSION);
		return false;
	}
	invocation->argc -= first;
	invocation->argv += first;
	return select_columns(invocation, common.output);
}

bool command_takes_arguments(struct invocation *invocation, int most)
{
	if (invocation->argc <= most)
		return true;
	invocation->status =
		command_usage(invocation, "there is no use for '%.64s'",
			      invocation->argv[most]);
	return false;
}

static int written(int result)
{
	if (result == 0)
		return EXIT_SUCCESS;
	complain("cannot write the output: %s", strerror(-result));
	return EXIT_FAILURE;
}

int command_print_list(const struct invocation *invocation, const char *name,
		       json_object *rows)
{
	const struct output_style style = {
		.bytes = invocation->bytes,
		.noheadings = invocation->noheadings,
		.raw = invocation->raw,
	};

	if (!invocation->json)
		return written(output_table(stdout, &style, invocation->columns,
					    invocation->n_columns, rows));
	return written(output_json_list(
		stdout, name, invocation->columns,
		invocation->columns_given ? invocation->n_columns : 0, rows));
}

int command_print_json(json_object *object)
{
	return written(object ? output_json(stdout, object) : -ENOMEM);
}
