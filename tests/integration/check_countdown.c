/* SPDX-License-Identifier: MIT */
#include "tests/integration/countdown.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/supervisor.h"
#include "util/fd.h"

/*
 * Death at the chosen moment, died by this program itself when it is called
 * with --service: it stops, and once it goes on writes one byte after the
 * other.
 */

static struct supervisor supervisor;
static char program[PATH_MAX]; /* this one; its link would be valgrind's */
static struct countdown countdown;

static int serve(void)
{
	(void)raise(SIGSTOP);
	while (write(STDERR_FILENO, "x", 1) == 1)
		;
	return 1;
}

static const char *const arguments[] = {"--service", NULL};

static void before(void)
{
	const struct supervisor_spec spec = {
		.program = program,
		.arguments = arguments,
		.environment = countdown.preload.environment,
	};

	ck_assert_ptr_nonnull(realpath("/proc/self/exe", program));
	supervisor_init(&supervisor, &spec);
	countdown_init(&countdown, supervisor.directory);
}

static void after(void)
{
	countdown_deinit(&countdown);
	supervisor_deinit(&supervisor);
}

static void wait_stopped(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
	ck_assert_int_eq(info.si_code, CLD_STOPPED);
}

/* Bytes that it writes before it dies. */
static size_t die_at(int64_t moments, int64_t steps)
{
	char *text;
	size_t n;
	int fd;

	ck_assert(supervisor_launch(&supervisor));
	wait_stopped(supervisor_pid(&supervisor));
	countdown_set(&countdown, moments, steps);
	ck_assert_int_eq(kill(supervisor_pid(&supervisor), SIGCONT), 0);
	supervisor_wait_end(&supervisor);
	ck_assert_msg(WIFSIGNALED(supervisor.code) &&
			      WTERMSIG(supervisor.code) == SIGKILL,
		      "ended with 0x%x", (unsigned int)supervisor.code);
	ck_assert(!countdown_stop(&countdown));
	fd = fd_reopen(supervisor.log_fd, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lseek(fd, supervisor.log_start, SEEK_SET),
			 supervisor.log_start);
	ck_assert_int_eq(fd_read_all(fd, 1 << 20, &text, &n), 0);
	free(text);
	(void)fd_close(fd);
	return n;
}

START_TEST(before_and_after_each_call)
{
	for (int64_t n = 1; n <= 9; n++)
		ck_assert_uint_eq(die_at(n, 0), (size_t)n / 2);
}
END_TEST

START_TEST(moments_are_counted)
{
	uint64_t before = countdown_passed(&countdown);

	(void)die_at(100, 0);
	ck_assert_uint_ge(countdown_passed(&countdown) - before, 100);
}
END_TEST

#ifdef __x86_64__
START_TEST(steps_go_on_from_a_moment)
{
	size_t last = 0;

	ck_assert_uint_eq(die_at(1, 1), 0);
	ck_assert_uint_eq(die_at(2, 1), 1);
	for (int64_t steps = 1; last < 5; steps += steps / 8 + 1) {
		size_t n = die_at(1, steps);

		ck_assert_uint_ge(n, last);
		last = n;
	}
}
END_TEST
#endif

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tcase;

	if (argc > 1 && strcmp(argv[1], "--service") == 0)
		return serve();
	countdown_require();
	suite = suite_create("countdown");
	tcase = harness_case(suite, "countdown");
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, before_and_after_each_call);
	tcase_add_test(tcase, moments_are_counted);
#ifdef __x86_64__
	tcase_add_test(tcase, steps_go_on_from_a_moment);
#endif
	return harness_run(suite);
}
