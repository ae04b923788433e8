/* SPDX-License-Identifier: MIT */
#ifndef LIB_CALL_H
#define LIB_CALL_H

#include "lib/connection.h"
#include "proto/channel.h"
#include "proto/validate.h"

/*
 * A request on its way and what becomes of its answer.  Embedded in what knows
 * what was asked for; who waits in call_run() keeps it on the stack.
 */
struct call {
	struct list link;	 /* contig::pending or contig::finished */
	const struct form *form; /* of the request */
	uint32_t serial;
	uint64_t session; /* 0, or the only one in which it may be sent: ids
			     mean something else to the next daemon; set by
			     sending */
	uint32_t count; /* ALLOC: buffers, so elements, asked for */
	bool answered;
	int result;			/* 0 or a negative errno */
	struct contig_failure *failure; /* filled where that fails; or NULL */

	/* [locked] Takes what it wants of a valid reply, and of *fds, where it
	 * leaves -1.  Returns 0 or a negative errno.  NULL: wants nothing. */
	int (*accept)(struct call *call, const union message *reply,
		      struct channel_fds *fds);
	/* [locked] For a call that nobody waits for: told once when answered
	 * is set, and not on any list then. */
	void (*done)(struct call *call);
	/* For a call put on contig::finished by done(): ends it, without the
	 * lock, telling its starter or not. */
	void (*settle)(struct call *call, bool tell);
};

/* Prepares call and the header of its request, the rest of which is the
 * caller's; all other fields of call stay as they are. */
void call_init(struct call *call, uint16_t opcode,
	       struct contig_msg_header *request);

/* Sends, and waits for the answer.  Returns call->result. */
int call_run(struct contig *contig, struct call *call,
	     struct contig_msg_header *request);

/* [locked] Sends and does not wait.  Returns 0, and call->done() will be
 * called; or a negative errno explained in *call->failure, and it will not. */
int call_send(struct contig *contig, struct call *call,
	      struct contig_msg_header *request);

/* [locked] Tells the daemon, where there is a session, that a holder of this
 * buffer let go. */
void call_hint(struct contig *contig, uint64_t buffer_id);

/* [locked] Ends a pending call: sets its result and tells who waits. */
void call_finish(struct call *call, int result);

#endif
