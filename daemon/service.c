/* SPDX-License-Identifier: MIT */
#include "daemon/service.h"

#include "util/clock.h"

/*
 * Of one service there is one: requests are handed a pointer to it instead of
 * finding their surroundings in global variables, so that a test can have
 * several.
 */

void service_init(struct service *service, struct lender *lender,
		  const struct policy *policy)
{
	*service = (struct service){
		.policy = policy,
		.started_ms = clock_ms(),
		.next_session_id = 1,
	};
	list_init(&service->sessions);
	if (lender)
		service_set_lender(service, lender);
}

void service_set_lender(struct service *service, struct lender *lender)
{
	service->lender = lender;
	lender->policy = service->policy;
}
