/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/channel.h"
#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/own_slice.h"
#include "util/fd.h"

#include "config.h"

/*
 * contigd as a process: how it starts, where it listens, how it ends, and what
 * it does when it cannot start.
 */

static char dir[32];
static char socket_path[64];

static void before(void)
{
	(void)strcpy(dir, "/tmp/contigd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(socket_path, sizeof(socket_path), "%s/sub/sock", dir);
}

static void after(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/sub", dir);
	ck_assert(rmdir(path) == 0 || errno == ENOENT);
	ck_assert_int_eq(rmdir(dir), 0);
}

struct run {
	pid_t pid;
	int err_fd; /* what it writes to standard error */
	int out_fd;
};

/* Runs contigd with these arguments (NULL at the end), listen_fd as the service
 * manager's socket where it is not -1. */
static void start(struct run *run, int listen_fd, const char *const *arguments)
{
	const char *program = getenv("CONTIGD");
	const char *argv[16] = {"contigd"};
	char pid[16];

	for (size_t i = 0; arguments[i]; i++)
		argv[i + 1] = arguments[i];
	run->err_fd = memfd_create("err", MFD_CLOEXEC);
	run->out_fd = memfd_create("out", MFD_CLOEXEC);
	run->pid = fork();
	if (run->pid > 0)
		return;
	(void)dup2(run->err_fd, STDERR_FILENO);
	(void)dup2(run->out_fd, STDOUT_FILENO);
	if (listen_fd >= 0) {
		(void)dup2(listen_fd, 3);
		(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
		(void)setenv("LISTEN_PID", pid, 1);
		(void)setenv("LISTEN_FDS", "1", 1);
	}
	(void)execv(program ? program : "./contigd", (char *const *)argv);
	_exit(127);
}

#define START(run, listen_fd, ...) \
	start((run), (listen_fd), (const char *const[]){__VA_ARGS__, NULL})

static char *slurp(int fd)
{
	char *text;
	size_t len;

	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(fd_read_all(fd, 1 << 20, &text, &len), 0);
	return text;
}

/* It must end with this status, and say this on standard error (NULL:
 * anything). */
static void expect(struct run *run, int status, const char *said)
{
	char *text;
	int code;

	ck_assert_int_eq(waitpid(run->pid, &code, 0), run->pid);
	text = slurp(run->err_fd);
	ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) == status,
		      "status 0x%x: %s", (unsigned int)code, text);
	ck_assert_msg(!said || strstr(text, said), "'%s' lacks '%s'", text,
		      said ? said : "");
	free(text);
	run->err_fd = fd_close(run->err_fd);
	run->out_fd = fd_close(run->out_fd);
}

static int answers(void *data)
{
	struct contig *contig;

	(void)data;
	if (contig_open(&contig, socket_path) < 0)
		return 0;
	(void)contig_close(contig);
	return 1;
}

#define CONFIG "--config", "/dev/null"

START_TEST(bad_command_lines_end_with_2)
{
	struct run run;

	START(&run, -1, "--bogus");
	expect(&run, 2, "there is no option '--bogus'");
	START(&run, -1, CONFIG, "--simulate", "5Q");
	expect(&run, 2, "5Q");
	START(&run, -1, CONFIG, "--simulate", "a=1M", "--simulate", "a=1M");
	expect(&run, 2, "'a'");
	START(&run, -1, "--config", "/nonexistent");
	expect(&run, 2, "/nonexistent");
}
END_TEST

/* It must end with 0, and say this on standard output. */
static void expect_output(struct run *run, const char *said)
{
	int out_fd = run->out_fd;
	char *text;

	run->out_fd = -1;
	expect(run, 0, NULL);
	text = slurp(out_fd);
	ck_assert_msg(strstr(text, said), "'%s' lacks '%s'", text, said);
	free(text);
	(void)fd_close(out_fd);
}

START_TEST(help_and_version)
{
	struct run run;

	START(&run, -1, "--version");
	expect_output(&run, "contigd " PACKAGE_VERSION "\n");
	START(&run, -1, "--help");
	expect_output(&run, "--simulate");
}
END_TEST

START_TEST(makes_the_directory_and_removes_its_socket)
{
	struct run run;
	struct stat st;

	START(&run, -1, CONFIG, "--socket", socket_path, "--simulate", "1M");
	daemon_wait(answers, NULL, 30000);
	ck_assert_int_eq(stat(socket_path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	ck_assert_int_eq(kill(run.pid, SIGHUP), 0);
	ck_assert_int_eq(answers(NULL), 1);
	ck_assert_int_eq(kill(run.pid, SIGINT), 0);
	expect(&run, 0, NULL);
	ck_assert_int_lt(stat(socket_path, &st), 0);
}
END_TEST

/* As the kernel shows it; 0 where it does not. */
static uint64_t slice_of(const char *process)
{
	char path[64], line[160];
	uint64_t ns = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%s/sched", process);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "se.slice ", 9) == 0 && strchr(line, ':'))
			ns = strtoull(strchr(line, ':') + 1, NULL, 10);
	if (file)
		(void)fclose(file);
	return ns;
}

START_TEST(it_serves_in_short_time_slices)
{
	struct own_slice own;
	char process[16];
	struct run run;

	if (!own_slice_read(&own) || own.ns == 0)
		harness_skip("the kernel has no time slices to ask for (6.12)");
	if (slice_of("self") == 0)
		harness_skip("the kernel does not show time slices");
	START(&run, -1, CONFIG, "--socket", socket_path, "--simulate", "1M");
	daemon_wait(answers, NULL, 30000);
	(void)snprintf(process, sizeof(process), "%d", (int)run.pid);
	ck_assert_uint_eq(slice_of(process), 100000);
	ck_assert_uint_gt(slice_of("self"), 100000);
	ck_assert_int_eq(kill(run.pid, SIGTERM), 0);
	expect(&run, 0, NULL);
}
END_TEST

START_TEST(second_daemon_is_refused)
{
	struct run first, second;

	START(&first, -1, CONFIG, "--socket", socket_path, "--simulate", "1M");
	daemon_wait(answers, NULL, 30000);
	START(&second, -1, CONFIG, "--socket", socket_path);
	expect(&second, 1, "another daemon listens on");
	ck_assert_int_eq(answers(NULL), 1);
	ck_assert_int_eq(kill(first.pid, SIGTERM), 0);
	expect(&first, 0, NULL);
}
END_TEST

START_TEST(socket_of_a_killed_daemon_is_replaced)
{
	struct run run;
	int code;

	START(&run, -1, CONFIG, "--socket", socket_path, "--simulate", "1M");
	daemon_wait(answers, NULL, 30000);
	ck_assert_int_eq(kill(run.pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(run.pid, &code, 0), run.pid);
	(void)fd_close(run.err_fd);
	(void)fd_close(run.out_fd);
	ck_assert_int_eq(access(socket_path, F_OK), 0);

	START(&run, -1, CONFIG, "--socket", socket_path, "--simulate", "1M");
	daemon_wait(answers, NULL, 30000);
	ck_assert_int_eq(kill(run.pid, SIGTERM), 0);
	expect(&run, 0, "left over from a daemon that has ended");
}
END_TEST

START_TEST(what_is_no_socket_is_not_touched)
{
	char path[64];
	struct run run;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	(void)fd_close(fd);
	START(&run, -1, CONFIG, "--socket", path, "--simulate", "1M");
	expect(&run, 1, "exists and is not a socket");
	ck_assert_int_eq(unlink(path), 0);

	/* nor what a link points at */
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	START(&run, -1, CONFIG, "--socket", path, "--simulate", "1M");
	expect(&run, 1, "exists and is not a socket");
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(runs_without_memory)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure;
	struct contig_buffer *buffer;
	struct contig *contig;
	struct run run;

	START(&run, -1, CONFIG, "--socket", socket_path);
	daemon_wait(answers, NULL, 30000);
	ck_assert_int_eq(contig_open(&contig, socket_path), 0);
	request.size_bytes = 4096;
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, &failure),
			 -ENODEV);
	ck_assert_int_eq(failure.reason, CONTIG_REASON_NO_REGION);
	contig = contig_close(contig);
	ck_assert_int_eq(kill(run.pid, SIGTERM), 0);
	expect(&run, 0, "there is no memory to lend");
}
END_TEST

START_TEST(serves_on_the_service_managers_socket)
{
	struct run run;
	struct stat st;
	int fd;

	(void)snprintf(socket_path, sizeof(socket_path), "%s/passed", dir);
	fd = channel_listen(socket_path, 5);
	ck_assert_int_ge(fd, 0);
	START(&run, fd, CONFIG, "--socket", "/nonexistent/sock", "--simulate",
	      "1M");
	(void)fd_close(fd);
	daemon_wait(answers, NULL, 30000);
	ck_assert_int_eq(kill(run.pid, SIGTERM), 0);
	expect(&run, 0, "listens on the service manager's socket");
	/* it was not the daemon's to remove */
	ck_assert_int_eq(stat(socket_path, &st), 0);
	ck_assert_int_eq(unlink(socket_path), 0);
}
END_TEST

START_TEST(refuses_another_kind_of_socket)
{
	struct run run;
	int pair[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	START(&run, pair[0], CONFIG, "--simulate", "1M");
	expect(&run, 1, "no listening SOCK_SEQPACKET Unix socket");
	(void)fd_close(pair[0]);
	(void)fd_close(pair[1]);
}
END_TEST

START_TEST(ends_with_clients_and_buffers)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	struct contig *contig;
	struct run run;
	void *map;

	START(&run, -1, CONFIG, "--socket", socket_path, "--simulate", "1M");
	daemon_wait(answers, NULL, 30000);
	ck_assert_int_eq(contig_open(&contig, socket_path), 0);
	request.size_bytes = 4096;
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), 0);
	ck_assert_int_eq(contig_map(buffer, CONTIG_WRITE, &map), 0);
	ck_assert_int_eq(kill(run.pid, SIGTERM), 0);
	expect(&run, 0, NULL);
	memset(map, 1, 4096); /* the holder's is the holder's */
	(void)contig_release(buffer);
	contig = contig_close(contig);
}
END_TEST

START_TEST(devicetree_given_by_name_must_be_readable)
{
	struct run run;

	START(&run, -1, CONFIG, "--socket", socket_path, "--dtb", "/dev/null");
	expect(&run, 1, "/dev/null");
	START(&run, -1, CONFIG, "--socket", socket_path, "--tree",
	      "/nonexistent");
	expect(&run, 1, "/nonexistent");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process");
	TCase *tcase = harness_case(suite, "process");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, bad_command_lines_end_with_2);
	tcase_add_test(tcase, help_and_version);
	tcase_add_test(tcase, makes_the_directory_and_removes_its_socket);
	tcase_add_test(tcase, it_serves_in_short_time_slices);
	tcase_add_test(tcase, second_daemon_is_refused);
	tcase_add_test(tcase, socket_of_a_killed_daemon_is_replaced);
	tcase_add_test(tcase, what_is_no_socket_is_not_touched);
	tcase_add_test(tcase, runs_without_memory);
	tcase_add_test(tcase, serves_on_the_service_managers_socket);
	tcase_add_test(tcase, refuses_another_kind_of_socket);
	tcase_add_test(tcase, ends_with_clients_and_buffers);
	tcase_add_test(tcase, devicetree_given_by_name_must_be_readable);
	return harness_run(suite);
}
