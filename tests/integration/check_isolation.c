/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"

/*
 * Millions of pages go round among several users, and nobody finds a byte of
 * another's (tests/board/guest/isolation.c, which the board runs on real
 * memory).  CONTIG_ISOLATION_PAGES makes it longer or shorter.
 */

static struct daemon process;

static void before(void)
{
	daemon_start_simulated(&process);
	ck_assert_int_eq(chmod(process.socket, 0666), 0);
}

/* All memory went back, and was zeroed. */
static int all_is_back(void *data)
{
	struct contig_status now;

	ck_assert_int_eq(contig_get_status(data, &now), 0);
	return now.free_bytes == now.total_bytes && now.dirty_bytes == 0;
}

static void after(void)
{
	struct contig *contig;

	ck_assert_int_eq(contig_open(&contig, process.socket), 0);
	daemon_wait(all_is_back, contig, 10000);
	(void)contig_close(contig);
	daemon_stop(&process);
}

static int exit_status(pid_t pid)
{
	int code;

	while (waitpid(pid, &code, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

static pid_t start(const char *pages, const char *user)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	(void)setenv("CONTIG_SOCKET", process.socket, 1);
	(void)execl("tests/board/guest/isolation", "isolation", "-p", pages,
		    user, "61002", "61003", "61004", (char *)NULL);
	_exit(127);
}

START_TEST(nobody_reads_anothers_bytes)
{
	const char *pages = getenv("CONTIG_ISOLATION_PAGES");

	ck_assert_int_eq(exit_status(start(pages ? pages : "3000000", "61001")),
			 0);
}
END_TEST

START_TEST(two_such_crowds_at_once)
{
	pid_t one = start("50000", "61001"), two = start("50000", "61005");

	ck_assert_int_eq(exit_status(one), 0);
	ck_assert_int_eq(exit_status(two), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("isolation");
	TCase *tcase = harness_case(suite, "isolation");

	if (geteuid() != 0)
		harness_skip("it takes root to be several users");
	tcase_set_timeout(tcase, 1200);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, nobody_reads_anothers_bytes);
	tcase_add_test(tcase, two_such_crowds_at_once);
	return harness_run(suite);
}
