/* SPDX-License-Identifier: MIT */
#include "tests/harness.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"

/*
 * What a test program comes to in which tests skip.  Such a program is this one
 * itself, called with the names of its tests.
 */

static char program[PATH_MAX]; /* this one; its link would be valgrind's */

START_TEST(passes)
{
	ck_assert(true);
}
END_TEST

START_TEST(fails)
{
	ck_assert(false);
}
END_TEST

START_TEST(skips)
{
	harness_skip("there is no reason");
}
END_TEST

static int run_inner(const char *tests)
{
	Suite *suite = suite_create("inner");
	TCase *tcase = harness_case(suite, "inner");

	for (; *tests; tests++) {
		if (*tests == 'p')
			tcase_add_test(tcase, passes);
		else if (*tests == 'f')
			tcase_add_test(tcase, fails);
		else if (*tests == 's')
			tcase_add_test(tcase, skips);
		else
			harness_skip("there is no need");
	}
	return harness_run(suite);
}

/* Its exit status, and what it writes. */
static int run(const char *tests, char *output, size_t room)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)dup2(fds[1], STDERR_FILENO);
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)fd_close(fds[0]);
		(void)fd_close(fds[1]);
		(void)unsetenv("CK_FORK");
		(void)execl(program, program, tests, NULL);
		_exit(126);
	}
	(void)fd_close(fds[1]);
	memset(output, 0, room);
	while ((n = read(fds[0], output, room - 1)) > 0) {
		output += n;
		room -= (size_t)n;
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	(void)fd_close(fds[0]);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct {
	const char *tests;
	int status;
	const char *last; /* what it says at the end; NULL: of no skipping */
} programs[] = {
	{"p", 0, NULL},
	{"pf", 1, NULL},
	{"s", 77, "skipped: there is no reason\n"},
	{"psp", 77, "skipped: there is no reason\n"},
	{"fs", 1, NULL},
	{"sf", 1, NULL},
	{"px", 77, "skipped: there is no need\n"},
};

START_TEST(skipping_comes_between_passing_and_failing)
{
	const char *last = programs[_i].last;
	char output[4096];
	size_t length;

	ck_assert_int_eq(run(programs[_i].tests, output, sizeof(output)),
			 programs[_i].status);
	length = strlen(output);
	if (!last)
		ck_assert_ptr_null(strstr(output, "skipped: "));
	else
		ck_assert_msg(length >= strlen(last) &&
				      strcmp(output + length - strlen(last),
					     last) == 0,
			      "%s", output);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tcase;

	if (argc > 1)
		return run_inner(argv[1]);
	if (!realpath("/proc/self/exe", program))
		abort();
	suite = suite_create("harness");
	tcase = harness_case(suite, "harness");
	tcase_add_loop_test(tcase, skipping_comes_between_passing_and_failing, 0,
			    sizeof(programs) / sizeof(*programs));
	return harness_run(suite);
}
