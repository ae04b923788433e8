/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REQUEST_ALLOC_H
#define DAEMON_REQUEST_ALLOC_H

#include "daemon/request.h"

/* ALLOC. */
enum request_outcome request_alloc(struct session *session,
				   const union message *request,
				   struct reply *reply);
void request_alloc_resume(struct session *session, struct reply *reply);

#endif
