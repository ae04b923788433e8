/* SPDX-License-Identifier: MIT */
#include "daemon/patrol.h"

#include <string.h>

#include "daemon/damage.h"

/*
 * The way of a job: buffers are put in and pinned, the worker goes from guard
 * to guard and stops after each slice, and what came of it is entered into the
 * buffers by the main thread.  The thread sees passes, which name objects, and
 * no buffer: those change while it is at work.
 *
 * One guard that cannot be reached does not keep the others from being looked
 * at.  One that was never filled (its buffer failed to be lent) is passed over:
 * it says nothing.
 */

static int patrol_step(struct job *job)
{
	struct patrol *patrol = container_of(job, struct patrol, job);
	struct guard_pass *pass = &patrol->passes[patrol->at];
	int r;

	if (patrol->at == patrol->n)
		return 0;
	r = patrol->task == PATROL_FILL ? guard_fill(pass) : guard_check(pass);
	if (r > 0)
		return 1;
	patrol->results[patrol->at++] = r;
	return patrol->at < patrol->n;
}

static void enter(const struct patrol *patrol, size_t i)
{
	struct buffer *buffer = patrol->buffers[i];

	if (patrol->task == PATROL_FILL && patrol->results[i] == 0)
		buffer_note_guard(buffer);
	else if (patrol->task == PATROL_FILL)
		return; /* it is lent to nobody */
	else if (patrol->results[i] < 0)
		damage_unknown(buffer, patrol->results[i]);
	else if (patrol->passes[i].damage.bytes > 0)
		damage_note(buffer, &patrol->passes[i].damage);
}

static void patrol_done(struct job *job, int result)
{
	struct patrol *patrol = container_of(job, struct patrol, job);

	for (size_t i = 0; i < patrol->n; i++) {
		enter(patrol, i);
		if (result == 0)
			result = patrol->results[i];
	}
	patrol->done(patrol, result);
}

void patrol_init(struct patrol *patrol, enum patrol_task task, patrol_fn *done,
		 void *data)
{
	memset(patrol, 0, sizeof(*patrol));
	list_init(&patrol->link);
	patrol->job.step = patrol_step;
	patrol->job.done = patrol_done;
	patrol->task = task;
	patrol->done = done;
	patrol->data = data;
}

void patrol_add(struct patrol *patrol, struct buffer *buffer)
{
	struct guard_pass *pass = &patrol->passes[patrol->n];

	*pass = (struct guard_pass){.object = buffer->object};
	if (patrol->task == PATROL_CHECK && !buffer->guard_filled)
		pass->done_bytes = buffer->object->guard_bytes;
	patrol->buffers[patrol->n++] = buffer;
	buffer->pins++;
}

void patrol_start(struct patrol *patrol, struct worker *worker,
		  enum worker_urgency urgency)
{
	patrol->at = 0;
	worker_submit(worker, &patrol->job, urgency);
}

void patrol_release(struct patrol *patrol)
{
	while (patrol->n > 0)
		patrol->buffers[--patrol->n]->pins--;
}
