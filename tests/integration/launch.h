/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_LAUNCH_H
#define TESTS_INTEGRATION_LAUNCH_H

#include <stddef.h>
#include <sys/types.h>

/* A program as a service manager starts it. */
struct launch {
	const char *const *argv; /* NULL at the end; argv[0] is the program */
	const char *const *environment; /* NAME=VALUE, NULL at the end: comes
					   before what is inherited */
	int err_fd;			/* its standard error */
	int out_fd;	   /* its standard output; 0: as it is */
	const int *fds;	   /* from 3 on, not close-on-exec, as LISTEN_FDS */
	const char *names; /* LISTEN_FDNAMES, joined by ':' */
	size_t n_fds;	   /* 0: without LISTEN_* */
};

/* The new process, or a negative errno.  May be called beside other threads. */
pid_t launch(const struct launch *launch);

#endif
