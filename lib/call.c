/* SPDX-License-Identifier: MIT */
#include "lib/call.h"

#include <errno.h>
#include <poll.h>

#include "lib/failure.h"
#include "lib/incoming.h"

/*
 * Round trips from several threads over one socket.
 *
 * Any thread may send, under the lock.  Of those that wait, one at a time is
 * the reader: it receives without the lock, for everybody, and hands the part
 * on when its own answer has come.  Nobody else receives meanwhile, not even
 * contig_dispatch(): a reader whose answer were taken from under it would sleep
 * for ever.
 *
 * A hint is sent and forgotten: it has no answer, so it cannot be lost among
 * those that nobody waits for, and a daemon that is gone needs none.
 *
 * A send that finds the daemon gone has sent nothing, so it is safe to try
 * again on a new session, unless it goes on with what an earlier one began.
 * Once only: a daemon that greets and hangs up each time must not keep a caller
 * busy for ever.
 */

void call_init(struct call *call, uint16_t opcode,
	       struct contig_msg_header *request)
{
	const struct form *form = form_find(opcode);

	list_init(&call->link);
	call->form = form;
	call->answered = false;
	call->result = 0;
	*request = (struct contig_msg_header){
		.size = form->request_bytes,
		.opcode = form->opcode,
	};
}

void call_finish(struct call *call, int result)
{
	list_remove(&call->link);
	call->result = result;
	call->answered = true;
	if (call->done)
		call->done(call);
}

/* The next message, for whomever it is; or what another thread makes of it. */
static void wait_step(struct contig *contig)
{
	if (contig->reading) {
		pthread_cond_wait(&contig->changed, &contig->lock);
		return;
	}
	contig->reading = true;
	incoming_wait(contig);
	contig->reading = false;
	pthread_cond_broadcast(&contig->changed);
}

/* Waits as the reader until something has come, or there is room to send. */
static void read_or_wait(struct contig *contig)
{
	struct session *session = session_ref(contig->session);
	struct pollfd ready = {.fd = session->fd, .events = POLLIN | POLLOUT};

	contig->reading = true;
	pthread_mutex_unlock(&contig->lock);
	(void)poll(&ready, 1, -1); /* EINTR: the caller comes again */
	pthread_mutex_lock(&contig->lock);
	contig->reading = false;
	session_unref(session);
	incoming_receive(contig);
	pthread_cond_broadcast(&contig->changed);
}

/* The daemon does not take more before somebody reads its replies; unless a
 * reader is at it already that is the sender itself. */
static void wait_for_room(struct contig *contig)
{
	struct session *session;
	struct pollfd ready;

	if (!contig->reading) {
		read_or_wait(contig);
		return;
	}
	session = session_ref(contig->session);
	ready = (struct pollfd){.fd = session->fd, .events = POLLOUT};
	pthread_mutex_unlock(&contig->lock);
	(void)poll(&ready, 1, -1);
	pthread_mutex_lock(&contig->lock);
	session_unref(session);
}

static uint32_t next_serial(struct contig *contig)
{
	if (!++contig->last_serial)
		contig->last_serial = 1;
	return contig->last_serial;
}

void call_hint(struct contig *contig, uint64_t buffer_id)
{
	struct contig_msg_release hint = {
		.header = {.size = sizeof(hint),
			   .opcode = CONTIG_MSG_RELEASE,
			   .serial = next_serial(contig)},
		.buffer_id = buffer_id,
	};

	while (contig->session && !connection_inherited(contig) &&
	       channel_send(contig->session->fd, &hint, sizeof(hint), NULL,
			    0) == -EAGAIN)
		wait_for_room(contig);
}

/* What the daemon still said before it went away is heard first: answers to
 * other calls, and perhaps its reason.  Then the session is lost. */
static void drain_session(struct contig *contig)
{
	struct session *dead = session_ref(contig->session);

	while (contig->session == dead)
		wait_step(contig);
	session_unref(dead);
}

int call_send(struct contig *contig, struct call *call,
	      struct contig_msg_header *request)
{
	bool again = false;

	for (;;) {
		int r = connection_ready(contig, call->failure);

		if (r < 0)
			return r;
		if (call->session && call->session != contig->session->number)
			return failure_set(call->failure, -ECONNRESET,
					   "contigd was restarted during the "
					   "call");
		request->serial = call->serial = next_serial(contig);
		r = channel_send(contig->session->fd, request, request->size,
				 NULL, 0);
		if (!r) {
			call->session = contig->session->number;
			list_append(&contig->pending, &call->link);
			return 0;
		}
		if (r == -EAGAIN) {
			wait_for_room(contig);
			continue;
		}
		if (r < 0)
			return failure_set(call->failure, r,
					   "cannot send to contigd: %m");
		drain_session(contig);
		if (again)
			return failure_set(call->failure, -ECONNRESET,
					   "contigd ends every connection");
		again = true;
	}
}

int call_run(struct contig *contig, struct call *call,
	     struct contig_msg_header *request)
{
	int r;

	pthread_mutex_lock(&contig->lock);
	r = call_send(contig, call, request);
	if (!r) {
		while (!call->answered)
			wait_step(contig);
		r = call->result;
	}
	pthread_mutex_unlock(&contig->lock);
	return r;
}
