/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"
#include "daemon/lender.h"
#include "daemon/policy.h"
#include "util/list.h"

#define SERVICE_MAX_BACKENDS 8

/*
 * What every request can draw on: the lender, the policy, what start-up found
 * out about backends, and the list of all sessions.
 */
struct service {
	struct lender *lender;	     /* borrowed */
	const struct policy *policy; /* borrowed */
	struct {
		const struct backend *backend;
		struct backend_report report;
	} probed[SERVICE_MAX_BACKENDS];
	size_t n_probed;
	uint64_t started_ms;
	struct list sessions; // session::link, by id
	size_t n_sessions;
	uint64_t next_session_id;
};

void service_init(struct service *service, struct lender *lender,
		  const struct policy *policy);

/* Probes every backend and logs what each one said. */
void service_probe(struct service *service,
		   const struct backend_options *options);

/* What probing the backend said, or NULL where it was not probed. */
const struct backend_report *service_report(const struct service *service,
					    const struct backend *backend);

#endif
