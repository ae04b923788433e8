/* SPDX-License-Identifier: MIT */
#include "tests/chore.h"

#include <poll.h>

#include "tests/harness.h"

/*
 * Nothing tells of the end of a job that nobody waits for.  But jobs of one
 * urgency end in the order in which they came, so one more behind it does.
 */

static int nothing(struct job *job)
{
	(void)job;
	return 0;
}

static void note(struct job *job, int result)
{
	(void)result;
	job->step = NULL;
}

void chore_await(struct worker *worker)
{
	struct pollfd pollfd = {.fd = worker_fd(worker), .events = POLLIN};
	struct job job = {.step = nothing, .done = note};

	worker_submit(worker, &job, WORKER_IDLE);
	while (job.step) {
		ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
		worker_dispatch(worker);
	}
}
