/* SPDX-License-Identifier: MIT */
#include "daemon/loop.h"

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>

#include "daemon/schedule.h"
#include "util/clock.h"
#include "util/list.h"

/*
 * The one file that knows libevent.  What the rest of the daemon needs of it
 * are four small objects; behind them another loop could stand without anybody
 * noticing.
 *
 * Connections are watched by edges.  By level, a connection that is not read
 * for a while (its request waits for memory) could not be watched for its end
 * without reporting the unread bytes again and again; and with only "closed"
 * asked for, libevent 2.1 reports an EPOLLERR as readable and writable, which
 * nobody asked for, so that the loop turns without end.
 *
 * A timer of 0 ms runs in the next round and not in this one: libevent takes
 * expired timers between two polls, so that whoever has more to do than fits
 * one turn lets the others in between.  Of timers for later libevent knows
 * nothing: they would cost each wait, see schedule.c.
 *
 * Setting a timer must not fail: whoever waits for it would wait for ever.
 * libevent keeps what is set in a heap, which never shrinks, so there is room
 * for all timers as soon as as many have been set at once; that is done when a
 * timer is made.
 */

#define FEWEST_TIMERS 16

struct loop {
	struct event_base *base;
	struct schedule schedule;
	struct event *schedule_event; /* something of it is due */
	struct event *arm_event;      /* in this round, behind all else */
	size_t n_timers;
	size_t room; /* for timers that are set */
	uint64_t n_calls;
};

struct watch {
	struct loop *loop;
	struct event *event;
	watch_fn *fn;
	void *data;
};

struct timer {
	struct loop *loop;
	struct event *event;	    /* this round or the next */
	struct scheduled scheduled; /* later */
	timer_fn *fn;
	void *data;
};

struct catcher {
	struct loop *loop;
	struct event *event;
	catcher_fn *fn;
	void *data;
};

static void call(struct timer *timer)
{
	timer->loop->n_calls++;
	timer->fn(timer->data);
}

static void on_schedule(evutil_socket_t fd, short what, void *data)
{
	struct loop *loop = data;
	uint64_t now = clock_ns();
	struct scheduled *due;

	(void)fd;
	(void)what;
	while ((due = schedule_take(&loop->schedule, now)))
		call(container_of(due, struct timer, scheduled));
}

static void ignore(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	(void)data;
}

/* Sets n timers at once, and frees them. */
static int make_room(struct loop *loop, size_t n)
{
	struct event **events = calloc(n, sizeof(struct event *));
	const struct timeval hour = {.tv_sec = 3600};
	int r = events ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		events[i] = evtimer_new(loop->base, ignore, NULL);
		if (!events[i] || evtimer_add(events[i], &hour) != 0)
			r = -ENOMEM;
	}
	for (size_t i = 0; events && i < n && events[i]; i++)
		event_free(events[i]);
	free(events);
	return r;
}

static int make_room_for_one_more(struct loop *loop)
{
	size_t room = loop->room ? 2 * loop->room : FEWEST_TIMERS;
	int r;

	if (loop->n_timers < loop->room)
		return 0;
	r = make_room(loop, room);
	if (r == 0)
		loop->room = room;
	return r;
}

/* Whose timers nobody hears of waits for ever, so it is tried until it works. */
static void arm(struct loop *loop)
{
	const struct timeval next_round = {.tv_sec = 0};

	if (schedule_arm(&loop->schedule) < 0)
		(void)evtimer_add(loop->arm_event, &next_round);
}

static void on_arm(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	arm(data);
}

static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return NULL;
	if (event_config_require_features(config, EV_FEATURE_ET) == 0 &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

int loop_new(struct loop **loopp)
{
	_cleanup_(loop_freep) struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	r = schedule_init(&loop->schedule);
	if (r < 0)
		return r;
	loop->base = make_base();
	if (!loop->base)
		return -ENOMEM;
	r = make_room_for_one_more(loop);
	if (r < 0)
		return r;
	loop->n_timers++; /* arm_event */
	loop->schedule_event =
		event_new(loop->base, loop->schedule.fd, EV_READ | EV_PERSIST,
			  on_schedule, loop);
	loop->arm_event = evtimer_new(loop->base, on_arm, loop);
	if (!loop->schedule_event || !loop->arm_event ||
	    event_add(loop->schedule_event, NULL) != 0)
		return -ENOMEM;
	*loopp = TAKE_PTR(loop);
	return 0;
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	if (loop->schedule_event)
		event_free(loop->schedule_event);
	if (loop->arm_event)
		event_free(loop->arm_event);
	if (loop->base)
		event_base_free(loop->base);
	schedule_deinit(&loop->schedule);
	free(loop);
	return NULL;
}

int loop_run(struct loop *loop)
{
	return event_base_dispatch(loop->base) < 0 ? -EIO : 0;
}

void loop_stop(struct loop *loop)
{
	(void)event_base_loopbreak(loop->base);
}

int loop_turn(struct loop *loop, bool block)
{
	int flags = EVLOOP_ONCE | (block ? 0 : EVLOOP_NONBLOCK);

	/* of timers that were set meanwhile; it would be all that is done */
	(void)event_del(loop->arm_event);
	arm(loop);
	return event_base_loop(loop->base, flags) < 0 ? -EIO : 0;
}

uint64_t loop_calls(const struct loop *loop)
{
	return loop->n_calls;
}

static void on_watch(evutil_socket_t fd, short what, void *data)
{
	const struct watch *watch = data;

	(void)fd;
	(void)what;
	watch->loop->n_calls++;
	watch->fn(watch->data);
}

int watch_new(struct watch **watchp, struct loop *loop, int fd_borrow,
	      unsigned int interest, watch_fn *fn, void *data)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	short what = EV_PERSIST;

	if (!watch)
		return -ENOMEM;
	if (interest & LOOP_READ)
		what |= EV_READ;
	if (interest & LOOP_WRITE)
		what |= EV_WRITE;
	if (interest & LOOP_EDGE)
		what |= EV_ET;
	watch->loop = loop;
	watch->fn = fn;
	watch->data = data;
	watch->event = event_new(loop->base, fd_borrow, what, on_watch, watch);
	if (!watch->event || event_add(watch->event, NULL) != 0) {
		(void)watch_free(watch);
		return -ENOMEM;
	}
	*watchp = watch;
	return 0;
}

struct watch *watch_free(struct watch *watch)
{
	if (watch) {
		if (watch->event)
			event_free(watch->event);
		free(watch);
	}
	return NULL;
}

void watch_pause(struct watch *watch)
{
	(void)event_del(watch->event);
}

int watch_resume(struct watch *watch)
{
	return event_add(watch->event, NULL) == 0 ? 0 : -ENOMEM;
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	call(data);
}

int timer_new(struct timer **timerp, struct loop *loop, timer_fn *fn, void *data)
{
	struct timer *timer = calloc(1, sizeof(*timer));

	if (!timer || make_room_for_one_more(loop) < 0) {
		free(timer);
		return -ENOMEM;
	}
	timer->loop = loop;
	timer->fn = fn;
	timer->data = data;
	timer->event = evtimer_new(loop->base, on_timer, timer);
	if (!timer->event) {
		free(timer);
		return -ENOMEM;
	}
	loop->n_timers++;
	*timerp = timer;
	return 0;
}

struct timer *timer_free(struct timer *timer)
{
	if (timer) {
		schedule_stop(&timer->loop->schedule, &timer->scheduled);
		event_free(timer->event);
		timer->loop->n_timers--;
		free(timer);
	}
	return NULL;
}

void timer_set(struct timer *timer, uint64_t delay_ms)
{
	const struct timeval next_round = {.tv_sec = 0};
	struct loop *loop = timer->loop;

	timer_stop(timer);
	if (delay_ms == 0)
		(void)evtimer_add(timer->event, &next_round); /* there is room */
	else if (schedule_set(&loop->schedule, &timer->scheduled,
			      clock_ns() + delay_ms * 1000000))
		event_active(loop->arm_event, EV_TIMEOUT, 0);
}

void timer_fire(struct timer *timer)
{
	event_active(timer->event, EV_TIMEOUT, 0);
}

void timer_stop(struct timer *timer)
{
	schedule_stop(&timer->loop->schedule, &timer->scheduled);
	(void)evtimer_del(timer->event);
}

static void on_signal(evutil_socket_t signo, short what, void *data)
{
	const struct catcher *catcher = data;

	(void)what;
	catcher->loop->n_calls++;
	catcher->fn(catcher->data, (int)signo);
}

int catcher_new(struct catcher **catcherp, struct loop *loop, int signo,
		catcher_fn *fn, void *data)
{
	struct catcher *catcher = calloc(1, sizeof(*catcher));

	if (!catcher)
		return -ENOMEM;
	catcher->loop = loop;
	catcher->fn = fn;
	catcher->data = data;
	catcher->event = evsignal_new(loop->base, signo, on_signal, catcher);
	if (!catcher->event || evsignal_add(catcher->event, NULL) != 0) {
		(void)catcher_free(catcher);
		return -ENOMEM;
	}
	*catcherp = catcher;
	return 0;
}

struct catcher *catcher_free(struct catcher *catcher)
{
	if (catcher) {
		if (catcher->event)
			event_free(catcher->event);
		free(catcher);
	}
	return NULL;
}
