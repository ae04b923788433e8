/* SPDX-License-Identifier: MIT */
#include "daemon/request_check.h"

#include "daemon/damage.h"
#include "daemon/entry.h"

/*
 * One request is one patrol: a page's worth of buffers, which are compared off
 * the loop while the session waits.  They stay pinned until the answer is made,
 * so that what it says of them is true.  The client asks again behind the last
 * one; nothing is kept between two requests, however many buffers there are.
 *
 * The answer repeats what it finds each time; counted and logged is each
 * damaged guard once, wherever it is noticed first.
 */

static void on_checked(struct patrol *patrol, int result)
{
	struct session *session = patrol->data;

	(void)result; /* each buffer has its own */
	session->waiting = false;
	session->ready(session->data);
}

/* True where the answer is a refusal: of those that are asked for, the first
 * region that the client does not administer; NULL: the daemon as a whole. */
static bool is_denied(const struct session *session, const struct region *region,
		      struct reply *reply)
{
	char rule[POLICY_RULE_BYTES];

	if (session_may(session, CONFIG_ADMIN, region))
		return false;
	reply_error(reply, session->serial, CONTIG_MSG_R_DENIED,
		    "guards are checked for administrators%s%s%s only, and uid "
		    "%u is none (%s)",
		    region ? " of region '" : "", region ? region->name : "",
		    region ? "'" : "", session->credentials.uid,
		    policy_rule(session->service->policy, rule, CONFIG_ADMIN,
				region));
	return true;
}

enum request_outcome request_check(struct session *session,
				   const union message *request,
				   struct reply *reply)
{
	struct lender *lender = session->service->lender;
	const char *name = request->check.region;
	const struct region *region = NULL, *each;

	if (name[0]) {
		region = lender_find_region(lender, name);
		if (!region) {
			reply_error(reply, session->serial,
				    CONTIG_MSG_R_NO_REGION,
				    "there is no region '%s'", name);
			return REQUEST_ANSWERED;
		}
	}
	if (is_denied(session, region, reply))
		return REQUEST_ANSWERED;
	list_for_each (each, &lender->regions, link)
		if (!region && is_denied(session, each, reply))
			return REQUEST_ANSWERED;
	session->patrol = lender_inspect(lender, region, request->check.after,
					 on_checked, session);
	if (!session->patrol) {
		reply_error(reply, session->serial, CONTIG_MSG_R_RESOURCE,
			    "the daemon is out of memory");
		return REQUEST_ANSWERED;
	}
	session->waiting = true;
	return REQUEST_WAITS;
}

void request_check_resume(struct session *session, struct reply *reply)
{
	const struct patrol *patrol = session->patrol;
	struct contig_msg_check_reply *answer;

	reply_begin(reply, CONTIG_MSG_CHECK, session->serial);
	answer = &reply->message->check_reply;
	for (size_t i = 0; i < patrol->n; i++) {
		const struct guard_damage *damage = &patrol->passes[i].damage;
		const struct buffer *buffer = patrol->buffers[i];

		answer->last = buffer->id;
		if (patrol->results[i] < 0) {
			answer->unreadable++;
			continue;
		}
		answer->checked++;
		if (damage->bytes > 0)
			entry_set_damage(reply_add(reply), buffer, damage,
					 session);
	}
	answer->more = patrol_is_full(patrol);
	session->patrol =
		lender_patrol_free(session->service->lender, session->patrol);
}
