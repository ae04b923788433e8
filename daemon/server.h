/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/closer.h"
#include "daemon/loop.h"
#include "daemon/service.h"
#include "daemon/turns.h"
#include "proto/form.h"
#include "util/list.h"

struct client;

/* Accepts connections and gives each client its turn. */
struct server {
	struct loop *loop;	 /* borrowed */
	struct service *service; /* borrowed */
	int listen_fd;		 /* borrowed */
	struct watch *listen_watch;
	struct timer *resume_timer; /* of a paused listener */
	int spare_fd; /* given up to accept one more when there are none left */
	size_t max_clients;
	size_t max_clients_per_uid;
	size_t n_clients;
	struct closer closer;
	struct list clients; // client::link
	struct turns turns;  // client::turn
	struct list stalled; // client::stall_link: those that do not read
	struct timer *stall_timer;
	uint64_t last_turn_ns; /* when the last turn began */
	union message *inbox;  /* for the message of whose turn it is ... */
	union message *outbox; /* ... and the answer to it */
};

#define SERVER_PAUSE_MS 100 /* of a listener that cannot accept */

/* Of max_files that this process may open, so many connections in all and of
 * one uid. */
size_t server_max_clients(uint64_t max_files);
size_t server_max_clients_per_uid(size_t max_clients);

/* 0 or a negative errno. */
int server_new(struct server **serverp, struct loop *loop,
	       struct service *service, int listen_fd_borrow,
	       uint64_t max_files);
/* To be called before the listening socket is closed, where that comes before
 * the end: its number is soon another descriptor's. */
void server_stop_listening(struct server *server);
/* Disconnects everybody. */
struct server *server_free(struct server *server);
DEFINE_CLEANUP(struct server *, server_free)

/* The client gets a turn each CLIENT_STALL_TICK_MS, until server_unstall(). */
void server_stall(struct server *server, struct client *client);
void server_unstall(struct server *server, struct client *client);

#endif
