/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REQUEST_CHECK_H
#define DAEMON_REQUEST_CHECK_H

#include "daemon/request.h"

/* CHECK: guards are compared; administrators only. */
enum request_outcome request_check(struct session *session,
				   const union message *request,
				   struct reply *reply);

/* The worker has gone through them: fills in what was found. */
void request_check_resume(struct session *session, struct reply *reply);

#endif
