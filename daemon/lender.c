/* SPDX-License-Identifier: MIT */
#include "daemon/lender.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/attempt.h"
#include "daemon/choice.h"
#include "util/clock.h"
#include "util/log.h"

/*
 * The centre of the daemon.  A request for memory is tried at once.  Where
 * memory is short, nobody is told so before everything that could help has been
 * waited for, in this order:
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
 * served does not hold up a smaller one behind it.
 *
 * Nothing here calls back into itself: what returns memory only sets a timer of
 * 0 ms, and the retry runs from the top of the loop.
 */

static void arm_reaper(struct lender *lender)
{
	uint64_t now = clock_ms();
	int64_t delay = reaper_delay_ms(&lender->reaper, now);

	if (delay < 0) {
		if (lender->reaper_armed)
			timer_stop(lender->reaper_timer);
		lender->reaper_armed = false;
		return;
	}
	if (lender->reaper_armed &&
	    lender->reaper_due_ms <= now + (uint64_t)delay)
		return;
	lender->reaper_armed = true;
	lender->reaper_due_ms = now + (uint64_t)delay;
	timer_set(lender->reaper_timer, (uint64_t)delay);
}

static void retry_soon(struct lender *lender)
{
	if (!list_empty(&lender->parked))
		timer_set(lender->retry_timer, 0);
}

static void on_reaper_timer(void *data)
{
	struct lender *lender = data;
	uint64_t call = loop_calls(lender->loop);
	bool alone = call == lender->reaper_call + 1;

	lender->reaper_armed = false;
	lender->reaper_call = call;
	if (alone)
		reaper_run_alone(&lender->reaper, clock_ms());
	else
		reaper_run(&lender->reaper, clock_ms());
	retry_soon(lender);
	arm_reaper(lender);
}

static void on_closing(void *data, struct closing *closing)
{
	struct lender *lender = data;

	reaper_told(&lender->reaper, closing, clock_ms());
}

static void on_closings(void *data)
{
	struct lender *lender = data;

	/* of whatever was not told, a sweep finds out */
	if (closings_read(&lender->closings, on_closing, lender) != 0)
		(void)reaper_want_sweep(&lender->reaper);
	arm_reaper(lender);
}

/* Nothing is left to be done with a buffer. */
static void on_returned(void *data, struct buffer *buffer)
{
	struct lender *lender = data;
	struct region *region = buffer->region;

	(void)buffer_free(buffer, BUFFER_USED);
	scrubber_kick(&lender->scrubber, region, !list_empty(&lender->parked));
	retry_soon(lender);
}

/* The reaper found a buffer that nobody holds. */
static void on_unheld(void *data, struct buffer *buffer)
{
	struct lender *lender = data;

	registry_remove(&lender->registry, buffer);
	reaper_remove(&lender->reaper, buffer);
	if (buffer->object->guard_bytes > 0)
		warden_return(&lender->warden, buffer, clock_ms(),
			      !list_empty(&lender->parked));
	else
		on_returned(lender, buffer);
}

static void on_cleaned(void *data, struct region *region)
{
	struct lender *lender = data;

	(void)region;
	retry_soon(lender);
}

static void on_worker(void *data)
{
	struct lender *lender = data;

	worker_dispatch(lender->worker);
}

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
	arm_reaper(lender);
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
	arm_reaper(lender);
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
	arm_reaper(lender);
}

void lender_allocate(struct lender *lender, struct loan *loan)
{
	loan->parked_ms = clock_ms();
	loan->sweep_ticket = 0;
	if (decide(lender, loan))
		return;
	loan->sweep_ticket = reaper_want_sweep(&lender->reaper);
	list_append(&lender->parked, &loan->link);
	if (reaper_has_swept(&lender->reaper, loan->sweep_ticket))
		retry_soon(lender); /* there is no buffer to look at */
	arm_reaper(lender);
}

void lender_cancel(struct lender *lender, struct loan *loan)
{
	list_remove(&loan->link);
	if (!loan->filling)
		return;
	/* the worker is at it: the buffers are lent to nobody when it ends */
	lender_patrol_abandon(lender, loan->filling);
	loan->filling = NULL;
}

void lender_hint(struct lender *lender, struct buffer *buffer, bool by_owner)
{
	uint64_t now = clock_ms();

	if (!reaper_check(&lender->reaper, buffer)) {
		if (by_owner)
			buffer_drain(buffer, now);
		reaper_hint_again(&lender->reaper, buffer, now);
	}
	arm_reaper(lender); /* where it has ended, others may come earlier */
}

void lender_owner_gone(struct lender *lender, struct owner *owner)
{
	uint64_t now = clock_ms();
	struct buffer *buffer, *tmp;

	/* Only marked here: looking at thousands at once would hold up
	 * everybody, and the reaper begins in the next round. */
	list_for_each_safe (buffer, tmp, &owner->buffers, owner_link) {
		buffer_orphan(buffer, now);
		reaper_hint(&lender->reaper, buffer, now);
	}
	arm_reaper(lender);
}

struct patrol *lender_inspect(struct lender *lender, const struct region *region,
			      uint64_t after, patrol_fn *done, void *data)
{
	return warden_inspect(&lender->warden, region, after, done, data);
}

struct patrol *lender_patrol_free(struct lender *lender, struct patrol *patrol)
{
	uint64_t now = clock_ms();

	/* The last holder may have gone meanwhile. */
	for (size_t i = 0; i < patrol->n; i++)
		reaper_hint(&lender->reaper, patrol->buffers[i], now);
	arm_reaper(lender);
	return warden_patrol_free(patrol);
}

static void forget_patrol(struct patrol *patrol, int result)
{
	(void)result;
	(void)lender_patrol_free(patrol->data, patrol);
}

void lender_patrol_abandon(struct lender *lender, struct patrol *patrol)
{
	patrol->done = forget_patrol;
	patrol->data = lender;
}

struct bounce *lender_bounce(struct lender *lender, struct buffer *buffer,
			     const struct bounce *what)
{
	struct bounce *bounce = bounce_start(lender->worker, buffer, what);

	if (bounce)
		list_append(&lender->bounces, &bounce->link);
	return bounce;
}

struct bounce *lender_bounce_free(struct lender *lender, struct bounce *bounce)
{
	/* The last holder may have gone during the copy. */
	reaper_hint(&lender->reaper, bounce->buffer, clock_ms());
	arm_reaper(lender);
	return bounce_free(bounce);
}

static void forget_bounce(struct bounce *bounce, int result)
{
	(void)result;
	(void)lender_bounce_free(bounce->data, bounce);
}

void lender_bounce_abandon(struct lender *lender, struct bounce *bounce)
{
	bounce->done = forget_bounce;
	bounce->data = lender;
}

int lender_add_region_consume(struct lender *lender, struct region *region)
{
	int r = scrubber_add(&lender->scrubber, region);

	if (r < 0)
		return r;
	list_append(&lender->regions, &region->link);
	lender->n_regions++;
	scrubber_kick(&lender->scrubber, region, false);
	return 0;
}

void lender_use_vault(struct lender *lender, struct vault *vault)
{
	lender->vault = vault;
	lender->next_id = vault_first_id(vault);
}

void lender_add_buffer(struct lender *lender, struct buffer *buffer)
{
	registry_add(&lender->registry, buffer);
	reaper_add(&lender->reaper, buffer, clock_ms());
	/* its last holder may have gone while nobody looked */
	(void)reaper_want_sweep(&lender->reaper);
	arm_reaper(lender);
}

struct region *lender_find_region(const struct lender *lender, const char *name)
{
	struct region *region;

	list_for_each (region, &lender->regions, link)
		if (strcmp(region->name, name) == 0)
			return region;
	return NULL;
}

struct region *lender_get_region(const struct lender *lender, uint32_t id)
{
	struct region *region;

	list_for_each (region, &lender->regions, link)
		if (region->id == id)
			return region;
	return NULL;
}

struct region *lender_default_region(const struct lender *lender)
{
	struct region *region;

	list_for_each (region, &lender->regions, link)
		if (region->is_default)
			return region;
	return NULL;
}

/* Without it everything works, but asking takes more time. */
static int listen_for_closings(struct lender *lender, struct loop *loop)
{
	struct error why = ERROR_INIT;

	if (closings_init(&lender->closings, &why) < 0) {
		log_warning("buffers are asked after their holders, since "
			    "nothing tells: %s",
			    why.text);
		return 0;
	}
	return watch_new(&lender->closings_watch, loop, lender->closings.fd,
			 LOOP_READ, on_closings, lender);
}

int lender_new(struct lender **lenderp, struct loop *loop)
{
	_cleanup_(lender_freep) struct lender *lender =
		calloc(1, sizeof(*lender));
	int r;

	if (!lender)
		return -ENOMEM;
	list_init(&lender->regions);
	list_init(&lender->parked);
	list_init(&lender->bounces);
	registry_init(&lender->registry);
	accounts_init(&lender->accounts);
	lender->next_id = 1;
	lender->loop = loop;
	lender->closings.fd = -1;
	reaper_init(&lender->reaper, &lender->closings, on_unheld, lender);
	scrubber_init(&lender->scrubber, NULL, on_cleaned, lender);
	r = warden_init(&lender->warden, NULL, &lender->registry, on_returned,
			lender);
	if (r < 0)
		return r;
	r = worker_new(&lender->worker);
	if (r < 0)
		return r;
	lender->scrubber.worker = lender->worker;
	lender->warden.worker = lender->worker;
	r = watch_new(&lender->worker_watch, loop, worker_fd(lender->worker),
		      LOOP_READ, on_worker, lender);
	if (r < 0)
		return r;
	r = timer_new(&lender->reaper_timer, loop, on_reaper_timer, lender);
	if (r < 0)
		return r;
	r = timer_new(&lender->retry_timer, loop, on_retry_timer, lender);
	if (r < 0)
		return r;
	r = listen_for_closings(lender, loop);
	if (r < 0)
		return r;
	*lenderp = TAKE_PTR(lender);
	return 0;
}

struct lender *lender_free(struct lender *lender)
{
	struct buffer *buffer;
	struct region *region, *next;
	struct bounce *bounce;

	if (!lender)
		return NULL;
	(void)watch_free(lender->worker_watch);
	(void)watch_free(lender->closings_watch);
	(void)timer_free(lender->reaper_timer);
	(void)timer_free(lender->retry_timer);
	if (lender->worker)
		(void)worker_free(lender->worker);
	while ((bounce = list_first(&lender->bounces, struct bounce, link))) {
		bounce->buffer->pins--;
		(void)bounce_free(bounce);
	}
	warden_deinit(&lender->warden);
	while ((buffer = registry_next(&lender->registry, 0))) {
		registry_remove(&lender->registry, buffer);
		reaper_remove(&lender->reaper, buffer);
		(void)buffer_free(buffer, BUFFER_LEFT);
	}
	closings_deinit(&lender->closings);
	scrubber_deinit(&lender->scrubber);
	list_for_each_safe (region, next, &lender->regions, link)
		(void)region_free(region);
	free(lender);
	return NULL;
}
