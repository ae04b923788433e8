/* SPDX-License-Identifier: MIT */
#include "tests/integration/daemon.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/files.h"
#include "util/clock.h"
#include "util/fd.h"

#define START_LIMIT_MS 60000 /* under valgrind on a busy machine */
#define MAX_OPTIONS    32

static int open_notify_socket(const struct daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify",
		       daemon->directory);
	ck_assert_int_eq(
		bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	/* for every user, as a service manager's is */
	ck_assert_int_eq(chmod(address.sun_path, 0777), 0);
	return fd;
}

static void run_daemon(const struct daemon *daemon, const char *const *options)
{
	const char *program = getenv("CONTIGD");
	const char *argv[MAX_OPTIONS] = {"contigd", "--config", "/dev/null",
					 "--socket", daemon->socket};
	size_t n = 5;
	char user[16], notify[64];
	struct rlimit limit = {daemon->max_files, daemon->max_files};

	(void)snprintf(user, sizeof(user), "%u", (unsigned int)geteuid());
	if (!daemon->configured_user) {
		argv[n++] = "--user";
		argv[n++] = user;
	}
	while (*options && n + 1 < MAX_OPTIONS)
		argv[n++] = *options++;
	(void)snprintf(notify, sizeof(notify), "%s/notify", daemon->directory);
	(void)setenv("NOTIFY_SOCKET", notify, 1);
	(void)dup2(daemon->log_fd, STDERR_FILENO);
	if (daemon->max_files && setrlimit(RLIMIT_NOFILE, &limit) != 0)
		_exit(126);
	(void)execv(program ? program : "./contigd", (char *const *)argv);
	_exit(127);
}

/* Waits for READY=1, or for the daemon's end.  This service manager has no
 * store: whatever comes for it is dropped. */
static void wait_for_ready(struct daemon *daemon, int notify_fd)
{
	struct pollfd pollfd = {.fd = notify_fd, .events = POLLIN};
	uint64_t limit = clock_ms() + START_LIMIT_MS;
	char text[512] = "";
	char *status;

	while (strncmp(text, "READY=1\n", 8) != 0) {
		int code = 0;
		ssize_t n;

		ck_assert_msg(clock_ms() < limit, "contigd did not serve");
		if (poll(&pollfd, 1, 50) > 0) {
			n = recv(notify_fd, text, sizeof(text) - 1, 0);
			ck_assert_int_gt(n, 0);
			text[n] = '\0';
			continue;
		}
		ck_assert_msg(waitpid(daemon->pid, &code, WNOHANG) == 0,
			      "contigd ended before it served (status 0x%x)",
			      (unsigned int)code);
	}
	status = strstr(text, "STATUS=");
	ck_assert_ptr_nonnull(status);
	(void)snprintf(daemon->status, sizeof(daemon->status), "%s",
		       status + strlen("STATUS="));
}

void daemon_start(struct daemon *daemon, const char *const *options)
{
	int notify_fd;

	(void)strcpy(daemon->directory, "/tmp/contigd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(daemon->directory));
	ck_assert_int_eq(chmod(daemon->directory, 0755), 0);
	(void)snprintf(daemon->socket, sizeof(daemon->socket), "%s/sock",
		       daemon->directory);
	daemon->log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(daemon->log_fd, 0);
	notify_fd = open_notify_socket(daemon);
	daemon->pid = fork();
	ck_assert_int_ge(daemon->pid, 0);
	if (daemon->pid == 0)
		run_daemon(daemon, options);
	wait_for_ready(daemon, notify_fd);
	(void)fd_close(notify_fd);
}

void daemon_start_simulated(struct daemon *daemon)
{
	static const char *const options[] = {"--simulate", "test=64M", NULL};

	daemon_start(daemon, options);
}

void daemon_start_countable(struct daemon *daemon)
{
	static const char *const options[] = {"--simulate", "test=64M",
					      "--make-nothing-ahead", NULL};

	daemon_start(daemon, options);
}

static void show_log(const struct daemon *daemon)
{
	char *text;
	size_t len;

	(void)lseek(daemon->log_fd, 0, SEEK_SET);
	if (fd_read_all(daemon->log_fd, 1 << 20, &text, &len) == 0) {
		(void)fwrite(text, 1, len, stderr);
		free(text);
	}
}

static void remove_directory(const struct daemon *daemon)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/notify", daemon->directory);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_msg(rmdir(daemon->directory) == 0,
		      "contigd left something in its directory");
}

void daemon_stop(struct daemon *daemon)
{
	int code;

	ck_assert_int_eq(kill(daemon->pid, SIGTERM), 0);
	ck_assert_int_eq(waitpid(daemon->pid, &code, 0), daemon->pid);
	show_log(daemon);
	ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) == 0,
		      "contigd ended with status 0x%x", (unsigned int)code);
	daemon->log_fd = fd_close(daemon->log_fd);
	remove_directory(daemon);
}

void daemon_wait(int (*condition)(void *data), void *data, int limit_ms)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	uint64_t limit = clock_ms() + (uint64_t)limit_ms;

	while (!condition(data)) {
		ck_assert_msg(clock_ms() < limit, "not within %d ms", limit_ms);
		(void)nanosleep(&pause, NULL);
	}
}

int daemon_count_fds(const struct daemon *daemon)
{
	return files_count_fds(daemon->pid);
}

int daemon_has_logged(struct daemon *daemon, const char *text)
{
	return daemon_count_logged(daemon, text) > 0;
}

int daemon_count_logged(struct daemon *daemon, const char *text)
{
	char *log;
	size_t len;
	int found = 0;
	int fd;

	fd = fd_reopen(daemon->log_fd, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_read_all(fd, 1 << 20, &log, &len), 0);
	for (const char *at = log; (at = strstr(at, text)); at++)
		found++;
	free(log);
	(void)fd_close(fd);
	return found;
}
