/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * The event loop: descriptors, timers and signals, each with a function that
 * is called when it is due.  Everything belongs to one thread.
 */

struct loop;
struct watch;
struct timer;
struct catcher;

#define LOOP_READ  (1u << 0)
#define LOOP_WRITE (1u << 1)
/* Report each change once instead of a state for as long as it lasts. */
#define LOOP_EDGE  (1u << 2)

typedef void watch_fn(void *data);
typedef void timer_fn(void *data);
typedef void catcher_fn(void *data, int signo);

/* 0 or -ENOMEM. */
int loop_new(struct loop **loopp);
/* Everything that was made of the loop must be freed before. */
struct loop *loop_free(struct loop *loop);
DEFINE_CLEANUP(struct loop *, loop_free)

/* Runs until loop_stop().  0 or a negative errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Waits for one round of events, or with block false only takes what is due. */
int loop_turn(struct loop *loop, bool block);
/* How many functions it has called so far: two numbers that follow one another
 * say that it did nothing in between but wait. */
uint64_t loop_calls(const struct loop *loop);

/* Watches a descriptor that stays the caller's and outlives the watch. */
int watch_new(struct watch **watchp, struct loop *loop, int fd_borrow,
	      unsigned int interest, watch_fn *fn, void *data);
struct watch *watch_free(struct watch *watch);
DEFINE_CLEANUP(struct watch *, watch_free)
/* Stops the reports of a watch that is not LOOP_EDGE, and resumes them: 0, or
 * -ENOMEM, and there are still none. */
void watch_pause(struct watch *watch);
int watch_resume(struct watch *watch);

/* A timer that is not set until timer_set(), which cannot fail then.  0 or
 * -ENOMEM. */
int timer_new(struct timer **timerp, struct loop *loop, timer_fn *fn,
	      void *data);
struct timer *timer_free(struct timer *timer);
DEFINE_CLEANUP(struct timer *, timer_free)
/* Once, in delay_ms; 0 is the next round.  Replaces what was set before. */
void timer_set(struct timer *timer, uint64_t delay_ms);
/* Once, still in this round: behind everything that the loop has found due. */
void timer_fire(struct timer *timer);
void timer_stop(struct timer *timer);

/* Turns a signal of the process into an event of the loop. */
int catcher_new(struct catcher **catcherp, struct loop *loop, int signo,
		catcher_fn *fn, void *data);
struct catcher *catcher_free(struct catcher *catcher);
DEFINE_CLEANUP(struct catcher *, catcher_free)

#endif
