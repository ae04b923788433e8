/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PATROL_H
#define DAEMON_PATROL_H

#include <stddef.h>

#include "daemon/buffer.h"
#include "daemon/guard.h"
#include "daemon/worker.h"
#include "proto/message.h"
#include "util/list.h"

/*
 * The guards of some buffers, filled or compared off the loop.
 */

#define PATROL_BUFFERS CONTIG_MSG_MAX_BUFFERS /* all of one request */

struct patrol;

/* All buffers were gone through, and are still pinned.  result is 0 or the
 * first negative errno of any of them.  The patrol may be freed by it. */
typedef void patrol_fn(struct patrol *patrol, int result);

enum patrol_task {
	PATROL_FILL,  /* before they are handed out */
	PATROL_CHECK, /* what is wrong is noted, see damage.h */
};

struct patrol {
	struct list link; // warden::patrols
	struct job job;
	enum patrol_task task;
	patrol_fn *done;
	void *data;
	size_t n;
	struct buffer *buffers[PATROL_BUFFERS]; /* pinned */
	int results[PATROL_BUFFERS];		/* of each, 0 or an errno */

	/* the thread's while it is under way */
	size_t at;
	struct guard_pass passes[PATROL_BUFFERS];
};

/* An empty one. */
void patrol_init(struct patrol *patrol, enum patrol_task task, patrol_fn *done,
		 void *data);
static inline bool patrol_is_full(const struct patrol *patrol)
{
	return patrol->n == PATROL_BUFFERS;
}
/* Pins the buffer, until patrol_release(). */
void patrol_add(struct patrol *patrol, struct buffer *buffer);
void patrol_start(struct patrol *patrol, struct worker *worker,
		  enum worker_urgency urgency);
/* Lets go of all its buffers, and is empty again.  Not while the worker is at
 * it. */
void patrol_release(struct patrol *patrol);

#endif
