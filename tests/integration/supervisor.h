/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_SUPERVISOR_H
#define TESTS_INTEGRATION_SUPERVISOR_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/integration/store.h"

/* What a unit file would say. */
struct supervisor_spec {
	const char *program;		/* NULL: the contigd under test */
	const char *const *arguments;	/* NULL at the end */
	const char *const *environment; /* NAME=VALUE, NULL at the end; or
					   NULL */
	size_t store_limit;		/* FileDescriptorStoreMax= */
	unsigned int watchdog_ms;	/* WatchdogSec=; 0: none */
	bool prepare; /* ExecStartPre=PROGRAM ARGUMENTS --prepare; not in a
			 restart by itself */
	bool restart; /* Restart=always: it is started again whenever it ends,
			 but for supervisor_stop() and supervisor_kill() */
};

/*
 * A stand-in for systemd: it holds the socket and the descriptor store of one
 * service, and starts, kills and restarts it as it is told.  What the service
 * says is listened to by a thread, so that a test may wait for the service.
 * Whatever is unexpected fails the test.
 */
struct supervisor {
	struct supervisor_spec spec;
	char directory[32];
	char socket[64];  /* the service's, mode 0666 */
	char runtime[64]; /* RUNTIME_DIRECTORY */
	char notify[64];
	char user[16]; /* whom the service runs as */
	int listen_fd;
	int log_fd;	 /* the standard error of all starts */
	off_t log_start; /* of the last one */

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int notify_fd;
	int wake_fd;
	int child_fd;  /* signalfd(2) of SIGCHLD, which is blocked meanwhile */
	sigset_t mask; /* before that */
	bool ending;

	/* under the lock */
	struct store store;
	pid_t pid; /* 0: it does not run */
	bool serving; /* this is not ExecStartPre= */
	bool ready;
	bool stopping;
	int code;     /* how the last one ended, as waitpid(2) says */
	bool resting; /* it is not to be started again */
	unsigned int restarts;
	char status[256];
	unsigned int alive;	/* WATCHDOG=1 */
	unsigned int barriers;	/* BARRIER=1 */
	unsigned int strangers; /* messages that were not the service's */
};

void supervisor_init(struct supervisor *supervisor,
		     const struct supervisor_spec *spec);
/* The service must have ended; the socket and the store go. */
void supervisor_deinit(struct supervisor *supervisor);

/* Starts the service and does not wait.  With spec.prepare it waits for that
 * to end; false: it did not end well, and the service was not started. */
bool supervisor_launch(struct supervisor *supervisor);
/* Waits until the service is READY=1; false: it ended before, see code. */
bool supervisor_wait_ready(struct supervisor *supervisor);
/* Both; it must become ready. */
void supervisor_start(struct supervisor *supervisor);

/* Waits for its end, which something else brings about.  Everything that it
 * had sent by then has been listened to. */
void supervisor_wait_end(struct supervisor *supervisor);
/* SIGKILL, and waits for the end; it may have ended already. */
void supervisor_kill(struct supervisor *supervisor);
/* SIGTERM, and waits for the end, whatever it is. */
void supervisor_end(struct supervisor *supervisor);
/* The same: it must exit with 0.  The store stays, as in a restart. */
void supervisor_stop(struct supervisor *supervisor);

/* Drops what is in the store under this name (NULL: all), as when an
 * administrator stops the unit. */
void supervisor_forget(struct supervisor *supervisor, const char *name);
/* A duplicate of what the store has under this name, owned by the caller; -1:
 * nothing. */
int supervisor_peek(struct supervisor *supervisor, const char *name);
/* Puts something into the store, as if the service had. */
void supervisor_put_consume(struct supervisor *supervisor, const char *name,
			    int fd);
/* How many descriptors the store has whose names begin so. */
size_t supervisor_count(struct supervisor *supervisor, const char *prefix);

/* The service, which must be running; the next one has another. */
pid_t supervisor_pid(struct supervisor *supervisor);
/* Number of descriptors that the service has open. */
int supervisor_count_fds(struct supervisor *supervisor);
/* Waits until it has no more than that, since it closes some in its own time. */
void supervisor_wait_fds(struct supervisor *supervisor, int n);

/* Whether the service has logged this text since it was last launched. */
bool supervisor_has_logged(const struct supervisor *supervisor,
			   const char *text);
/* Copies the log since then to standard error. */
void supervisor_show_log(const struct supervisor *supervisor);

#endif
