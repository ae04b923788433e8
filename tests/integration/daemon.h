/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_DAEMON_H
#define TESTS_INTEGRATION_DAEMON_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A real contigd in a directory of its own, started and ended by a test.
 */
struct daemon {
	pid_t pid;
	char directory[32];
	char socket[64];
	char status[128];	/* STATUS= of its notification */
	unsigned int max_files; /* set before the start: RLIMIT_NOFILE; 0: any */
	int configured_user;	/* set before the start: the user is the
				   configuration's, else the test's own */
	int log_fd; /* what it writes to standard error, to be read */
};

/* Starts contigd with --socket and options (NULL at the end), and returns when
 * it has told its service manager, which is this test, that it serves. */
void daemon_start(struct daemon *daemon, const char *const *options);
/* As above with 64M of simulated memory. */
void daemon_start_simulated(struct daemon *daemon);
/* The same, and it makes nothing ahead, so that what it has open is what it was
 * asked for. */
void daemon_start_countable(struct daemon *daemon);

/* Ends it by SIGTERM: it must exit with 0, and have removed its socket. */
void daemon_stop(struct daemon *daemon);

/* Waits until condition() says 1, asking again every few milliseconds; fails
 * the test after limit_ms. */
void daemon_wait(int (*condition)(void *data), void *data, int limit_ms);

/* Number of descriptors that the daemon has open. */
int daemon_count_fds(const struct daemon *daemon);

/* True where the daemon's log has a line with this text; reads what has come. */
int daemon_has_logged(struct daemon *daemon, const char *text);
/* How many times it has. */
int daemon_count_logged(struct daemon *daemon, const char *text);

#endif
