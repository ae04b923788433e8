/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/bounce.h"
#include "daemon/credentials.h"
#include "daemon/loan.h"
#include "daemon/owner.h"
#include "daemon/service.h"
#include "util/list.h"

struct session;

/* The request that the session waited with can be answered now. */
typedef void session_fn(void *data);

/*
 * A client apart from its socket: who it is, what was lent to it, and the one
 * request that it may wait with.
 */
struct session {
	struct list link; // service::sessions
	uint64_t id;
	struct service *service;
	struct credentials credentials;
	struct owner owner;
	uint64_t connected_ms;
	bool greeted; /* HELLO was answered */

	/* the request under way */
	uint16_t opcode;
	uint32_t serial;
	struct loan *loan;     /* owned; ALLOC */
	struct bounce *bounce; /* owned; CPU_BEGIN, CPU_END */
	struct patrol *patrol; /* owned; CHECK */
	bool waiting;	       /* until session_fn is called */
	int result;
	session_fn *ready;
	void *data;
};

/* credentials are taken over where this returns 0; else -ENOMEM. */
int session_new_consume(struct session **sessionp, struct service *service,
			struct credentials *credentials, session_fn *ready,
			void *data);
/* Ends the session: what it waits for is called off, and its buffers go when
 * their holders do.  Returns NULL. */
struct session *session_free(struct session *session);

/* Whether it may know of the buffer: its uid was lent it, it administers the
 * region, or the token proves that it holds a descriptor. */
bool session_may_know(const struct session *session,
		      const struct buffer *buffer, uint64_t token);

/* Whether the buffer was lent to it.  Of one that an earlier daemon lent, only
 * the uid is known: that is every session of this uid. */
bool session_owns(const struct session *session, const struct buffer *buffer);

/* Whether there is an answer to be made, by request_resume(). */
static inline bool session_has_answer(const struct session *session)
{
	return !session->waiting &&
	       (session->loan || session->bounce || session->patrol);
}

/* Whether it has a right in a region; NULL: in the daemon as a whole. */
bool session_may(const struct session *session, enum config_right right,
		 const struct region *region);

#endif
