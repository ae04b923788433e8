/* SPDX-License-Identifier: MIT */
#include "daemon/attempt.h"

#include "daemon/quota.h"
#include "daemon/usable.h"
#include "util/clock.h"

/*
 * A region that says no is asked why.  What is lent, draining, dirty or on its
 * way past its guard may yet become room for the request; what is too large for
 * the region, or lacks a descriptor, will not.  The same goes for the owner's
 * quota, since what he has lent out may be nobody's any more.
 *
 * Of several regions that refuse, the client is told of the one that came
 * closest to serving.
 *
 * An attempt changes nothing but the memory that it takes, and knows nothing of
 * who else waits.
 */

/* Whether what is dirty or draining could ever make room for the request. */
static bool could_help(const struct loan *loan, const struct region *region,
		       uint64_t extra_bytes)
{
	uint64_t total = want_total_bytes(&loan->want, region);

	return total <= usable_bytes(region, loan->want.who) + extra_bytes;
}

/* Milliseconds for which a request should wait for what drains since then. */
static uint64_t grace_left_ms(const struct loan *loan, uint64_t drained_ms,
			      uint64_t now)
{
	uint64_t end = drained_ms + ATTEMPT_GRACE_MS;
	uint64_t limit = loan->parked_ms + ATTEMPT_GRACE_MAX_MS;

	if (end > limit)
		end = limit;
	return end > now ? end - now : 0;
}

/* The same for what drains in a region. */
static uint64_t grace_ms(const struct loan *loan, const struct region *region,
			 uint64_t now)
{
	/* all guards, as it is not counted how many of them drain */
	if (region->draining_bytes == 0 ||
	    !could_help(loan, region,
			region->draining_bytes + region->guarding_bytes))
		return 0;
	return grace_left_ms(loan, region->drained_ms, now);
}

static void keep_closest(struct attempt *attempt, const struct region *region,
			 const struct loan_failure *failure)
{
	if (attempt->closest &&
	    refusal_closeness(failure->reason) <=
		    refusal_closeness(attempt->failure.reason))
		return;
	attempt->closest = region;
	attempt->failure = *failure;
}

/* One region said no: notes why, and whether waiting could change that. */
static void note_failure(struct attempt *attempt, const struct loan *loan,
			 const struct region *region,
			 const struct loan_failure *failure)
{
	uint64_t grace;

	keep_closest(attempt, region, failure);
	if (failure->outcome != SPACE_E_FULL &&
	    failure->outcome != SPACE_E_FRAGMENTED &&
	    failure->outcome != SPACE_E_CONSTRAINT)
		return;
	if (could_help(loan, region,
		       region->lent_bytes + region->draining_bytes +
			       region->guarding_bytes))
		attempt->short_of_memory = true;
	grace = grace_ms(loan, region, clock_ms());
	if (grace > attempt->grace_ms)
		attempt->grace_ms = grace;
	if (dirt_waits(&region->dirt, loan->dirt_ticket) &&
	    could_help(loan, region, region->dirt.awaited_bytes))
		attempt->dirt = true;
}

/* What returned stays charged until its guard was looked at. */
static bool is_charge_returning(const struct choice *choice,
				const struct loan *loan)
{
	const struct region *region;

	list_for_each (region, choice->regions, link)
		if (dirt_awaits(&region->dirt, loan->dirt_ticket))
			return true;
	return false;
}

/* Whether the owner's quota says no. */
static bool is_over_quota(struct attempt *attempt, const struct loan *loan,
			  const struct region *region)
{
	const struct policy *policy = attempt->choice.policy;
	const struct account *account = loan->owner->account;
	const struct quota_charge charge = {
		.bytes = want_charge_bytes(&loan->want, region),
		.buffers = loan->want.count,
	};
	struct loan_failure failure = {.reason = CONTIG_MSG_R_QUOTA};
	uint64_t grace;

	if (!policy || !loan->want.who)
		return false;
	failure.quota = quota_check(policy, loan->want.who, account, &charge,
				    &failure.why);
	if (!failure.quota)
		return false;
	keep_closest(attempt, region, &failure);
	if (failure.quota == QUOTA_E_NEVER)
		return true;
	attempt->short_of_memory = true;
	if (is_charge_returning(&attempt->choice, loan))
		attempt->dirt = true;
	grace = account->draining_bytes
			? grace_left_ms(loan, account->drained_ms, clock_ms())
			: 0;
	if (grace > attempt->grace_ms)
		attempt->grace_ms = grace;
	return true;
}

bool attempt_run(struct attempt *attempt, const struct choice *choice,
		 struct loan *loan, uint64_t *next_idp)
{
	struct loan_failure failure;
	struct region *region = NULL;

	*attempt = (struct attempt){.choice = *choice};
	while ((region = choice_next(choice, &loan->want, region))) {
		if (is_over_quota(attempt, loan, region))
			continue;
		if (loan_try(loan, region, next_idp, &failure) == 0)
			return true;
		note_failure(attempt, loan, region, &failure);
	}
	return false;
}

static void explain_closest(const struct attempt *attempt, struct loan *loan)
{
	const struct loan_failure *failure = &attempt->failure;
	const struct policy *policy = attempt->choice.policy;
	struct refusal *refusal = &loan->refusal;

	loan_explain(loan, attempt->closest, failure, refusal);
	if (failure->quota) {
		refusal->requested_bytes =
			want_charge_bytes(&loan->want, attempt->closest);
		refusal->draining_bytes = loan->owner->account->draining_bytes;
	} else if (failure->outcome && policy) {
		policy_name_reservations(policy, attempt->closest,
					 loan->want.who, refusal);
	}
}

void attempt_explain(const struct attempt *attempt, struct loan *loan)
{
	if (attempt->closest)
		explain_closest(attempt, loan);
	else
		choice_refuse(&attempt->choice, &loan->want, &loan->refusal);
}
