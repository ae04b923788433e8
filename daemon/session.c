/* SPDX-License-Identifier: MIT */
#include "daemon/session.h"

#include <errno.h>
#include <stdlib.h>

#include "util/cleanup.h"
#include "util/clock.h"

/*
 * A session waits with at most one request: ALLOC for memory, CPU_BEGIN,
 * CPU_END and CHECK for the worker.  While it does, the client's further
 * messages are not read, so a client never owes the daemon more than one
 * answer's worth of memory.
 *
 * A client may go in the middle of that.  A parked loan is called off; what the
 * worker may be inside of is not: it is left alone, and frees itself when it is
 * done.
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

static void forget_bounce(struct bounce *bounce, int result)
{
	struct lender *lender = bounce->data;

	(void)result;
	(void)lender_bounce_free(lender, bounce);
}

static void forget_patrol(struct patrol *patrol, int result)
{
	struct lender *lender = patrol->data;

	(void)result;
	(void)lender_patrol_free(lender, patrol);
}

static void leave_patrol(struct session *session)
{
	struct lender *lender = session->service->lender;

	if (session->waiting) {
		session->patrol->done = forget_patrol;
		session->patrol->data = lender;
		session->patrol = NULL;
	} else {
		session->patrol = lender_patrol_free(lender, session->patrol);
	}
}

struct session *session_free(struct session *session)
{
	struct lender *lender = session->service->lender;

	if (session->loan) {
		lender_cancel(lender, session->loan);
		session->loan = loan_free(session->loan);
	}
	if (session->bounce && session->waiting) {
		session->bounce->done = forget_bounce;
		session->bounce->data = lender;
	} else if (session->bounce) {
		(void)lender_bounce_free(lender, session->bounce);
	}
	if (session->patrol)
		leave_patrol(session);
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
