/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "util/list.h"

/*
 * One thread beside the event loop, for what takes long: zeroing and bounce
 * copies.  A job runs in slices, so that an urgent one never waits for the
 * whole of a long one.  Jobs of one urgency run in the order of submission.
 */

struct worker;

enum worker_urgency {
	WORKER_URGENT = 0, /* somebody waits for it: copies, shortage */
	WORKER_IDLE = 1,   /* background zeroing */
};

/* Embedded in what the job is about; the owner keeps it alive until done.
 * All zero but for step and done before it is first submitted. */
struct job {
	struct list link;	      /* worker::queues or finished */
	int (*step)(struct job *job); /* in the thread: 1 more to do, 0 done,
					 negative errno failed */
	void (*done)(struct job *job, int result); /* in the main thread; NULL:
						      see worker_collect() */
	int result;
	int place; /* the worker's own: where the job is */
};

/* The thread keeps the capabilities that the caller has at this moment, takes
 * no signals, and is nicer than the caller: drop privileges first.  0 or a
 * negative errno. */
int worker_new(struct worker **workerp);
/* Finishes the slice under way, drops what waits, and what is finished and not
 * yet dispatched, without calling done. */
struct worker *worker_free(struct worker *worker);

void worker_submit(struct worker *worker, struct job *job,
		   enum worker_urgency urgency);
/* Makes an idle job that is not finished urgent; harmless otherwise. */
void worker_hurry(struct worker *worker, struct job *job);

/* Whether a job that has no done function is finished, with job->result: it may
 * be submitted again then.  Nothing wakes the main thread for such a job: it is
 * for what nobody waits for. */
bool worker_collect(struct worker *worker, struct job *job);

/* What was seen of it at some time; all zero before the first. */
struct worker_progress {
	uint64_t slices; /* that had ended */
	bool busy;	 /* there was a job, waiting or in a slice */
};

/* Whether the thread has had something to do all the time since, and has not
 * ended a single slice; *since is what is seen now. */
bool worker_stalled(struct worker *worker, struct worker_progress *since);

/* Readable (eventfd) when jobs have finished; borrowed.  Made when it is asked
 * for the first time: a negative errno. */
int worker_fd(struct worker *worker);
/* Calls done of every finished job, in the order in which they finished; done
 * may submit the job again, or free it. */
void worker_dispatch(struct worker *worker);

#endif
