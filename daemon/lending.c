/* SPDX-License-Identifier: MIT */
#include "daemon/lending.h"

#include <errno.h>
#include <string.h>

#include "daemon/attempt.h"
#include "daemon/choice.h"
#include "daemon/lender.h"
#include "util/clock.h"

/*
 * A request for memory is tried at once, and where memory is short once more
 * when what the kernel has told was heard.  Nobody is told that it is short
 * before everything that could help has been waited for, in this order:
 *
 *	1. every buffer is looked at once more: holders may have gone unsaid;
 *	2. what began to drain a moment ago gets a moment: a process that is
 *	   killed lets go of one descriptor after the other;
 *	3. what was dirty by then is zeroed.
 *
 * Memory behind which there is a guard has its guard filled before the client
 * gets it, and compared before it is zeroed; both take a trip to the worker.
 * Other memory does not wait for that.
 *
 * Each of the three ends by itself, whatever other clients do meanwhile, so a
 * request is never parked for ever.  Whenever memory comes back, all parked
 * requests are tried again in the order in which they came; one that cannot be
 * served does not hold up a smaller one behind it.  That sets a timer of 0 ms
 * and no more, so that who returns memory never finds it lent when he goes on.
 */

static struct choice choice_of(const struct lender *lender)
{
	return (struct choice){&lender->regions, lender->policy};
}

static void hand_over(struct lender *lender, struct loan *loan)
{
	lender->allocations += loan->n_lent;
	loan->done(loan, 0);
}

/* The buffers are known and nobody holds them: the reaper takes them back. */
static void take_back(struct lender *lender, struct loan *loan, int result)
{
	const struct region *region = loan->buffers[0]->region;
	struct error why = ERROR_INIT;

	loan_close_fds(loan);
	for (size_t i = 0; i < loan->n_lent; i++)
		reaper_hint(&lender->reaper, loan->buffers[i], clock_ms());
	loan->n_lent = 0;
	lender_arm_reaper(lender);
	lender->refusals++;
	error_write(&why, "its guards cannot be filled: %s", strerror(-result));
	loan_explain(loan, region,
		     &(struct loan_failure){
			     .reason = loan_reason(result),
			     .why = why,
		     },
		     &loan->refusal);
	loan->done(loan, (int)loan->refusal.reason);
}

static void on_filled(struct patrol *patrol, int result)
{
	struct loan *loan = patrol->data;
	struct lender *lender = loan->lender;

	loan->filling = warden_patrol_free(patrol); /* the loan holds them */
	if (result < 0)
		take_back(lender, loan, result);
	else
		hand_over(lender, loan);
}

static void settle(struct lender *lender, struct loan *loan)
{
	uint64_t now = clock_ms();

	for (size_t i = 0; i < loan->n_lent; i++) {
		registry_add(&lender->registry, loan->buffers[i]);
		reaper_add(&lender->reaper, loan->buffers[i], now);
	}
	lender_arm_reaper(lender);
	if (loan->buffers[0]->object->guard_bytes == 0) {
		hand_over(lender, loan);
		return;
	}
	loan->lender = lender;
	loan->filling = warden_fill(&lender->warden, loan->buffers,
				    loan->n_lent, on_filled, loan);
	if (!loan->filling)
		take_back(lender, loan, -ENOMEM);
}

static void refuse(struct lender *lender, struct loan *loan,
		   const struct attempt *attempt)
{
	lender->refusals++;
	attempt_explain(attempt, loan);
	loan->done(loan, (int)loan->refusal.reason);
}

static void hurry(struct lender *lender, const struct loan *loan)
{
	const struct choice choice = choice_of(lender);
	struct region *region = NULL;

	while ((region = choice_next(&choice, &loan->want, region)))
		scrubber_kick(&lender->scrubber, region, true);
	warden_hurry(&lender->warden);
}

/* Tries a request; true where it is decided and no longer the lender's. */
static bool decide(struct lender *lender, struct loan *loan)
{
	const struct choice choice = choice_of(lender);
	struct attempt attempt;
	bool swept;

	swept = loan->sweep_ticket &&
		reaper_has_swept(&lender->reaper, loan->sweep_ticket);
	if (!swept)
		loan->dirt_ticket = UINT64_MAX;
	else if (loan->dirt_ticket == UINT64_MAX || loan->in_grace)
		loan->dirt_ticket = lender->ticket;
	if (attempt_run(&attempt, &choice, loan, &lender->next_id)) {
		list_remove(&loan->link);
		settle(lender, loan);
		return true;
	}
	if (!attempt.short_of_memory ||
	    (swept && attempt.grace_ms == 0 && !attempt.dirt)) {
		list_remove(&loan->link);
		refuse(lender, loan, &attempt);
		return true;
	}
	/* what drains in the grace is waited for as well */
	loan->in_grace = swept && attempt.grace_ms > 0;
	if (loan->in_grace)
		timer_set(lender->retry_timer, attempt.grace_ms);
	hurry(lender, loan);
	return false;
}

static void on_retry_timer(void *data)
{
	struct lender *lender = data;
	struct loan *loan, *tmp;

	list_for_each_safe (loan, tmp, &lender->parked, link)
		(void)decide(lender, loan);
	lender_arm_reaper(lender);
}

void lending_retry_soon(struct lender *lender)
{
	if (!list_empty(&lender->parked))
		timer_set(lender->retry_timer, 0);
}

void lending_begin(struct lender *lender, struct loan *loan)
{
	loan->parked_ms = clock_ms();
	loan->sweep_ticket = 0;
	if (decide(lender, loan))
		return;
	/* what the kernel has told, and nobody read yet, may be enough */
	if (lender_catch_up(lender) && decide(lender, loan))
		return;
	loan->sweep_ticket = reaper_want_sweep(&lender->reaper);
	list_append(&lender->parked, &loan->link);
	if (reaper_has_swept(&lender->reaper, loan->sweep_ticket))
		lending_retry_soon(lender); /* there is no buffer to look at */
	lender_arm_reaper(lender);
}

void lending_cancel(struct lender *lender, struct loan *loan)
{
	list_remove(&loan->link);
	if (!loan->filling)
		return;
	/* the worker is at it: the buffers are lent to nobody when it ends */
	lender_patrol_abandon(lender, loan->filling);
	loan->filling = NULL;
}

int lending_init(struct lender *lender, struct loop *loop)
{
	list_init(&lender->parked);
	return timer_new(&lender->retry_timer, loop, on_retry_timer, lender);
}

void lending_deinit(struct lender *lender)
{
	(void)timer_free(lender->retry_timer);
}
