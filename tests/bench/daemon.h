/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_DAEMON_H
#define TESTS_BENCH_DAEMON_H

#include <sys/types.h>

struct contig;

/* The contigd of the build folder, in a directory of its own. */
struct bench_daemon {
	pid_t pid;
	char directory[32];
	char socket[64];
};

/* Starts it with options (NULL at the end) and connects to it.  Ends this
 * process where it does not serve. */
void bench_daemon_start(struct bench_daemon *daemon, const char *const *options,
			struct contig **contigp);
void bench_daemon_stop(struct bench_daemon *daemon);

#endif
