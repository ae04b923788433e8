/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PULSE_H
#define DAEMON_PULSE_H

#include <stdint.h>

#include "daemon/loop.h"
#include "daemon/worker.h"
#include "util/cleanup.h"

/* A sign of life, given only while the daemon lives. */
struct pulse;

typedef void pulse_fn(void);

/* Calls fn from the loop, soon and then each interval_ms, for as long as the
 * loop turns and the worker gets on with what it has to do.  Both are borrowed;
 * the pulse ends before them.  0 or -ENOMEM. */
int pulse_new(struct pulse **pulsep, struct loop *loop, struct worker *worker,
	      uint64_t interval_ms, pulse_fn *fn);
struct pulse *pulse_free(struct pulse *pulse);
DEFINE_CLEANUP(struct pulse *, pulse_free)

#endif
