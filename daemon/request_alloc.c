/* SPDX-License-Identifier: MIT */
#include "daemon/request_alloc.h"

#include "daemon/entry.h"
#include "daemon/lending.h"
#include "proto/text.h"

/*
 * ALLOC: the message becomes a want, the lender decides now or later, and the
 * decision becomes a list of buffers with one descriptor each, or a refusal
 * with its figures.
 *
 * The descriptors stay with the loan until the reply has gone into the
 * socket; only then does the daemon close them.  A client that dies in between
 * leaves buffers that nobody holds, and the reaper finds them.
 */

static void on_decided(struct loan *loan, int result)
{
	struct session *session = loan->data;
	bool waited = session->waiting;

	session->waiting = false;
	session->result = result;
	/* Decided within request_alloc(): it looks for itself. */
	if (waited)
		session->ready(session->data);
}

static void read_want(struct want *want, const struct contig_msg_alloc *alloc)
{
	*want = (struct want){
		.run.size_bytes = alloc->size_bytes,
		.run.align_bytes = alloc->align_bytes,
		.run.max_phys = alloc->max_phys ? alloc->max_phys : UINT64_MAX,
		.run.boundary_bytes = alloc->boundary_bytes,
		.count = alloc->count,
		.require = alloc->require,
	};
	text_put(want->region, sizeof(want->region), alloc->region);
	text_put(want->name, sizeof(want->name), alloc->name);
}

enum request_outcome request_alloc(struct session *session,
				   const union message *request,
				   struct reply *reply)
{
	struct loan *loan;
	struct want want;

	read_want(&want, &request->alloc);
	want.who = &session->credentials;
	loan = loan_new(&want, &session->owner, on_decided, session);
	if (!loan) {
		reply_error(reply, session->serial, CONTIG_MSG_R_RESOURCE,
			    "the daemon is out of memory");
		return REQUEST_ANSWERED;
	}
	session->loan = loan;
	session->result = -1;
	lending_begin(session->service->lender, loan);
	session->waiting = session->result < 0;
	return REQUEST_WAITS;
}

void request_alloc_resume(struct session *session, struct reply *reply)
{
	const struct closings *closings =
		&session->service->lender->closings;
	const struct loan *loan = session->loan;

	if (session->result > 0) {
		reply_refuse(reply, session->serial, &loan->refusal);
		return;
	}
	reply_begin(reply, CONTIG_MSG_ALLOC, session->serial);
	for (size_t i = 0; i < loan->n_lent; i++) {
		struct contig_msg_buffer *entry = reply_add(reply);
		const struct buffer *buffer = loan->buffers[i];

		entry_set_buffer(entry, buffer, session);
		entry->token = buffer->object->token;
		if (closing_is_armed(closings, &buffer->closing))
			entry->flags |= CONTIG_MSG_BUFFER_TOLD;
	}
	reply->fds = loan->fds;
	reply->n_fds = loan->n_lent;
}
