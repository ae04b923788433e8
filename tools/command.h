/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/column.h"
#include "tools/options.h"

struct invocation;

/* Which of the common options a command takes, besides --help, --version. */
#define COMMAND_JSON  (1u << 0) /* -J */
#define COMMAND_TABLE (1u << 1) /* -b, -n, -o, -r */
#define COMMAND_LOCAL (1u << 2) /* speaks to no daemon, so without -s */

/* A command of contigctl; adding one touches its own file and the table in
 * contigctl.c. */
struct command {
	const char *name;
	const char *arguments; /* after the options, for the help; or "" */
	const char *summary;   /* one line for contigctl --help */
	unsigned int flags;    /* COMMAND_JSON ... */
	const struct column *columns; /* COMMAND_TABLE: NULL name at the end */

	/* Does the work and returns the exit status. */
	int (*run)(struct invocation *invocation);
};

#define COMMAND_COLUMNS_MAX 32

/* One run of a command: what the command line says. */
struct invocation {
	const struct command *command;
	const char *socket; /* --socket, or NULL */
	bool json;
	bool bytes;
	bool noheadings;
	bool raw;

	/* The columns to print, in order: from -o or the defaults. */
	const struct column *columns[COMMAND_COLUMNS_MAX];
	size_t n_columns;
	bool columns_given; /* by -o: JSON is reduced to them too */

	/* Before command_parse(): the command and all that follows; after it:
	 * the arguments that are no options. */
	int argc;
	char **argv;

	int status; /* where command_parse() says that there is nothing to do */
};

/*
 * Reads the command's own options (rows) and the common ones.  Returns true
 * where the command shall go on; false where everything is done or refused
 * already (help, version, usage error): then return invocation->status.
 */
bool command_parse(struct invocation *invocation, const struct option_row *rows,
		   size_t n_rows);

/* Whether at most this many arguments are left.  Where not, complains of the
 * first one too many and sets status. */
bool command_takes_arguments(struct invocation *invocation, int most);

/* Complains about the command line and yields STATUS_USAGE. */
int command_usage(const struct invocation *invocation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints rows as the command line asks, as a table or {"name": rows}, and
 * flushes.  Returns the exit status, after a complaint where it failed. */
int command_print_list(const struct invocation *invocation, const char *name,
		       json_object *rows);

/* The same for any other object, with --json. */
int command_print_json(json_object *object);

extern const struct command command_alloc;
extern const struct command command_buffers;
extern const struct command command_check;
extern const struct command command_clients;
extern const struct command command_map;
extern const struct command command_probe;
extern const struct command command_regions;
extern const struct command command_status;

#endif
