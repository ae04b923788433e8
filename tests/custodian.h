/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CUSTODIAN_H
#define TESTS_CUSTODIAN_H

#include <pthread.h>
#include <stddef.h>

#include "daemon/inheritance.h"
#include "tests/integration/store.h"

/*
 * A service manager for the process that runs the test: what that leaves with
 * it through $NOTIFY_SOCKET can be inherited again, as often as wanted.
 */
struct custodian {
	char directory[32]; /* which can also be a runtime directory */
	int notify_fd;
	int end_fd;
	pthread_t thread;
	pthread_mutex_t lock;
	struct store store; /* under the lock */
};

/* Sets $NOTIFY_SOCKET; keeps so many descriptors. */
void custodian_init(struct custodian *custodian, size_t limit);
void custodian_deinit(struct custodian *custodian);

/* Waits until everything that was sent has arrived. */
void custodian_settle(void);
/* What a service that starts now would get, the newest first. */
void custodian_bequeath(struct custodian *custodian,
			struct inheritance *inheritance);
/* How many descriptors of that name there are. */
size_t custodian_count(struct custodian *custodian, const char *name);
/* Drops what has the name, and puts fd there where it is not -1. */
void custodian_replace(struct custodian *custodian, const char *name,
		       int fd_consume);

#endif
