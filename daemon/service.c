/* SPDX-License-Identifier: MIT */
#include "daemon/service.h"

#include <assert.h>

#include "util/clock.h"
#include "util/log.h"

/*
 * Backends are probed once, at start-up, with the privileges that the daemon
 * has then.  What they said is logged and kept, so that a client can read it
 * long after: "which memory does this machine give, and if not, why not" is the
 * first question of everybody who sets up a board.
 */

void service_init(struct service *service, struct lender *lender,
		  const struct policy *policy)
{
	*service = (struct service){
		.lender = lender,
		.policy = policy,
		.started_ms = clock_ms(),
		.next_session_id = 1,
	};
	list_init(&service->sessions);
}

void service_probe(struct service *service,
		   const struct backend_options *options)
{
	for (size_t i = 0; backends[i]; i++) {
		struct backend_report *report;

		assert(i < SERVICE_MAX_BACKENDS);
		report = &service->probed[i].report;
		service->probed[i].backend = backends[i];
		backends[i]->probe(options, report);
		service->n_probed = i + 1;
		log_info("backend %s %s: %s", backends[i]->name,
			 report->serves ? "serves" : "cannot serve",
			 report->text);
	}
}

const struct backend_report *service_report(const struct service *service,
					    const struct backend *backend)
{
	for (size_t i = 0; i < service->n_probed; i++)
		if (service->probed[i].backend == backend)
			return &service->probed[i].report;
	return NULL;
}
