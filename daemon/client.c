/* SPDX-License-Identifier: MIT */
#include "daemon/client.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/request.h"
#include "daemon/request_path.h"
#include "daemon/server.h"
#include "proto/channel.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/power.h"

/*
 * A client is served one request at a time: the next message is read when the
 * answer to the one before has gone into the socket.  So what one client can
 * make the daemon keep is one request and one answer.
 *
 * Descriptors in a socket's queue cost more than memory: they count against
 * what the daemon's user may have in flight, for all clients together.  So at
 * most as many are on their way to each client as one answer can carry.  A
 * request that could be answered with more than are left of those is not even
 * looked at before the client has read everything sent before (SIOCOUTQ is 0).
 * That is asked no earlier, since a client mostly has read everything, and
 * asking takes longer than most of what is done about a request.  The kernel
 * tells of the last byte read a moment before the counter shows it; a timer
 * covers that moment.
 *
 * The connection is watched by edges (see loop.c): after each report, and
 * whenever a wait is over, the socket is read until it is empty or a turn is
 * used up.  Ending happens only at the top of a turn's call chain: everything
 * below says how it went, nobody below frees.
 */

enum progress {
	GO_ON,
	STOP,  /* until something happens */
	LEAVE, /* the connection ends */
};

/* Something has happened to it.  What there is to be done takes a turn. */
static void queue_turn(void *data)
{
	struct client *client = data;

	turns_add(&client->server->turns, &client->turn);
}

int client_new_consume(struct client **clientp, struct server *server, int fd,
		       struct credentials *credentials)
{
	const int send_buffer = CLIENT_SEND_BUFFER_BYTES;
	struct client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return -ENOMEM;
	list_init(&client->link);
	list_init(&client->stall_link);
	client->server = server;
	client->fd = -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer,
			 sizeof(send_buffer));
	(void)channel_refuse_descriptors(fd);
	r = watch_new(&client->watch, server->loop, fd, LOOP_READ | LOOP_EDGE,
		      queue_turn, client);
	if (r == 0)
		r = session_new_consume(&client->session, server->service,
					credentials, queue_turn, client);
	if (r < 0) {
		(void)watch_free(client->watch);
		free(client);
		return r;
	}
	client->fd = fd;
	turn_init(&client->turn, client->session->owner.account);
	list_append(&server->clients, &client->link);
	server->n_clients++;
	*clientp = client;
	return 0;
}

static void drop_held(struct client *client)
{
	if (client->held) {
		free(client->held->message);
		free(client->held);
		client->held = NULL;
	}
}

/* Descriptors stay in the socket where taking them would mean closing them:
 * see closer.c. */
static int receive(struct client *client, size_t *sizep)
{
	union message *inbox = client->server->inbox;

	if (client->server->closer.wary &&
	    channel_carries_descriptors(client->fd))
		return CHANNEL_E_DESCRIPTORS;
	return channel_receive(client->fd, inbox, sizeof(*inbox), sizep);
}

/* What lies unread in a closed socket makes the kernel tell the peer "reset"
 * before it has read its last answer. */
static void drain(struct client *client)
{
	size_t size;

	for (int i = 0; i < CLIENT_TURN_MESSAGES; i++)
		if (receive(client, &size) != 0)
			return;
}

struct client *client_free(struct client *client)
{
	drop_held(client);
	server_unstall(client->server, client);
	turn_remove(&client->turn);
	list_remove(&client->link);
	client->server->n_clients--;
	(void)watch_free(client->watch);
	drain(client);
	closer_hang_up_consume(&client->server->closer, TAKE_FD(client->fd),
			       client->session->owner.account);
	(void)session_free(client->session);
	free(client);
	return NULL;
}

static enum progress stall(struct client *client)
{
	struct server *server = client->server;
	uint64_t now = clock_ms();

	if (list_empty(&client->stall_link)) {
		client->stalled_ms = now;
		/* Only for speed; where it cannot be had, the timer does. */
		(void)watch_new(&client->write_watch, server->loop, client->fd,
				LOOP_WRITE | LOOP_EDGE, queue_turn, client);
		server_stall(server, client);
	}
	return now - client->stalled_ms < CLIENT_STALL_LIMIT_MS ? STOP : LEAVE;
}

/* Blocks of few sizes, for the allocator keeps some of every size that it has
 * ever met, and answers come in hundreds of sizes. */
static size_t room_for(size_t size_bytes)
{
	const size_t least = 256;

	return power_of_two_from(size_bytes > least ? size_bytes : least);
}

static enum progress hold(struct client *client, const union message *message,
			  const struct held *held)
{
	_cleanup_free_ union message *copy = malloc(room_for(held->size_bytes));

	client->held = calloc(1, sizeof(*client->held));
	if (!copy || !client->held) {
		free(TAKE_PTR(client->held));
		return LEAVE;
	}
	memcpy(copy, message, held->size_bytes);
	*client->held = *held;
	client->held->message = TAKE_PTR(copy);
	return stall(client);
}

/* Whether the client has read everything. */
static bool queue_is_empty(struct client *client)
{
	int queued;

	if (ioctl(client->fd, SIOCOUTQ, &queued) < 0 || queued > 0)
		return false;
	client->n_unread_fds = 0;
	return true;
}

static bool may_come_back(int r)
{
	return r == -EAGAIN || r == -ETOOMANYREFS || r == -ENOMEM;
}

static enum progress send_reply(struct client *client,
				const struct reply *reply, bool ends)
{
	int r = channel_send(client->fd, reply->message, reply->size_bytes,
			     reply->fds, reply->n_fds);
	const struct held held = {
		.is_answer = true,
		.ends = ends,
		.size_bytes = reply->size_bytes,
		.fds = reply->fds,
		.n_fds = reply->n_fds,
	};

	if (may_come_back(r))
		return hold(client, reply->message, &held);
	client->n_unread_fds += reply->n_fds;
	request_finish(client->session);
	return r == 0 && !ends ? GO_ON : LEAVE;
}

static enum progress answer(struct client *client, const union message *request,
			    size_t size)
{
	struct reply reply = {.message = client->server->outbox};

	switch (request_handle(client->session, request, size, &reply)) {
	case REQUEST_ANSWERED:
		return send_reply(client, &reply, false);
	case REQUEST_ENDS:
		return send_reply(client, &reply, true);
	case REQUEST_SILENT:
		return GO_ON;
	case REQUEST_WAITS:
		break;
	}
	return STOP;
}

static enum progress work_off_held(struct client *client)
{
	struct held *held = client->held;
	enum progress progress;
	int r;

	if (!held->is_answer) {
		if (!queue_is_empty(client))
			return stall(client);
		client->held = NULL;
		server_unstall(client->server, client);
		progress = answer(client, held->message, held->size_bytes);
		free(held->message);
		free(held);
		return progress;
	}
	r = channel_send(client->fd, held->message, held->size_bytes, held->fds,
			 held->n_fds);
	if (may_come_back(r))
		return stall(client);
	client->n_unread_fds += held->n_fds;
	request_finish(client->session);
	progress = r == 0 && !held->ends ? GO_ON : LEAVE;
	server_unstall(client->server, client);
	drop_held(client);
	return progress;
}

/* Whether it could be answered with more descriptors than may be sent. */
static bool wants_too_many(const struct client *client,
			   const union message *message, size_t size)
{
	return size == sizeof(message->alloc) &&
	       message->header.opcode == CONTIG_MSG_ALLOC &&
	       client->n_unread_fds + message->alloc.count >
		       CONTIG_MSG_MAX_BUFFERS;
}

static enum progress fault(struct client *client, const char *text)
{
	struct reply reply = {.message = client->server->outbox};

	reply_error(&reply, 0, CONTIG_MSG_R_MALFORMED, "%s", text);
	return send_reply(client, &reply, true);
}

static enum progress read_one(struct client *client)
{
	union message *message = client->server->inbox;
	struct held held = {.is_answer = false};
	size_t size;

	switch (receive(client, &size)) {
	case 0:
		break;
	case -EAGAIN:
		return STOP;
	case CHANNEL_E_TRUNCATED:
		return fault(client, "the message is longer than any may be");
	case CHANNEL_E_DESCRIPTORS:
		return fault(client, "descriptors are never accepted");
	default:
		return LEAVE;
	}
	if (wants_too_many(client, message, size) && !queue_is_empty(client)) {
		held.size_bytes = size;
		return hold(client, message, &held);
	}
	return answer(client, message, size);
}

/* A client that waits is not read, so its end has to be asked for. */
static bool is_gone(const struct client *client)
{
	struct pollfd pollfd = {.fd = client->fd, .events = POLLRDHUP};

	return poll(&pollfd, 1, 0) > 0 &&
	       (pollfd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static enum progress step(struct client *client)
{
	struct reply reply = {.message = client->server->outbox};

	if (client->held && is_gone(client))
		return LEAVE;
	if (client->held)
		return work_off_held(client);
	if (client->session->waiting)
		return is_gone(client) ? LEAVE : STOP;
	if (session_has_answer(client->session)) {
		request_resume(client->session, &reply);
		return send_reply(client, &reply, false);
	}
	return read_one(client);
}

/* Between two turns the loop polls and finds its way back here, which takes as
 * long as half a request.  Where the client has the same processor, its own time
 * is in that of the turn, so that twenty microseconds are not two requests.
 * After a rest all of that is in no cache and takes longer still, and nobody has
 * asked for a while: a burst is then served before the loop polls. */
static uint64_t turn_limit_us(bool is_lone, bool is_first)
{
	if (!is_lone)
		return CLIENT_TURN_US;
	return is_first ? CLIENT_FIRST_US : CLIENT_LONE_US;
}

static bool may_go_on(const struct client *client, int n, uint64_t since_ns,
		      bool is_first)
{
	bool is_lone = !turns_wait(&client->server->turns);
	int most = is_lone ? CLIENT_LONE_MESSAGES : CLIENT_TURN_MESSAGES;

	return n < most &&
	       clock_ns() - since_ns < turn_limit_us(is_lone, is_first) * 1000;
}

void client_turn(struct turn *turn)
{
	struct client *client = container_of(turn, struct client, turn);
	struct server *server = client->server;
	uint64_t since_ns = clock_ns();
	bool is_first = since_ns - server->last_turn_ns > REQUEST_PATH_REST_NS;
	int n = 0;

	if (is_first)
		request_path_fetch();
	server->last_turn_ns = since_ns;
	do {
		enum progress progress = step(client);

		if (progress == STOP)
			return;
		if (progress == LEAVE) {
			(void)client_free(client);
			return;
		}
	} while (may_go_on(client, ++n, since_ns, is_first));
	queue_turn(client);
}
