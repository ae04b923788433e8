/* SPDX-License-Identifier: MIT */
#include "tests/integration/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Starting a program with descriptors from 3 on, which is what LISTEN_FDS
 * means.  All that needs memory is made before the fork: other threads may hold
 * malloc's lock at that moment, so the child may only make system calls.  One
 * thing is known no sooner than there: LISTEN_PID, for which room is left.
 *
 * A test that fails leaves its services behind; the kernel ends them with it.
 */

#define FIRST_FD   3
#define PID_DIGITS 10

struct image {
	char **envp;
	size_t n;
	char *pid_digits; /* of LISTEN_PID= */
	int *moved;	  /* n_fds, out of the way */
};

static void add(struct image *image, const char *name, const char *value)
{
	char *line;

	if (asprintf(&line, "%s%s", name, value) < 0)
		abort();
	image->envp[image->n++] = line;
}

static bool is_set(const struct image *image, const char *line)
{
	size_t length = strcspn(line, "=") + 1;

	for (size_t i = 0; i < image->n; i++)
		if (strncmp(image->envp[i], line, length) == 0)
			return true;
	return false;
}

static size_t count(const char *const *lines)
{
	size_t n = 0;

	while (lines && lines[n])
		n++;
	return n;
}

static void image_init(struct image *image, const struct launch *launch)
{
	const char *const *inherited = (const char *const *)environ;
	char number[24];

	*image = (struct image){
		.envp = calloc(count(launch->environment) + count(inherited) + 4,
			       sizeof(char *)),
		.moved = calloc(launch->n_fds + 1, sizeof(int)),
	};
	if (!image->envp || !image->moved)
		abort();
	if (launch->n_fds > 0) {
		(void)snprintf(number, sizeof(number), "%zu", launch->n_fds);
		add(image, "LISTEN_FDS=", number);
		add(image, "LISTEN_FDNAMES=", launch->names);
		add(image, "LISTEN_PID=", "2147483647"); /* room */
		image->pid_digits = image->envp[2] + strlen("LISTEN_PID=");
	}
	for (size_t i = 0; i < count(launch->environment); i++)
		add(image, launch->environment[i], "");
	for (size_t i = 0; i < count(inherited); i++)
		if (!is_set(image, inherited[i]))
			add(image, inherited[i], "");
}

static void image_deinit(struct image *image)
{
	while (image->n > 0)
		free(image->envp[--image->n]);
	free(image->envp);
	free(image->moved);
}

/* First all out of the way of the numbers that they are to have. */
static void place_descriptors(const struct launch *launch, struct image *image)
{
	int beyond = FIRST_FD + (int)launch->n_fds;

	if (dup2(launch->err_fd, STDERR_FILENO) < 0)
		_exit(126);
	if (launch->out_fd && dup2(launch->out_fd, STDOUT_FILENO) < 0)
		_exit(126);
	for (size_t i = 0; i < launch->n_fds; i++) {
		image->moved[i] = fcntl(launch->fds[i], F_DUPFD_CLOEXEC, beyond);
		if (image->moved[i] < 0)
			_exit(126);
	}
	for (size_t i = 0; i < launch->n_fds; i++)
		if (dup2(image->moved[i], FIRST_FD + (int)i) < 0)
			_exit(126);
}

/* As a service manager, it passes on nothing else: whoever started the test may
 * have left something open. */
static void close_others(const struct launch *launch)
{
	(void)syscall(SYS_close_range, FIRST_FD + (unsigned int)launch->n_fds,
		      ~0U, 0);
}

/* Without leading zeroes, which would make it octal. */
static void write_pid(char *digits)
{
	char reversed[PID_DIGITS];
	pid_t pid = getpid();
	int n = 0;

	for (; pid > 0; pid /= 10)
		reversed[n++] = (char)('0' + pid % 10);
	while (n > 0)
		*digits++ = reversed[--n];
	*digits = '\0';
}

pid_t launch(const struct launch *launch)
{
	struct image image;
	sigset_t none;
	pid_t pid;

	image_init(&image, launch);
	(void)sigemptyset(&none);
	pid = fork();
	if (pid == 0) {
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		place_descriptors(launch, &image);
		close_others(launch);
		if (image.pid_digits)
			write_pid(image.pid_digits);
		(void)execve(launch->argv[0], (char *const *)launch->argv,
			     image.envp);
		_exit(127);
	}
	if (pid < 0)
		pid = -errno;
	image_deinit(&image);
	return pid;
}
