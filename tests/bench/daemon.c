/* SPDX-License-Identifier: MIT */
#include "tests/bench/daemon.h"

#include <contig.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * A daemon as everybody starts it, with nothing configured but what a bench
 * wants to measure.  CONTIGD names another one than that of the build folder,
 * as it does to the tests.  What it logs is dropped, unless it does not serve.
 */

#define MOST_OPTIONS 16
#define START_LIMIT  500 /* times 10 ms */

static void run(const struct bench_daemon *daemon, const char *const *options)
{
	const char *program = getenv("CONTIGD");
	const char *argv[MOST_OPTIONS + 6] = {"contigd", "--config",
					      "/dev/null", "--socket",
					      daemon->socket};
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < MOST_OPTIONS && options[i]; i++)
		argv[5 + i] = options[i];
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)unsetenv("NOTIFY_SOCKET");
	if (!getenv("BENCH_VERBOSE"))
		(void)dup2(null_fd, STDERR_FILENO);
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	(void)execv(program ? program : "./contigd", (char *const *)argv);
	_exit(127);
}

void bench_daemon_start(struct bench_daemon *daemon, const char *const *options,
			struct contig **contigp)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	int r = -1;

	(void)strcpy(daemon->directory, "/tmp/contigd-bench-XXXXXX");
	if (!mkdtemp(daemon->directory))
		err(EXIT_FAILURE, "mkdtemp");
	(void)snprintf(daemon->socket, sizeof(daemon->socket), "%s/socket",
		       daemon->directory);
	daemon->pid = fork();
	if (daemon->pid < 0)
		err(EXIT_FAILURE, "fork");
	if (daemon->pid == 0)
		run(daemon, options);
	for (int i = 0; r < 0 && i < START_LIMIT; i++) {
		if (waitpid(daemon->pid, NULL, WNOHANG) != 0)
			break;
		(void)nanosleep(&pause, NULL);
		r = contig_open(contigp, daemon->socket);
	}
	if (r < 0)
		errx(EXIT_FAILURE, "contigd does not serve (BENCH_VERBOSE=1 "
				   "shows what it says)");
}

void bench_daemon_stop(struct bench_daemon *daemon)
{
	(void)kill(daemon->pid, SIGTERM);
	(void)waitpid(daemon->pid, NULL, 0);
	(void)unlink(daemon->socket);
	(void)rmdir(daemon->directory);
}
