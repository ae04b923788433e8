/* SPDX-License-Identifier: MIT */
#include "daemon/moderation.h"

#include "util/clock.h"

/*
 * A program that lets go of memory and asks for some again makes two events,
 * and the first one wakes the daemon before the request is there: on another
 * processor, which takes longer than all the rest, and from which it then serves
 * the request.  Network drivers have the same trouble with packets, and do what
 * is done here: while much comes, the source is taken out of the loop and read
 * at the end of a short period, or earlier by whoever needs to know.  So nobody
 * is told anything that is no longer true, and nobody is woken up for it.  The
 * period is so short that what was let go of in it is not missing elsewhere, and
 * a request that needs none of it does not wait for it.
 *
 * A period in which nothing came ends it: the loop wakes up for the next one
 * again, and until then no timer runs.  What comes now and then is moderated
 * never, since the wake-up at the end of the period were one more.
 *
 * Nothing is lost where the watch goes back into the loop: it reports a state
 * and no edge.
 */

static void begin_period(struct moderation *moderation)
{
	moderation->any = false;
	timer_set(moderation->timer, MODERATION_MS);
}

static void on_readable(void *data)
{
	struct moderation *moderation = data;
	uint64_t before_ms = moderation->woken_ms;

	moderation->woken_ms = clock_ms();
	if (before_ms > 0 && moderation->woken_ms - before_ms < MODERATION_MS) {
		moderation->on = true;
		watch_pause(moderation->watch);
		begin_period(moderation);
	}
	(void)moderation->fn(moderation->data);
}

static void on_timer(void *data)
{
	struct moderation *moderation = data;

	if (moderation->fn(moderation->data)) {
		moderation->any = true;
		timer_set(moderation->timer, 0); /* there may be more */
	} else if (moderation->any || watch_resume(moderation->watch) < 0) {
		begin_period(moderation);
	} else {
		moderation->on = false;
	}
}

void moderation_catch_up(struct moderation *moderation)
{
	if (moderation->fn && moderation->fn(moderation->data))
		moderation->any = true;
}

int moderation_init(struct moderation *moderation, struct loop *loop,
		    int fd_borrow, moderation_fn *fn, void *data)
{
	int r;

	*moderation = (struct moderation){.fn = fn, .data = data};
	r = timer_new(&moderation->timer, loop, on_timer, moderation);
	if (r == 0)
		r = watch_new(&moderation->watch, loop, fd_borrow, LOOP_READ,
			      on_readable, moderation);
	return r;
}

void moderation_deinit(struct moderation *moderation)
{
	if (moderation->watch)
		moderation->watch = watch_free(moderation->watch);
	if (moderation->timer)
		moderation->timer = timer_free(moderation->timer);
	moderation->on = false;
}
