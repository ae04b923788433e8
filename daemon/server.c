/* SPDX-License-Identifier: MIT */
#include "daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/client.h"
#include "daemon/quota.h"
#include "daemon/reply.h"
#include "proto/channel.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * The door; who is served when, inside, is up to turns.c.  Two things must not
 * happen at it: that one user takes all the places, and that a connection which
 * cannot be accepted turns the loop without end, since a listening socket stays
 * readable until it is.
 *
 * For the first there are two limits, in all and for one uid, both a part of
 * the descriptors that this process may open, and the quota of the uid; whoever
 * is over one of them is told so and let go.  For the second there is a spare
 * descriptor: it is closed to accept the connection and hang up on it, which is
 * an answer, and taken again.  Where even that fails, the listener rests for a
 * while.
 */

size_t server_max_clients(uint64_t max_files)
{
	uint64_t n = max_files / 4; /* the rest is for buffers */

	return n > 4096 ? 4096 : n < 4 ? 4 : (size_t)n;
}

size_t server_max_clients_per_uid(size_t max_clients)
{
	return max_clients / 2;
}

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void pause_listener(struct server *server)
{
	watch_pause(server->listen_watch);
	timer_set(server->resume_timer, SERVER_PAUSE_MS);
}

static void on_resume(void *data)
{
	struct server *server = data;

	if (server->spare_fd < 0)
		server->spare_fd = open_spare();
	if (watch_resume(server->listen_watch) < 0)
		timer_set(server->resume_timer, SERVER_PAUSE_MS);
}

/* Says why to a client that has to leave; it need not listen. */
static void turn_away(struct server *server, int fd, uint32_t uid,
		      const char *why)
{
	static struct log_ratelimit limit = LOG_RATELIMIT_INIT(10000, 5);
	const struct log_fields fields = {.has_uid = true, .uid = uid};
	struct reply reply = {.message = server->outbox};

	if (log_ratelimit_pass(&limit))
		log_message(LOG_LEVEL_WARNING, &fields,
			    "a client of uid %u was turned away: %s", uid, why);
	reply_error(&reply, 0, CONTIG_MSG_R_QUOTA, "%s", why);
	(void)channel_send(fd, reply.message, reply.size_bytes, NULL, 0);
}

/* False where there are too many, with the rule. */
static bool has_room(const struct server *server,
		     const struct credentials *credentials, struct error *why)
{
	static const struct quota_charge one = {.connections = 1};
	const struct service *service = server->service;
	const struct account *account =
		account_find(&service->lender->accounts, credentials->uid);
	size_t n_all = server->n_clients + server->closer.n_hang_ups;
	size_t n = account ? account->n_clients : 0;

	if (n_all >= server->max_clients) {
		error_write(why,
			    "too many connections in all: %zu, as far as the "
			    "daemon's limit of open files goes",
			    n_all);
		return false;
	}
	if (n >= server->max_clients_per_uid) {
		error_write(why,
			    "too many connections of uid %u: %zu, half of "
			    "what the daemon's limit of open files allows",
			    credentials->uid, n);
		return false;
	}
	return quota_check(service->policy, credentials, account, &one, why) ==
	       0;
}

/* Ends a connection that has not become a client. */
static void hang_up(struct server *server, int fd_consume, uint32_t uid)
{
	struct accounts *accounts = &server->service->lender->accounts;
	struct account *account = account_get_ref(accounts, uid);

	closer_hang_up_consume(&server->closer, fd_consume, account);
	(void)account_unref(accounts, account);
}

static void admit(struct server *server, int fd_consume)
{
	_cleanup_fd_ int fd = fd_consume;
	struct credentials credentials;
	struct error why = ERROR_INIT;
	struct client *client;
	bool stays;

	if (credentials_read(&credentials, fd) < 0) {
		closer_hang_up_consume(&server->closer, TAKE_FD(fd), NULL);
		return;
	}
	stays = has_room(server, &credentials, &why);
	if (stays &&
	    client_new_consume(&client, server, fd, &credentials) < 0) {
		error_write(&why, "the daemon is out of memory");
		stays = false;
	}
	if (!stays) {
		turn_away(server, fd, credentials.uid, why.text);
		hang_up(server, TAKE_FD(fd), credentials.uid);
		credentials_deinit(&credentials);
		return;
	}
	(void)TAKE_FD(fd);
	/* What came with the connection makes no edge any more. */
	turns_add(&server->turns, &client->turn);
}

/* No descriptor is left: hangs up on whoever is first in the queue.  False:
 * there is nothing more to be done. */
static bool accept_and_hang_up(struct server *server)
{
	static struct log_ratelimit limit = LOG_RATELIMIT_INIT(10000, 5);
	int fd;

	if (log_ratelimit_pass(&limit))
		log_warning("no descriptor is left for a new connection");
	server->spare_fd = fd_close(server->spare_fd);
	fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		closer_hang_up_consume(&server->closer, fd, NULL);
	server->spare_fd = open_spare();
	return fd >= 0 && server->spare_fd >= 0;
}

/* One at a time: more in a turn of the loop would make everybody who is
 * connected wait for somebody who only connects. */
static void on_listen(void *data)
{
	struct server *server = data;
	int fd;

	if (server->closer.n_hang_ups >= server->max_clients) {
		pause_listener(server); /* somebody makes closing take long */
		return;
	}
	fd = accept4(server->listen_fd, NULL, NULL,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		admit(server, fd);
		return;
	}
	switch (errno) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
		return;
	case EMFILE:
	case ENFILE:
		if (accept_and_hang_up(server))
			return;
		break;
	default:
		break;
	}
	pause_listener(server);
}

static void on_stall_tick(void *data)
{
	struct server *server = data;
	struct client *client;

	list_for_each (client, &server->stalled, stall_link)
		turns_add(&server->turns, &client->turn);
	if (!list_empty(&server->stalled))
		timer_set(server->stall_timer, CLIENT_STALL_TICK_MS);
}

void server_stall(struct server *server, struct client *client)
{
	if (list_empty(&server->stalled))
		timer_set(server->stall_timer, CLIENT_STALL_TICK_MS);
	list_append(&server->stalled, &client->stall_link);
}

void server_unstall(struct server *server, struct client *client)
{
	list_remove(&client->stall_link);
	client->write_watch = watch_free(client->write_watch);
	if (list_empty(&server->stalled))
		timer_stop(server->stall_timer);
}

static int start(struct server *server)
{
	int r;

	r = timer_new(&server->resume_timer, server->loop, on_resume, server);
	if (r == 0)
		r = turns_init(&server->turns, server->loop, client_turn);
	if (r == 0)
		r = timer_new(&server->stall_timer, server->loop, on_stall_tick,
			      server);
	if (r == 0)
		r = watch_new(&server->listen_watch, server->loop,
			      server->listen_fd, LOOP_READ, on_listen, server);
	return r;
}

int server_new(struct server **serverp, struct loop *loop,
	       struct service *service, int listen_fd_borrow, uint64_t max_files)
{
	_cleanup_(server_freep) struct server *server =
		calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	closer_init(&server->closer,
		    channel_refuse_descriptors(listen_fd_borrow) < 0, loop,
		    &service->lender->accounts);
	list_init(&server->clients);
	list_init(&server->stalled);
	server->loop = loop;
	server->service = service;
	server->listen_fd = listen_fd_borrow;
	server->max_clients = server_max_clients(max_files);
	server->max_clients_per_uid =
		server_max_clients_per_uid(server->max_clients);
	server->spare_fd = open_spare();
	if (server->spare_fd < 0)
		return -errno;
	server->inbox = malloc(sizeof(*server->inbox));
	server->outbox = malloc(sizeof(*server->outbox));
	if (!server->inbox || !server->outbox)
		return -ENOMEM;
	r = start(server);
	if (r < 0)
		return r;
	*serverp = TAKE_PTR(server);
	return 0;
}

void server_stop_listening(struct server *server)
{
	server->listen_watch = watch_free(server->listen_watch);
	timer_stop(server->resume_timer);
}

struct server *server_free(struct server *server)
{
	struct client *client;

	if (!server)
		return NULL;
	while ((client = list_first(&server->clients, struct client, link)))
		(void)client_free(client);
	closer_deinit(&server->closer);
	(void)watch_free(server->listen_watch);
	(void)timer_free(server->resume_timer);
	turns_deinit(&server->turns);
	(void)timer_free(server->stall_timer);
	server->spare_fd = fd_close(server->spare_fd);
	free(server->inbox);
	free(server->outbox);
	free(server);
	return NULL;
}
