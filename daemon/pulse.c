/* SPDX-License-Identifier: MIT */
#include "daemon/pulse.h"

#include <errno.h>
#include <stdlib.h>

#include "util/log.h"

/*
 * A service manager that hears nothing of the daemon for a while kills it and
 * starts another.  So the sign of life has to come from where the life is.
 *
 * The loop's is a timer of its own: the loop takes descriptors and timers in
 * the same round, after the same wait, and each round ends before the next one
 * begins, so a timer that still fires in time means that everything else is
 * served too, and a function that does not return stops it.
 *
 * The worker's is its progress.  A job that had to go through it and come back
 * would prove more than is wanted: it would have to wait for the copies that
 * clients have asked for, and whoever asked for enough of them could have the
 * daemon killed.  A slice, however, is short whatever anybody asks for.  A
 * worker without work may do nothing for as long as it likes.
 */

struct pulse {
	struct timer *timer;
	struct worker *worker;
	struct worker_progress progress;
	uint64_t interval_ms;
	pulse_fn *fn;
};

static void on_timer(void *data)
{
	struct pulse *pulse = data;

	timer_set(pulse->timer, pulse->interval_ms);
	if (worker_stalled(pulse->worker, &pulse->progress))
		log_err("the worker has not ended a slice of its work for "
			"%llu ms",
			(unsigned long long)pulse->interval_ms);
	else
		pulse->fn();
}

int pulse_new(struct pulse **pulsep, struct loop *loop, struct worker *worker,
	      uint64_t interval_ms, pulse_fn *fn)
{
	_cleanup_(pulse_freep) struct pulse *pulse = calloc(1, sizeof(*pulse));
	int r;

	if (!pulse)
		return -ENOMEM;
	pulse->worker = worker;
	pulse->interval_ms = interval_ms;
	pulse->fn = fn;
	r = timer_new(&pulse->timer, loop, on_timer, pulse);
	if (r < 0)
		return r;
	timer_set(pulse->timer, 0);
	*pulsep = TAKE_PTR(pulse);
	return 0;
}

struct pulse *pulse_free(struct pulse *pulse)
{
	if (pulse) {
		(void)timer_free(pulse->timer);
		free(pulse);
	}
	return NULL;
}
