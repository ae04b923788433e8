/* SPDX-License-Identifier: MIT */
#include "daemon/lender.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lending.h"
#include "util/clock.h"
#include "util/log.h"

/*
 * The centre of the daemon, where what looks after memory comes together: the
 * reaper finds out who holds a buffer no more, the warden compares the guard
 * behind it, the scrubber zeroes what it had.  What is decided about requests
 * is decided in lending.c.
 *
 * The reaper says when it wants to look again, and whatever it is told may
 * change that: so its timer is set anew behind each of these.
 *
 * A buffer ends only while nobody looks at it.  Where somebody did, for a copy
 * or an inspection, the reaper gets a hint when he is done, as the last holder
 * may have gone meanwhile.
 *
 * Nothing here calls back into itself: what returns memory only has the parked
 * requests tried again, which runs from the top of the loop.
 */

void lender_arm_reaper(struct lender *lender)
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
	lending_retry_soon(lender);
	lender_arm_reaper(lender);
}

static void on_closing(void *data, struct closing *closing)
{
	struct buffer *buffer = container_of(closing, struct buffer, closing);
	struct lender *lender = data;

	/* Whoever reads may have to know now; what does not fit is looked at in
	 * the next round. */
	if (lender->n_told++ < REAPER_SLICE &&
	    reaper_check(&lender->reaper, buffer))
		return;
	reaper_told(&lender->reaper, closing, clock_ms());
}

static bool read_closings(void *data)
{
	struct lender *lender = data;
	int r;

	lender->n_told = 0;
	r = closings_read(&lender->closings, on_closing, lender);
	if (r != 0) /* of whatever was not told, a sweep finds out */
		(void)reaper_want_sweep(&lender->reaper);
	if (r == 0 && lender->n_told == 0)
		return false;
	lender_arm_reaper(lender);
	return true;
}

bool lender_catch_up(struct lender *lender)
{
	size_t before = lender->registry.n_buffers;

	moderation_catch_up(&lender->closings_moderation);
	reaper_check_doubts(&lender->reaper);
	return lender->registry.n_buffers < before;
}

/* Nothing is left to be done with a buffer. */
static void on_returned(void *data, struct buffer *buffer)
{
	struct lender *lender = data;
	struct region *region = buffer->region;

	(void)buffer_free(buffer, BUFFER_USED);
	if (!scrubber_clean_now(region))
		scrubber_kick(&lender->scrubber, region,
			      !list_empty(&lender->parked));
	lending_retry_soon(lender);
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
	lending_retry_soon(lender);
}

static void on_worker(void *data)
{
	struct lender *lender = data;

	worker_dispatch(lender->worker);
}

void lender_hint(struct lender *lender, struct buffer *buffer, bool by_owner)
{
	uint64_t now = clock_ms();

	if (!reaper_check(&lender->reaper, buffer)) {
		if (by_owner)
			buffer_drain(buffer, now);
		reaper_hint_again(&lender->reaper, buffer, now);
	}
	lender_arm_reaper(lender); /* where it has ended, others may come earlier */
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
	lender_arm_reaper(lender);
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
	lender_arm_reaper(lender);
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
	lender_arm_reaper(lender);
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
	region->stock = &lender->stock;
	region->kept = &lender->kept;
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
	lender_arm_reaper(lender);
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
	stock_use_closings(&lender->stock, &lender->closings);
	return moderation_init(&lender->closings_moderation, loop,
			       lender->closings.fd, read_closings, lender);
}

int lender_new(struct lender **lenderp, struct loop *loop)
{
	_cleanup_(lender_freep) struct lender *lender =
		calloc(1, sizeof(*lender));
	int r;

	if (!lender)
		return -ENOMEM;
	list_init(&lender->regions);
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
	r = stock_init(&lender->stock, loop);
	if (r < 0)
		return r;
	r = kept_init(&lender->kept, loop, &lender->stock);
	if (r < 0)
		return r;
	lender->scrubber.worker = lender->worker;
	lender->warden.worker = lender->worker;
	r = worker_fd(lender->worker);
	if (r < 0)
		return r;
	r = watch_new(&lender->worker_watch, loop, r, LOOP_READ, on_worker,
		      lender);
	if (r < 0)
		return r;
	r = timer_new(&lender->reaper_timer, loop, on_reaper_timer, lender);
	if (r < 0)
		return r;
	r = lending_init(lender, loop);
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
	moderation_deinit(&lender->closings_moderation);
	(void)timer_free(lender->reaper_timer);
	lending_deinit(lender);
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
	kept_deinit(&lender->kept);
	stock_deinit(&lender->stock);
	closings_deinit(&lender->closings); /* the stock's worker used it */
	scrubber_deinit(&lender->scrubber);
	list_for_each_safe (region, next, &lender->regions, link)
		(void)region_free(region);
	free(lender);
	return NULL;
}
