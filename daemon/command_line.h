/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_COMMAND_LINE_H
#define DAEMON_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/configuration.h"
#include "util/error.h"
#include "util/log.h"

/* What contigd was called with.  Strings are borrowed from argv. */
struct command_line {
	bool help;
	bool version;
	bool prepare;
	const char *socket; /* NULL: not given, as all below */
	const char *config;
	const char *dtb;
	const char *tree;
	const char *user;
	const char *default_region;
	bool has_log_level;
	enum log_level log_level;
	bool nothing_ahead;
	bool allow_corrupting_kernel;
	struct command_line_region {
		bool is_pool; /* else simulated */
		const char *text;
	} * regions; /* owned; in the order given */
	size_t n_regions;
};

/* -EINVAL: an option is not known, misses its argument, or contradicts another
 * one; -ENOMEM. */
int command_line_parse(struct command_line *line, int argc, char **argv,
		       struct error *why);
void command_line_deinit(struct command_line *line);

/* Adds to the configuration what the command line says, which comes first.
 * -EINVAL, -ERANGE, -EEXIST: a region is described wrongly; -ENOMEM. */
int command_line_apply(const struct command_line *line,
		       struct configuration *config, struct error *why);

/* The text of --help. */
const char *command_line_help(void);

#endif
