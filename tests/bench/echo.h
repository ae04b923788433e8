/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_ECHO_H
#define TESTS_BENCH_ECHO_H

#include <sys/types.h>

/* The floor: a process that answers each message with one descriptor, and does
 * nothing else. */
struct echo {
	pid_t pid;
	int fd; /* of the client */
};

/* Ends this process where it cannot be had. */
void echo_start(struct echo *echo);
void echo_stop(struct echo *echo);

/* One round trip; the descriptor that came, which the caller closes.  It is of
 * an open file that nobody else has. */
int echo_call(const struct echo *echo);
/* The same, but always of the same open file. */
int echo_call_same(const struct echo *echo);
/* Has it open files for the next calls, while nothing is measured. */
void echo_prepare(const struct echo *echo);

#endif
