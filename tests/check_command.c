/* SPDX-License-Identifier: MIT */
#include "tools/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tools/complain.h"
#include "util/cleanup.h"

/*
 * A command of our own and its command lines.  What is printed goes to a
 * memfd, which stands in for standard output and standard error.
 */

static const struct column columns[] = {
	{"NAME", "name", COLUMN_TEXT, true, "a name"},
	{"SIZE", "size", COLUMN_SIZE, false, "a size"},
	{NULL, NULL, COLUMN_TEXT, false, NULL},
};

static int no_run(struct invocation *invocation)
{
	(void)invocation;
	return EXIT_SUCCESS;
}

static const struct command table = {
	"list",	 "[THING]", "List things", COMMAND_JSON | COMMAND_TABLE,
	columns, no_run,
};

static const struct command local = {
	"look", "", "Look around", COMMAND_LOCAL, NULL, no_run,
};

static bool flag;
static const struct option_row rows[] = {
	{'f', "flag", OPTION_FLAG, &flag, NULL, "a flag"},
};

static char *line[8];
static char printed[4096];

static int redirected(int fd, FILE *stream)
{
	int saved = dup(fd), memfd = memfd_create("printed", MFD_CLOEXEC);

	(void)fflush(stream);
	ck_assert_int_ge(saved, 0);
	ck_assert_int_ge(dup2(memfd, fd), 0);
	fd_close(memfd);
	return saved;
}

static void restored(int fd, FILE *stream, int saved)
{
	size_t used = strlen(printed);
	ssize_t n;

	(void)fflush(stream);
	n = pread(fd, printed + used, sizeof(printed) - 1 - used, 0);
	ck_assert_int_ge(n, 0);
	printed[used + (size_t)n] = '\0';
	ck_assert_int_ge(dup2(saved, fd), 0);
	fd_close(saved);
}

/* Parses with standard output and standard error going to printed. */
static bool parse(struct invocation *invocation, const struct command *command,
		  const char *const *words)
{
	int out, err;
	bool r;

	memset(invocation, 0, sizeof(*invocation));
	invocation->command = command;
	invocation->argv = line;
	for (int i = 0; words[i]; i++) {
		ck_assert_int_lt(i, 7);
		line[i] = (char *)words[i];
		line[i + 1] = NULL;
		invocation->argc = i + 1;
	}
	printed[0] = '\0';
	flag = false;
	out = redirected(STDOUT_FILENO, stdout);
	err = redirected(STDERR_FILENO, stderr);
	r = command_parse(invocation, rows, 1);
	restored(STDOUT_FILENO, stdout, out);
	restored(STDERR_FILENO, stderr, err);
	return r;
}

#define PARSE(invocation, command, ...) \
	parse(invocation, command,      \
	      (const char *const[]){(command)->name, __VA_ARGS__, NULL})

START_TEST(options_of_all_commands)
{
	struct invocation invocation;

	ck_assert(PARSE(&invocation, &table, "-bnrJf", "-s", "/path", "thing",
			"more"));
	ck_assert(invocation.bytes);
	ck_assert(invocation.noheadings);
	ck_assert(invocation.raw);
	ck_assert(invocation.json);
	ck_assert(flag);
	ck_assert_str_eq(invocation.socket, "/path");
	ck_assert_int_eq(invocation.argc, 2);
	ck_assert_str_eq(invocation.argv[0], "thing");
	ck_assert_str_eq(invocation.argv[1], "more");
	ck_assert_ptr_null(invocation.argv[2]);
	ck_assert_str_eq(printed, "");
}
END_TEST

START_TEST(options_that_a_command_has_not)
{
	static const char *const others[] = {"-J", "-b", "-n", "-r", "-s"};
	struct invocation invocation;

	ck_assert(PARSE(&invocation, &local, "-f"));
	for (int i = 0; i < 5; i++) {
		char expected[128];

		ck_assert(!PARSE(&invocation, &local, others[i]));
		ck_assert_int_eq(invocation.status, STATUS_USAGE);
		(void)snprintf(expected, sizeof(expected),
			       "contigctl: look: there is no option %s\n"
			       "Try 'contigctl look --help'.\n",
			       others[i]);
		ck_assert_str_eq(printed, expected);
	}
}
END_TEST

START_TEST(columns_are_selected)
{
	struct invocation invocation;

	ck_assert(PARSE(&invocation, &table, "x"));
	ck_assert_uint_eq(invocation.n_columns, 1);
	ck_assert(!invocation.columns_given);
	ck_assert(PARSE(&invocation, &table, "-o+size"));
	ck_assert_uint_eq(invocation.n_columns, 2);
	ck_assert_ptr_eq(invocation.columns[1], &columns[1]);
	ck_assert(invocation.columns_given);
	ck_assert(!PARSE(&invocation, &table, "-o", "weight"));
	ck_assert_int_eq(invocation.status, STATUS_USAGE);
	ck_assert_str_eq(printed,
			 "contigctl: list: --output: there is no column "
			 "'weight'; there are NAME, SIZE\n"
			 "Try 'contigctl list --help'.\n");
}
END_TEST

START_TEST(help)
{
	struct invocation invocation;

	ck_assert(!PARSE(&invocation, &local, "--help"));
	ck_assert_int_eq(invocation.status, EXIT_SUCCESS);
	ck_assert_str_eq(printed, "Usage:\n contigctl look [options]\n\n"
				  "Look around.\n\nOptions:\n"
				  " -f, --flag      a flag\n"
				  " -h, --help      print this help\n"
				  " -V, --version   print the version\n\n"
				  "For more details see contigctl(1).\n");
	ck_assert(!PARSE(&invocation, &table, "-h"));
	ck_assert_ptr_nonnull(strstr(printed, " list [options] [THING]\n"));
	ck_assert_ptr_nonnull(strstr(printed, "\nOutput columns:\n  NAME  a "));
}
END_TEST

START_TEST(arguments_too_many)
{
	struct invocation invocation;

	ck_assert(PARSE(&invocation, &table, "one", "two"));
	ck_assert(command_takes_arguments(&invocation, 2));
	ck_assert(!command_takes_arguments(&invocation, 1));
	ck_assert_int_eq(invocation.status, STATUS_USAGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command");
	TCase *tcase = harness_case(suite, "command");

	tcase_add_test(tcase, options_of_all_commands);
	tcase_add_test(tcase, options_that_a_command_has_not);
	tcase_add_test(tcase, columns_are_selected);
	tcase_add_test(tcase, help);
	tcase_add_test(tcase, arguments_too_many);
	return harness_run(suite);
}
