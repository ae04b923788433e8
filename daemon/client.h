/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CLIENT_H
#define DAEMON_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/credentials.h"
#include "daemon/loop.h"
#include "daemon/session.h"
#include "daemon/turns.h"
#include "proto/form.h"
#include "util/list.h"

struct server;

/* One connection. */
struct client {
	struct list link;	// server::clients
	struct turn turn;	// in server::turns
	struct list stall_link; // server::stalled
	struct server *server;
	int fd;
	struct watch *watch;	   /* readable, or gone */
	struct watch *write_watch; /* only while stalled */
	struct session *session;
	uint64_t stalled_ms; /* since when its answers are not read */
	size_t n_unread_fds; /* at most: sent since it had read everything */

	/* An answer that the socket had no room for, or a request that is not
	 * looked at before the client has read what was sent before. */
	struct held {
		bool is_answer;
		bool ends; /* disconnect when it is sent */
		size_t size_bytes;
		const int *fds; /* of the session's request */
		size_t n_fds;
		union message *message;
	} * held;
};

/* A client that reads none of its answers for so long is disconnected. */
#define CLIENT_STALL_LIMIT_MS	 30000
#define CLIENT_STALL_TICK_MS	 10
/* Messages of one client handled before other users get their turn. */
#define CLIENT_TURN_MESSAGES	 4
/* Fewer where they take long: none is begun after so many microseconds. */
#define CLIENT_TURN_US		 20
/* The same where nobody else is known to wait. */
#define CLIENT_LONE_MESSAGES	 16
#define CLIENT_LONE_US		 100
/* And where nobody has asked for REQUEST_PATH_REST_NS either: so long at most
 * does who comes meanwhile wait to be noticed. */
#define CLIENT_FIRST_US		 1000
/* Small: what a client does not read is the daemon's memory. */
#define CLIENT_SEND_BUFFER_BYTES 32768

/* Takes over fd and credentials where it returns 0.  A negative errno. */
int client_new_consume(struct client **clientp, struct server *server, int fd,
		       struct credentials *credentials);
/* Disconnects.  Returns NULL. */
struct client *client_free(struct client *client);

/* Reads, handles and answers what there is, up to one turn.  The client may be
 * gone afterwards. */
void client_turn(struct turn *turn);

#endif
