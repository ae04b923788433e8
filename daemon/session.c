/* SPDX-License-Identifier: MIT */
#include "daemon/session.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/lending.h"
#include "util/cleanup.h"
#include "util/clock.h"

/*
 * A session waits with at most one request: ALLOC for memory, CPU_BEGIN,
 * CPU_END and CHECK for the worker.  While it does, the client's further
 * messages are not read, so a client never owes the daemon more than one
 * answer's worth of memory.
 *
 * A client may go in the middle of that.  A parked loan is called off; what the
 * worker may be inside of is not: that is abandoned to the lender.
 */

static void tell(const struct service *service)
{
	if (service->changed)
		service->changed(service->changed_data);
}

int session_new_consume(struct session **sessionp, struct service *service,
			struct credentials *credentials, session_fn *ready,
			void *data)
{
	_cleanup_free_ struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return -ENOMEM;
	r = owner_init(&session->owner, &service->lender->accounts,
		       credentials->uid);
	if (r < 0)
		return r;
	session->id = service->next_session_id++;
	session->service = service;
	session->credentials = *credentials;
	session->connected_ms = clock_ms();
	session->ready = ready;
	session->data = data;
	list_append(&service->sessions, &session->link);
	service->n_sessions++;
	tell(service);
	*sessionp = TAKE_PTR(session);
	return 0;
}

struct session *session_free(struct session *session)
{
	struct lender *lender = session->service->lender;

	if (session->loan) {
		lending_cancel(lender, session->loan);
		session->loan = loan_free(session->loan);
	}
	if (session->bounce && session->waiting)
		lender_bounce_abandon(lender, session->bounce);
	else if (session->bounce)
		(void)lender_bounce_free(lender, session->bounce);
	if (session->patrol && session->waiting)
		lender_patrol_abandon(lender, session->patrol);
	else if (session->patrol)
		(void)lender_patrol_free(lender, session->patrol);
	lender_owner_gone(lender, &session->owner);
	owner_deinit(&session->owner);
	list_remove(&session->link);
	session->service->n_sessions--;
	tell(session->service);
	credentials_deinit(&session->credentials);
	free(session);
	return NULL;
}

bool session_may_know(const struct session *session,
		      const struct buffer *buffer, uint64_t token)
{
	return (token != 0 && token == buffer->object->token) ||
	       buffer_owner_uid(buffer) == session->credentials.uid ||
	       session_may(session, CONFIG_ADMIN, buffer->region);
}

bool session_owns(const struct session *session, const struct buffer *buffer)
{
	return buffer->owner ? buffer->owner == &session->owner
			     : buffer_owner_uid(buffer) ==
				       session->credentials.uid;
}

bool session_may(const struct session *session, enum config_right right,
		 const struct region *region)
{
	return policy_allows(session->service->policy, right, region,
			     &session->credentials);
}
