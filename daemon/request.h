/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REQUEST_H
#define DAEMON_REQUEST_H

#include <stddef.h>

#include "daemon/reply.h"
#include "daemon/session.h"
#include "proto/form.h"

enum request_outcome {
	REQUEST_ANSWERED, /* the reply is to be sent */
	REQUEST_SILENT,	  /* there is no reply */
	REQUEST_WAITS,	  /* session_fn will be called */
	REQUEST_ENDS,	  /* send the reply where possible, then disconnect */
};

/* Handles one datagram of a client, as it came off the socket. */
enum request_outcome request_handle(struct session *session,
				    const union message *request,
				    size_t size_bytes, struct reply *reply);

/* Answers the request that the session waited with, after session_fn.  The
 * reply's descriptors are valid until request_finish(). */
void request_resume(struct session *session, struct reply *reply);

/* The reply was sent, or copied: lets go of what stood behind it. */
void request_finish(struct session *session);

#endif
