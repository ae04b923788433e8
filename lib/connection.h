/* SPDX-License-Identifier: MIT */
#ifndef LIB_CONNECTION_H
#define LIB_CONNECTION_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/un.h>

#include "lib/contig.h"
#include "lib/session.h"
#include "proto/form.h"
#include "util/list.h"

/*
 * A connection as the caller sees it: it outlives any number of sockets.
 * Functions marked [locked] are called with the lock held and return with it;
 * those that wait give it up meanwhile.
 */
struct contig {
	pthread_mutex_t lock;
	pthread_cond_t changed;	 /* connecting, reading or a call's state */
	unsigned int refs;	 /* the caller's, and one for each buffer */
	pid_t pid;		 /* the process that opened it */
	const char *mark;	 /* not 0 there; NULL: there is none */
	bool closed;		 /* contig_close() was called */
	bool connecting;	 /* a thread shakes hands, without the lock */
	bool reading;		 /* a thread waits for the socket, and is the
				    only one to receive */
	struct session *session; /* NULL while there is none */
	uint64_t n_sessions;	 /* so far */
	struct list pending;	 /* call::link, sent and not answered */
	struct list finished;	 /* call::link, answered, to be delivered by
				    contig_dispatch() */
	uint32_t last_serial;
	int epoll_fd; /* what the caller polls: event_fd and the socket */
	int event_fd; /* readable while finished is not empty */
	union message incoming;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

struct contig *contig_ref(struct contig *contig);
/* Frees the connection with its last user.  Returns NULL. */
struct contig *contig_unref(struct contig *contig);

/* True in a child of the process that opened the connection.  The socket and
 * the descriptor to poll are shared with the parent then, and not touched. */
bool connection_inherited(const struct contig *contig);

/* [locked] Makes sure that there is a session; waits for the handshake.
 * Returns 0, or a negative errno explained in *failure (may be NULL). */
int connection_ready(struct contig *contig, struct contig_failure *failure);

/* [locked] Gives up the session, where there is one, and fails every pending
 * call with this failure. */
void connection_end(struct contig *contig, const struct contig_failure *failure);

/* [locked] The same, with an errno and its words. */
void connection_lost(struct contig *contig, int error, const char *words);

/* [locked] Makes the descriptor that the caller polls readable. */
void connection_notify(struct contig *contig);

#endif
