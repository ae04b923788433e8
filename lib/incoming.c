/* SPDX-License-Identifier: MIT */
#include "lib/incoming.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/call.h"
#include "lib/failure.h"
#include "proto/validate.h"

/*
 * What comes from the daemon is judged before it is believed: its form by
 * proto/validate, and here whether anybody asked.  A peer that answers what
 * nobody asked, or with another message than the one asked for, is not contigd
 * or is broken; there is no way to go on with it, so the session ends, and
 * every call that waits for it fails.
 *
 * Descriptors belong to this function from the moment they arrive: whatever an
 * accepting call does not take is closed.
 *
 * A descriptor that does not arrive because this process is at its limit is
 * the one failure that is nobody's fault.  The reply can still be read then,
 * so its call is told -EMFILE.  The session ends nevertheless: the kernel says
 * only that something was lost, and the rule for that has no exceptions.  Its
 * end also makes the daemon look for buffers that nobody holds.
 */

static struct call *find_call(struct contig *contig, uint32_t serial)
{
	struct call *call;

	list_for_each (call, &contig->pending, link)
		if (call->serial == serial)
			return call;
	return NULL;
}

static bool answers(const struct call *call, const union message *reply)
{
	if (reply->header.opcode == CONTIG_MSG_ERROR)
		return true;
	return reply->header.opcode == (call->form->opcode | CONTIG_MSG_REPLY) &&
	       (!call->count ||
		call->count == validate_count(call->form, reply));
}

static void handle_reply(struct contig *contig, struct channel_fds *fds)
{
	const union message *reply = &contig->incoming;
	struct call *call = find_call(contig, reply->header.serial);
	int r = 0;

	if (reply->header.opcode == CONTIG_MSG_ERROR && !reply->header.serial) {
		struct contig_failure failure;

		failure_from_error(&failure, &reply->error);
		connection_end(contig, &failure);
		return;
	}
	if (!call || !answers(call, reply)) {
		connection_lost(contig, -EPROTO,
				"contigd answered what nobody asked");
		return;
	}
	if (reply->header.opcode == CONTIG_MSG_ERROR)
		r = failure_from_error(call->failure, &reply->error);
	else if (call->accept)
		r = call->accept(call, reply, fds);
	call_finish(call, r);
}

/* A reply whose descriptors did not all arrive; n_fds of them did. */
static void handle_incomplete(struct contig *contig, size_t size, size_t n_fds)
{
	const struct form *form = form_find(CONTIG_MSG_ALLOC);
	union message *reply = &contig->incoming;
	struct call *call = NULL;
	uint32_t count;

	if (size >= form->reply_bytes) {
		count = validate_count(form, reply);
		if (n_fds < count && !validate_reply(reply, size, count, NULL))
			call = find_call(contig, reply->header.serial);
	}
	if (call && answers(call, reply)) {
		call_finish(call, failure_set(call->failure, -EMFILE,
					      "this process is at its limit of "
					      "open files: %zu of %" PRIu32
					      " descriptors arrived",
					      n_fds, count));
		connection_lost(contig, -ECONNRESET,
				"the connection was given up because "
				"descriptors of another call were lost");
		return;
	}
	connection_lost(contig, -EPROTO,
			"contigd sent descriptors that were "
			"not asked for");
}

static void handle_datagram(struct contig *contig, size_t size,
			    struct channel_fds *fds)
{
	struct error why = ERROR_INIT;

	if (validate_reply(&contig->incoming, size, fds->count, &why))
		connection_lost(contig, -EPROTO, why.text);
	else
		handle_reply(contig, fds);
	channel_fds_close(fds);
}

/* The answer cannot be read, and what comes behind it would not fit the
 * question. */
static void give_up(struct contig *contig, int error)
{
	struct contig_failure failure;

	failure_set(&failure, error, "cannot receive from contigd: %m");
	failure.error = -ECONNRESET; /* the call may have had its effect */
	connection_end(contig, &failure);
}

/* What a receiving function returned; false: nothing had come. */
static bool handle(struct contig *contig, int r, size_t size,
		   struct channel_fds *fds)
{
	if (!r)
		handle_datagram(contig, size, fds);
	else if (r == -EAGAIN)
		return false;
	else if (r == CHANNEL_E_DESCRIPTORS)
		handle_incomplete(contig, size, fds->count);
	else if (r == CHANNEL_E_TRUNCATED)
		connection_lost(contig, -EPROTO,
				"contigd sent more than a message");
	else if (r == CHANNEL_E_CLOSED)
		connection_lost(contig, -ECONNRESET,
				"contigd went away during the call");
	else
		give_up(contig, r);
	return true;
}

void incoming_receive(struct contig *contig)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	size_t size = 0;
	int r;

	while (contig->session) {
		r = channel_receive_fds(contig->session->fd, &contig->incoming,
					sizeof(contig->incoming), &size, &fds);
		if (!handle(contig, r, size, &fds))
			return;
	}
}

void incoming_wait(struct contig *contig)
{
	struct session *session = session_ref(contig->session);
	struct channel_fds fds = CHANNEL_FDS_INIT;
	size_t size = 0;
	int r;

	pthread_mutex_unlock(&contig->lock);
	r = channel_wait_fds(session->fd, &contig->incoming,
			     sizeof(contig->incoming), &size, &fds);
	pthread_mutex_lock(&contig->lock);
	if (contig->session == session)
		(void)handle(contig, r, size, &fds);
	else if (!r) /* of a session that was given up meanwhile */
		channel_fds_close(&fds);
	session_unref(session);
}
