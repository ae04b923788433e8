/* SPDX-License-Identifier: MIT */
#include "daemon/schedule.h"

#include <errno.h>
#include <sys/timerfd.h>

#include "util/broken.h"
#include "util/fd.h"

/*
 * Why not the timeout of epoll_wait(2): the kernel sets its timer anew for each
 * wait and takes it back at the end.  Where that is the next of the processor,
 * which a few milliseconds mostly are, both go to the clock's hardware, and in
 * a virtual machine to its host: together that is more than everything that the
 * daemon does itself about a request (6.18, KVM).  So there is one timerfd,
 * which stays set while requests come and go.
 *
 * It is set for what is due first, and only ever for something earlier: what
 * is stopped or put off leaves it as it is, and it wakes up the daemon once for
 * nothing.  What is due in ten milliseconds is mostly put off before.  Setting
 * it is a step of its own, for somebody may be waiting for an answer meanwhile.
 */

static int by_due(const struct scheduled *a, const struct scheduled *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

RB_GENERATE_PRIVATE(schedule_tree, scheduled, node, by_due)

int schedule_init(struct schedule *schedule)
{
	RB_INIT(&schedule->tree);
	schedule->armed_ns = UINT64_MAX;
	schedule->last_number = 0;
	schedule->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return schedule->fd < 0 ? -errno : 0;
}

void schedule_deinit(struct schedule *schedule)
{
	if (!RB_EMPTY(&schedule->tree))
		broken("a timer outlives its loop");
	schedule->fd = fd_close(schedule->fd);
}

/* Whatever the descriptor said before, it does so no more; or a negative errno,
 * and it says what it did. */
static int arm(struct schedule *schedule, uint64_t due_ns)
{
	const struct itimerspec at = {
		.it_value.tv_sec = (time_t)(due_ns / 1000000000),
		.it_value.tv_nsec = (long)(due_ns % 1000000000),
	};
	const struct itimerspec never = {.it_value = {0, 0}};

	if (timerfd_settime(schedule->fd, TFD_TIMER_ABSTIME,
			    due_ns == UINT64_MAX ? &never : &at, NULL) < 0)
		return -errno;
	schedule->armed_ns = due_ns;
	return 0;
}

void schedule_stop(struct schedule *schedule, struct scheduled *scheduled)
{
	if (scheduled->is_set)
		(void)RB_REMOVE(schedule_tree, &schedule->tree, scheduled);
	scheduled->is_set = false;
}

bool schedule_set(struct schedule *schedule, struct scheduled *scheduled,
		  uint64_t due_ns)
{
	schedule_stop(schedule, scheduled);
	scheduled->due_ns = due_ns;
	scheduled->number = ++schedule->last_number;
	scheduled->is_set = true;
	(void)RB_INSERT(schedule_tree, &schedule->tree, scheduled);
	return due_ns < schedule->armed_ns;
}

int schedule_arm(struct schedule *schedule)
{
	const struct scheduled *first = RB_MIN(schedule_tree, &schedule->tree);

	if (first && first->due_ns < schedule->armed_ns)
		return arm(schedule, first->due_ns);
	return 0;
}

struct scheduled *schedule_take(struct schedule *schedule, uint64_t now_ns)
{
	struct scheduled *first = RB_MIN(schedule_tree, &schedule->tree);

	if (first && first->due_ns <= now_ns) {
		schedule->armed_ns = 0; /* not before all are taken */
		schedule_stop(schedule, first);
		return first;
	}
	/* where it fails it is still readable, and somebody comes again */
	(void)arm(schedule, first ? first->due_ns : UINT64_MAX);
	return NULL;
}
