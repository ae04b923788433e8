/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "tools/command.h"
#include "tools/complain.h"
#include "tools/options.h"
#include "util/error.h"

/*
 * contigctl(1): looks at contigd and at the memory that a machine has for it.
 * This file knows the names of the commands; each command is a file of its
 * own and sees only what stands behind its name on the command line.
 *
 * Exit status: 0 done, 1 understood but failed, 2 not understood.
 */

static const struct command *const commands[] = {
	&command_status,  &command_regions, &command_buffers,
	&command_clients, &command_map,	    &command_check,
	&command_alloc,	  &command_probe,   NULL,
};

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_help(const struct options *options, FILE *stream)
{
	(void)fprintf(stream, "Usage:\n contigctl [options] COMMAND ...\n\n"
			      "Looks at contigd, which lends contiguous "
			      "memory, and borrows from it.\n\nCommands:\n");
	for (size_t i = 0; commands[i]; i++)
		(void)fprintf(stream, " %-8s  %s\n", commands[i]->name,
			      commands[i]->summary);
	(void)fprintf(stream, "\nOptions:\n");
	options_help(options, stream);
	(void)fprintf(stream, "\n'contigctl COMMAND --help' tells the options "
			      "of a command.\nFor more details see "
			      "contigctl(1).\n");
}

static int run(struct invocation *invocation, int argc, char **argv)
{
	bool help = false, version = false;
	const struct option_row rows[] = {
		{'s', "socket", OPTION_TEXT, &invocation->socket, "PATH",
		 "where contigd listens"},
		{'h', "help", OPTION_FLAG, &help, NULL, "print this help"},
		{'V', "version", OPTION_FLAG, &version, NULL,
		 "print the version"},
	};
	const struct options options = {
		.rows = rows,
		.n_rows = sizeof(rows) / sizeof(*rows),
		.order = OPTIONS_FIRST,
	};
	struct error why = ERROR_INIT;
	int first = options_parse(&options, argc, argv, &why);

	if (first < 0) {
		complain("%s (see contigctl --help)", why.text);
		return STATUS_USAGE;
	}
	if (help || version) {
		if (help)
			print_help(&options, stdout);
		else
			puts("contigctl " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (first == argc) {
		print_help(&options, stderr);
		return STATUS_USAGE;
	}
	invocation->command = command_find(argv[first]);
	if (!invocation->command) {
		complain("there is no command '%.64s' (see contigctl --help)",
			 argv[first]);
		return STATUS_USAGE;
	}
	invocation->argc = argc - first;
	invocation->argv = argv + first;
	return invocation->command->run(invocation);
}

/* What a command prints may wait in a buffer until here: a full disk must not
 * pass for success.  A command that noticed has complained already. */
static int finish(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (status != EXIT_SUCCESS)
		return status;
	complain("cannot write the output: %s", strerror(errno ? errno : EIO));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct invocation invocation = {.command = NULL};

	(void)setlocale(LC_ALL, "");
	return finish(run(&invocation, argc, argv));
}
