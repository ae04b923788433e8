/* SPDX-License-Identifier: MIT */
#include "tests/integration/supervisor.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

/*
 * Whether the stand-in for the service manager does what systemd does, asked by
 * a service that uses libsystemd: this program itself, when it is called with
 * --service and a role.
 */

#define LIMIT 4

static struct supervisor supervisor;
static char program[PATH_MAX]; /* this one; its link would be valgrind's */

/* ---- the service ---------------------------------------------------------- */

static void require(bool truth)
{
	if (!truth)
		_exit(99);
}

static void give(const char *state, int fd)
{
	require(sd_pid_notify_with_fds(0, 0, state, &fd, 1) > 0);
}

static int memfd(const char *text)
{
	int fd = memfd_create("given", MFD_CLOEXEC);

	require(fd >= 0 &&
		write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

/* Says what it was started with. */
static void report(void)
{
	const char *limit = getenv("FDSTORE");
	char **names = NULL;
	char text[256] = "";
	int n = sd_listen_fds_with_names(0, &names);

	require(n > 0);
	for (int i = 0; i < n; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       "%s ", names[i]);
	require(sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, NULL,
				  0) > 0);
	require(getenv("RUNTIME_DIRECTORY") != NULL);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	require(sd_notifyf(0, "READY=1\nSTATUS=%slimit %s", text,
			   limit ? limit : "none") > 0);
}

/* Fills the store, with all that a service can get wrong. */
static void give_all(void)
{
	int a = memfd("a"), b = memfd("b"), pair[2];

	require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	give("FDSTORE=1\nFDNAME=a\nFDPOLL=0", a);
	give("FDSTORE=1\nFDNAME=b\nFDPOLL=0", b);
	give("FDSTORE=1\nFDNAME=a-again\nFDPOLL=0", a);
	give("FDSTORE=1\nFDNAME=polled", pair[0]);
	give("FDSTORE=1\nFDNAME=with:colon\nFDPOLL=0", memfd("c"));
	give("FDSTORE=1\nFDNAME=beyond\nFDPOLL=0", memfd("d"));
	require(sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=b") > 0);
	require(sd_notify_barrier(0, UINT64_MAX) > 0);
	require(sd_notify(0, "WATCHDOG=1") > 0);
	require(sd_notify(0, "READY=1") > 0);
}

/* Only what the service's own process says counts. */
static void let_another_speak(void)
{
	pid_t pid = fork();
	int code;

	if (pid == 0) {
		(void)sd_notify(0, "READY=1\nSTATUS=another");
		_exit(0);
	}
	require(waitpid(pid, &code, 0) == pid && code == 0);
	require(sd_notify(0, "STATUS=the service") > 0);
	require(sd_notify_barrier(0, UINT64_MAX) > 0);
	_exit(0);
}

static int serve(const char *role)
{
	sigset_t term;
	int signo;

	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	if (strcmp(role, "report") == 0) {
		report();
	} else if (strcmp(role, "give") == 0) {
		give_all();
	} else if (strcmp(role, "another") == 0) {
		let_another_speak();
	} else if (strcmp(role, "die") == 0) {
		give("FDSTORE=1\nFDNAME=last\nFDPOLL=0", memfd("words"));
		(void)raise(SIGKILL);
	} else {
		return 3;
	}
	require(sigwait(&term, &signo) == 0);
	require(sd_notify(0, "STOPPING=1") > 0);
	return 0;
}

/* ---- the tests ------------------------------------------------------------ */

static const char *arguments[] = {"--service", NULL, NULL};

static void before(void)
{
	const struct supervisor_spec spec = {
		.program = program,
		.arguments = arguments,
		.store_limit = LIMIT,
	};

	ck_assert_ptr_nonnull(realpath("/proc/self/exe", program));
	supervisor_init(&supervisor, &spec);
}

static void after(void)
{
	supervisor_deinit(&supervisor);
}

static void start(const char *role)
{
	arguments[1] = role;
	supervisor_start(&supervisor);
}

START_TEST(socket_first_then_the_store)
{
	start("report");
	ck_assert_str_eq(supervisor.status, "contigd.socket limit 4");
	supervisor_stop(&supervisor);
	ck_assert(supervisor.stopping);
	supervisor_put_consume(&supervisor, "old", memfd_create("old", 0));
	supervisor_put_consume(&supervisor, "new", memfd_create("new", 0));
	for (int i = 0; i < 2; i++) { /* it keeps what it has */
		start("report");
		ck_assert_str_eq(supervisor.status,
				 "contigd.socket new old limit 4");
		supervisor_stop(&supervisor);
	}
	supervisor_forget(&supervisor, NULL);
	start("report");
	ck_assert_str_eq(supervisor.status, "contigd.socket limit 4");
	supervisor_kill(&supervisor);
	ck_assert(WIFSIGNALED(supervisor.code));
}
END_TEST

START_TEST(without_a_store)
{
	supervisor.spec.store_limit = 0;
	start("report");
	ck_assert_str_eq(supervisor.status, "contigd.socket limit none");
	supervisor_stop(&supervisor);
}
END_TEST

static void expect_content(const char *name, const char *text)
{
	char content[8] = "";
	int fd = supervisor_peek(&supervisor, name);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(pread(fd, content, sizeof(content) - 1, 0), 0);
	ck_assert_str_eq(content, text);
	(void)fd_close(fd);
}

START_TEST(store_keeps_what_systemd_keeps)
{
	start("give");
	ck_assert_uint_eq(supervisor.barriers, 1);
	ck_assert_uint_eq(supervisor.alive, 1);
	expect_content("a", "a");
	expect_content("stored", "c"); /* the name was none */
	/* nor a second time, nor beyond the limit, nor what was removed */
	ck_assert_int_eq(supervisor_peek(&supervisor, "a-again"), -1);
	ck_assert_int_eq(supervisor_peek(&supervisor, "beyond"), -1);
	ck_assert_int_eq(supervisor_peek(&supervisor, "b"), -1);
	ck_assert_uint_eq(supervisor.store.refused, 1);
	ck_assert_uint_eq(supervisor_count(&supervisor, "polled"), 1);
	supervisor_kill(&supervisor);
	/* its other end is closed now */
	ck_assert_uint_eq(supervisor_count(&supervisor, "polled"), 0);
	ck_assert_uint_eq(supervisor_count(&supervisor, ""), 2);
}
END_TEST

START_TEST(last_words_are_heard)
{
	for (int i = 0; i < 50; i++) {
		arguments[1] = "die";
		ck_assert(supervisor_launch(&supervisor));
		supervisor_wait_end(&supervisor);
		ck_assert(!supervisor_wait_ready(&supervisor));
		expect_content("last", "words");
		supervisor_forget(&supervisor, "last");
	}
}
END_TEST

START_TEST(strangers_are_not_heard)
{
	arguments[1] = "another";
	ck_assert(supervisor_launch(&supervisor));
	ck_assert(!supervisor_wait_ready(&supervisor));
	ck_assert_str_eq(supervisor.status, "the service");
	ck_assert_uint_eq(supervisor.strangers, 1);
}
END_TEST

START_TEST(an_end_before_ready_is_told)
{
	arguments[1] = "no such role";
	ck_assert(supervisor_launch(&supervisor));
	ck_assert(!supervisor_wait_ready(&supervisor));
	ck_assert(WIFEXITED(supervisor.code));
	ck_assert_int_eq(WEXITSTATUS(supervisor.code), 3);
}
END_TEST

START_TEST(a_preparation_that_fails_is_told)
{
	supervisor.spec.prepare = true;
	arguments[1] = "no such role";
	ck_assert(!supervisor_launch(&supervisor));
	ck_assert_int_eq(WEXITSTATUS(supervisor.code), 3);
	ck_assert_int_eq(supervisor.pid, 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tcase;

	if (argc > 2 && strcmp(argv[1], "--service") == 0)
		return serve(argv[2]);
	suite = suite_create("supervisor");
	tcase = harness_case(suite, "supervisor");
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, socket_first_then_the_store);
	tcase_add_test(tcase, without_a_store);
	tcase_add_test(tcase, store_keeps_what_systemd_keeps);
	tcase_add_test(tcase, last_words_are_heard);
	tcase_add_test(tcase, strangers_are_not_heard);
	tcase_add_test(tcase, an_end_before_ready_is_told);
	tcase_add_test(tcase, a_preparation_that_fails_is_told);
	return harness_run(suite);
}
