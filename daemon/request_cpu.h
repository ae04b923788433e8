/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REQUEST_CPU_H
#define DAEMON_REQUEST_CPU_H

#include "daemon/request.h"

/* CPU_BEGIN and CPU_END. */
enum request_outcome request_cpu(struct session *session,
				 const union message *request,
				 struct reply *reply);
void request_cpu_resume(struct session *session, struct reply *reply);

#endif
