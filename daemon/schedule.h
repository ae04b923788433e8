/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SCHEDULE_H
#define DAEMON_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/rb.h"

/*
 * What is due when, and a descriptor that becomes readable then.
 */

/* A place in it, which is part of what is to be done. */
struct scheduled {
	RB_ENTRY(scheduled) node; // schedule::tree
	uint64_t due_ns;	  /* of clock_ns() */
	uint64_t number;	  /* of two that are due together: the order */
	bool is_set;
};

RB_HEAD(schedule_tree, scheduled);

struct schedule {
	int fd;
	uint64_t armed_ns; /* when it becomes readable; UINT64_MAX: never */
	uint64_t last_number;
	struct schedule_tree tree;
};

/* 0 or a negative errno. */
int schedule_init(struct schedule *schedule);
/* Nothing must be set any more. */
void schedule_deinit(struct schedule *schedule);

/* Replaces what was set before.  true: schedule_arm() is to be called before
 * the descriptor is waited for: 0, or a negative errno, and it is to be called
 * again. */
bool schedule_set(struct schedule *schedule, struct scheduled *scheduled,
		  uint64_t due_ns);
int schedule_arm(struct schedule *schedule);
/* Where it is set. */
void schedule_stop(struct schedule *schedule, struct scheduled *scheduled);

/* When the descriptor is readable: takes one after the other that is due by
 * then; NULL: no more, and the descriptor waits for the next one. */
struct scheduled *schedule_take(struct schedule *schedule, uint64_t now_ns);

#endif
