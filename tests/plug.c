/* SPDX-License-Identifier: MIT */
#include "tests/plug.h"

#include <check.h>

#include "util/list.h"

static int plug_step(struct job *job)
{
	(void)sem_wait(&container_of(job, struct plug, job)->sem);
	return 0;
}

static void plug_done(struct job *job, int result)
{
	ck_assert_int_eq(result, 0);
	container_of(job, struct plug, job)->done = true;
}

void plug_worker(struct plug *plug, struct worker *worker)
{
	*plug = (struct plug){.job.step = plug_step, .job.done = plug_done};
	ck_assert_int_eq(sem_init(&plug->sem, 0, 0), 0);
	worker_submit(worker, &plug->job, WORKER_URGENT);
}

void plug_pull(struct plug *plug, struct loop *loop)
{
	ck_assert_int_eq(sem_post(&plug->sem), 0);
	while (!plug->done)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	(void)sem_destroy(&plug->sem);
}
