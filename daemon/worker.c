/* SPDX-License-Identifier: MIT */
#include "daemon/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/timeslice.h"
#include "util/cleanup.h"
#include "util/fd.h"

/*
 * One thread, two queues, one lock.  The thread takes the first urgent job, or
 * else the first idle one, and runs a single slice of it with the lock
 * released.  A job that has more to do goes back to the head of its queue, so
 * that jobs of one urgency never overtake one another, and the choice is made
 * anew: an urgent job waits for one slice of an idle one at most.
 *
 * A job belongs to the thread from worker_submit() until worker_dispatch()
 * calls its done function; in between nobody else touches its fields.  The
 * lock's hand-over also orders the memory that the job works on.
 *
 * Finished jobs are announced through an eventfd, which an event loop can
 * watch.  Who has no such jobs does without it.  Of a job that
 * nobody waits for nothing is announced, since waking up costs more than most
 * requests do: it is asked for when there is time.
 *
 * A worker is one thread and no pool of them: what it does is limited by the
 * memory's speed, and a second one would only add contention.
 *
 * Where both threads have one processor, the event loop and its clients come
 * first: a scheduler that thinks them equal lets this one finish its share of
 * milliseconds, in which nobody is served.  It is a little nicer, so that it
 * still gets a quarter of a busy processor: somebody may wait for what it does.
 * And it does not inherit the short slices that the event loop asks for.
 */

#define NICE 5

/* job::place.  Zero is what a job that was never submitted reads. */
enum {
	PLACE_NOWHERE = 0,
	PLACE_URGENT,
	PLACE_IDLE,
	PLACE_FINISHED,
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;
	struct list queues[2]; /* job::link, by enum worker_urgency */
	struct list finished;  /* job::link */
	bool stop;
	bool in_slice;
	uint64_t slices; /* that have ended */
	int event_fd; /* -1: nobody asked for it yet */
};

static struct list *queue_of(struct worker *worker, const struct job *job)
{
	return &worker->queues[job->place == PLACE_URGENT ? WORKER_URGENT
							  : WORKER_IDLE];
}

static struct job *take_next(struct worker *worker)
{
	struct job *job =
		list_first(&worker->queues[WORKER_URGENT], struct job, link);

	if (!job)
		job = list_first(&worker->queues[WORKER_IDLE], struct job, link);
	if (job)
		list_remove(&job->link);
	return job;
}

static void *run(void *data)
{
	struct worker *worker = data;

	/* of this thread; where it is forbidden, it goes without */
	(void)!nice(NICE);
	(void)timeslice_ask(TIMESLICE_USUAL);
	(void)pthread_mutex_lock(&worker->lock);
	while (!worker->stop) {
		struct job *job = take_next(worker);
		int r;

		if (!job) {
			(void)pthread_cond_wait(&worker->wake, &worker->lock);
			continue;
		}
		worker->in_slice = true;
		(void)pthread_mutex_unlock(&worker->lock);
		r = job->step(job);
		(void)pthread_mutex_lock(&worker->lock);
		worker->in_slice = false;
		worker->slices++;

		if (r > 0) {
			/* worker_hurry() may have changed the place meanwhile */
			list_prepend(queue_of(worker, job), &job->link);
			continue;
		}
		job->result = r;
		job->place = PLACE_FINISHED;
		if (!job->done)
			continue;
		list_append(&worker->finished, &job->link);
		if (worker->event_fd >= 0)
			fd_raise_event(worker->event_fd);
	}
	(void)pthread_mutex_unlock(&worker->lock);
	return NULL;
}

/* Signals are the event loop's business: the thread starts with all blocked,
 * which it inherits from its maker. */
static int start_thread(struct worker *worker)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	r = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (r)
		return -r;
	r = pthread_create(&worker->thread, NULL, run, worker);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	(void)pthread_setname_np(worker->thread, "contigd-worker");
	return 0;
}

int worker_new(struct worker **workerp)
{
	_cleanup_free_ struct worker *worker = calloc(1, sizeof(*worker));
	int r;

	if (!worker)
		return -ENOMEM;
	worker->event_fd = -1;
	list_init(&worker->queues[WORKER_URGENT]);
	list_init(&worker->queues[WORKER_IDLE]);
	list_init(&worker->finished);
	/* with default attributes these two cannot fail on Linux */
	(void)pthread_mutex_init(&worker->lock, NULL);
	(void)pthread_cond_init(&worker->wake, NULL);

	r = start_thread(worker);
	if (r) {
		(void)pthread_cond_destroy(&worker->wake);
		(void)pthread_mutex_destroy(&worker->lock);
		return r;
	}
	*workerp = TAKE_PTR(worker);
	return 0;
}

static void drop_all(struct list *list)
{
	struct job *job;

	while ((job = list_first(list, struct job, link))) {
		list_remove(&job->link);
		job->place = PLACE_NOWHERE;
	}
}

struct worker *worker_free(struct worker *worker)
{
	if (!worker)
		return NULL;
	(void)pthread_mutex_lock(&worker->lock);
	worker->stop = true;
	(void)pthread_cond_signal(&worker->wake);
	(void)pthread_mutex_unlock(&worker->lock);
	(void)pthread_join(worker->thread, NULL);

	drop_all(&worker->queues[WORKER_URGENT]);
	drop_all(&worker->queues[WORKER_IDLE]);
	drop_all(&worker->finished);
	(void)pthread_cond_destroy(&worker->wake);
	(void)pthread_mutex_destroy(&worker->lock);
	(void)fd_close(worker->event_fd);
	free(worker);
	return NULL;
}

void worker_submit(struct worker *worker, struct job *job,
		   enum worker_urgency urgency)
{
	(void)pthread_mutex_lock(&worker->lock);
	job->result = 0;
	job->place = urgency == WORKER_URGENT ? PLACE_URGENT : PLACE_IDLE;
	list_append(queue_of(worker, job), &job->link);
	(void)pthread_mutex_unlock(&worker->lock);
	/* with the lock it would wake up to wait for that */
	(void)pthread_cond_signal(&worker->wake);
}

void worker_hurry(struct worker *worker, struct job *job)
{
	(void)pthread_mutex_lock(&worker->lock);
	if (job->place == PLACE_IDLE) {
		job->place = PLACE_URGENT;
		/* a job in its slice is on no list: it will be put where its
		 * place says */
		if (!list_empty(&job->link)) {
			list_remove(&job->link);
			list_append(queue_of(worker, job), &job->link);
		}
	}
	(void)pthread_mutex_unlock(&worker->lock);
}

bool worker_collect(struct worker *worker, struct job *job)
{
	bool finished;

	(void)pthread_mutex_lock(&worker->lock);
	finished = job->place == PLACE_FINISHED;
	if (finished)
		job->place = PLACE_NOWHERE;
	(void)pthread_mutex_unlock(&worker->lock);
	return finished;
}

bool worker_stalled(struct worker *worker, struct worker_progress *since)
{
	struct worker_progress now;
	bool stalled;

	(void)pthread_mutex_lock(&worker->lock);
	now.slices = worker->slices;
	now.busy = worker->in_slice ||
		   !list_empty(&worker->queues[WORKER_URGENT]) ||
		   !list_empty(&worker->queues[WORKER_IDLE]);
	(void)pthread_mutex_unlock(&worker->lock);
	stalled = now.busy && since->busy && now.slices == since->slices;
	*since = now;
	return stalled;
}

int worker_fd(struct worker *worker)
{
	int fd;

	(void)pthread_mutex_lock(&worker->lock);
	if (worker->event_fd < 0)
		worker->event_fd = eventfd(!list_empty(&worker->finished),
					   EFD_CLOEXEC | EFD_NONBLOCK);
	fd = worker->event_fd < 0 ? -errno : worker->event_fd;
	(void)pthread_mutex_unlock(&worker->lock);
	return fd;
}

void worker_dispatch(struct worker *worker)
{
	struct list finished = LIST_INIT(finished);
	struct job *job;

	(void)pthread_mutex_lock(&worker->lock);
	if (worker->event_fd >= 0)
		fd_clear_event(worker->event_fd);
	list_splice(&finished, &worker->finished);
	(void)pthread_mutex_unlock(&worker->lock);

	/* from here on the jobs are the main thread's alone */
	while ((job = list_first(&finished, struct job, link))) {
		list_remove(&job->link);
		job->place = PLACE_NOWHERE;
		job->done(job, job->result);
	}
}
