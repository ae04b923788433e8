/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/lender.h"
#include "daemon/policy.h"
#include "daemon/probes.h"
#include "util/list.h"

/*
 * What every request can draw on: the lender, the policy, what start-up found
 * out about backends, and the list of all sessions.
 */
struct service {
	struct lender *lender;	     /* borrowed */
	const struct policy *policy; /* borrowed */
	struct probes probes;
	uint64_t started_ms;
	struct list sessions; // session::link, by id
	size_t n_sessions;
	uint64_t next_session_id;
	void (*changed)(void *data); /* a session came or went; may be NULL */
	void *changed_data;
};

/* lender may be NULL until service_set_lender(). */
void service_init(struct service *service, struct lender *lender,
		  const struct policy *policy);

/* The lender that requests go to, under the policy from now on. */
void service_set_lender(struct service *service, struct lender *lender);

#endif
