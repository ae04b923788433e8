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
		.lender = lender,
		.policy = policy,
		.started_ms = clock_ms(),
		.next_session_id = 1,
	};
	list_init(&service->sessions);
}
