/* SPDX-License-Identifier: MIT */
#include "daemon/worker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/timeslice.h"
#include "tests/harness.h"
#include "tests/own_slice.h"

/*
 * Every test that looks at an order first stops the thread in a gate: a job
 * whose slice waits for a semaphore.  What is submitted meanwhile waits in the
 * queues in a known state, and no test depends on time.
 */

struct probe {
	struct job job;
	char name;
	int slices; /* left to run */
	int result;
	bool gated;
	sem_t entered; /* posted when a gated slice has begun */
	sem_t leave;   /* waited for by a gated slice */
	int dones;
	int done_result;
};

static char steps[64]; /* names, a letter a slice, as far as there is room;
			  written by the thread */
static char dones[64]; /* names, in the order of done() */

static int step(struct job *job)
{
	struct probe *probe = container_of(job, struct probe, job);

	if (probe->gated) {
		(void)sem_post(&probe->entered);
		(void)sem_wait(&probe->leave);
	}
	if (strlen(steps) < sizeof(steps) - 1)
		steps[strlen(steps)] = probe->name;
	return --probe->slices > 0 ? 1 : probe->result;
}

static void done(struct job *job, int result)
{
	struct probe *probe = container_of(job, struct probe, job);

	dones[strlen(dones)] = probe->name;
	probe->dones++;
	probe->done_result = result;
}

static void probe_init(struct probe *probe, char name, int slices)
{
	memset(probe, 0, sizeof(*probe));
	probe->job.step = step;
	probe->job.done = done;
	probe->name = name;
	probe->slices = slices;
	(void)sem_init(&probe->entered, 0, 0);
	(void)sem_init(&probe->leave, 0, 0);
}

static struct worker *new_worker(void)
{
	struct worker *worker = NULL;

	memset(steps, 0, sizeof(steps));
	memset(dones, 0, sizeof(dones));
	ck_assert_int_eq(worker_new(&worker), 0);
	return worker;
}

/* Submits a gate and returns once the thread stands in it. */
static void shut(struct worker *worker, struct probe *gate,
		 enum worker_urgency urgency)
{
	gate->gated = true;
	worker_submit(worker, &gate->job, urgency);
	ck_assert_int_eq(sem_wait(&gate->entered), 0);
}

static void open_gate(struct probe *gate)
{
	gate->gated =
		false; /* the thread has read it; it sees this next time */
	ck_assert_int_eq(sem_post(&gate->leave), 0);
}

/* Dispatches until count jobs are done. */
static void wait_done(struct worker *worker, size_t count)
{
	while (strlen(dones) < count) {
		struct pollfd pfd = {.fd = worker_fd(worker), .events = POLLIN};

		ck_assert_int_eq(poll(&pfd, 1, -1), 1);
		worker_dispatch(worker);
	}
	ck_assert_uint_eq(strlen(dones), count);
}

static bool readable(struct worker *worker)
{
	struct pollfd pfd = {.fd = worker_fd(worker), .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

/* What ended before anybody asked for the descriptor is announced as well. */
START_TEST(announces_what_was_before_the_descriptor)
{
	struct worker *worker = new_worker();
	struct probe first, gate;

	probe_init(&first, 'f', 1);
	probe_init(&gate, 'G', 1);
	worker_submit(worker, &first.job, WORKER_IDLE);
	shut(worker, &gate, WORKER_IDLE);
	ck_assert(readable(worker));
	wait_done(worker, 1);
	ck_assert(!readable(worker));
	open_gate(&gate);
	wait_done(worker, 2);
	worker = worker_free(worker);
}
END_TEST

START_TEST(runs_in_order_of_submission)
{
	struct worker *worker = new_worker();
	struct probe gate, a, b, c;

	probe_init(&gate, 'G', 1);
	probe_init(&a, 'a', 2);
	probe_init(&b, 'b', 1);
	probe_init(&c, 'c', 3);
	shut(worker, &gate, WORKER_IDLE);
	worker_submit(worker, &a.job, WORKER_IDLE);
	worker_submit(worker, &b.job, WORKER_IDLE);
	worker_submit(worker, &c.job, WORKER_IDLE);
	open_gate(&gate);
	wait_done(worker, 4);
	ck_assert_str_eq(steps, "Gaabccc");
	ck_assert_str_eq(dones, "Gabc");
	worker_dispatch(worker); /* a job may be announced once too often */
	ck_assert(!readable(worker));
	ck_assert_ptr_null(worker_free(worker));
}
END_TEST

START_TEST(urgent_waits_for_one_slice)
{
	struct worker *worker = new_worker();
	struct probe gate, urgent, second;

	probe_init(&gate, 'i', 3);
	probe_init(&urgent, 'U', 2);
	probe_init(&second, 'V', 1);
	shut(worker, &gate, WORKER_IDLE);
	worker_submit(worker, &urgent.job, WORKER_URGENT);
	worker_submit(worker, &second.job, WORKER_URGENT);
	open_gate(&gate);
	wait_done(worker, 3);
	ck_assert_str_eq(steps, "iUUVii");
	ck_assert_str_eq(dones, "UVi");
	(void)worker_free(worker);
}
END_TEST

START_TEST(hurry_moves_a_waiting_job)
{
	struct worker *worker = new_worker();
	struct probe gate, a, b, u;

	probe_init(&gate, 'G', 1);
	probe_init(&a, 'a', 1);
	probe_init(&b, 'b', 1);
	probe_init(&u, 'U', 1);
	shut(worker, &gate, WORKER_IDLE);
	worker_submit(worker, &a.job, WORKER_IDLE);
	worker_submit(worker, &b.job, WORKER_IDLE);
	worker_submit(worker, &u.job, WORKER_URGENT);
	worker_hurry(worker, &b.job);
	worker_hurry(worker, &b.job); /* is urgent already */
	open_gate(&gate);
	wait_done(worker, 4);
	ck_assert_str_eq(steps, "GUba");
	(void)worker_free(worker);
}
END_TEST

/* A job in the middle of a slice becomes urgent with its next one. */
START_TEST(hurry_moves_a_running_job)
{
	struct worker *worker = new_worker();
	struct probe gate, u, a;

	probe_init(&gate, 'g', 2);
	probe_init(&u, 'U', 1);
	probe_init(&a, 'a', 1);
	shut(worker, &gate, WORKER_IDLE);
	worker_submit(worker, &a.job, WORKER_IDLE);
	worker_submit(worker, &u.job, WORKER_URGENT);
	worker_hurry(worker, &gate.job);
	open_gate(&gate);
	wait_done(worker, 3);
	ck_assert_str_eq(steps, "ggUa");
	(void)worker_free(worker);
}
END_TEST

START_TEST(hurry_is_harmless_elsewhere)
{
	struct worker *worker = new_worker();
	struct probe never, finished, urgent;

	probe_init(&never, 'n', 1);
	probe_init(&finished, 'f', 1);
	probe_init(&urgent, 'U', 1);
	worker_hurry(worker, &never.job);
	worker_submit(worker, &finished.job, WORKER_IDLE);
	shut(worker, &urgent, WORKER_IDLE); /* so finished is finished */
	worker_hurry(worker, &finished.job);
	open_gate(&urgent);
	wait_done(worker, 2);
	worker_hurry(worker, &finished.job);
	ck_assert_str_eq(steps, "fU");
	ck_assert_int_eq(finished.dones, 1);
	ck_assert_int_eq(never.dones, 0);
	(void)worker_free(worker);
}
END_TEST

START_TEST(failure_reaches_done)
{
	struct worker *worker = new_worker();
	struct probe probe;

	probe_init(&probe, 'p', 1);
	probe.result = -EIO;
	worker_submit(worker, &probe.job, WORKER_URGENT);
	wait_done(worker, 1);
	ck_assert_int_eq(probe.done_result, -EIO);

	/* a job can be submitted again, and its old result is forgotten */
	probe.slices = 1;
	probe.result = 0;
	worker_submit(worker, &probe.job, WORKER_URGENT);
	wait_done(worker, 2);
	ck_assert_int_eq(probe.done_result, 0);
	(void)worker_free(worker);
}
END_TEST

static struct worker *again_worker;

static void submit_again(struct job *job, int result)
{
	struct probe *probe = container_of(job, struct probe, job);

	done(job, result);
	probe->slices = 1;
	if (probe->dones < 3)
		worker_submit(again_worker, job, WORKER_IDLE);
}

START_TEST(done_may_submit_again)
{
	struct worker *worker = new_worker();
	struct probe probe;

	probe_init(&probe, 'p', 1);
	probe.job.done = submit_again;
	again_worker = worker;
	worker_submit(worker, &probe.job, WORKER_IDLE);
	wait_done(worker, 3);
	ck_assert_str_eq(steps, "ppp");
	(void)worker_free(worker);
}
END_TEST

START_TEST(dispatch_without_work)
{
	struct worker *worker = new_worker();

	ck_assert(!readable(worker));
	worker_dispatch(worker);
	ck_assert(!readable(worker));
	(void)worker_free(worker);
	ck_assert_ptr_null(worker_free(NULL));
}
END_TEST

/* The slice under way ends, the rest of its job and whatever waits does not
 * run, nothing is told, and no link points into the worker. */
START_TEST(free_drops_what_waits)
{
	struct worker *worker = new_worker();
	struct probe finished, gate, idle, urgent;

	probe_init(&finished, 'f', 1);
	probe_init(&gate, 'G', INT_MAX);
	probe_init(&idle, 'i', 1);
	probe_init(&urgent, 'U', 1);
	worker_submit(worker, &finished.job, WORKER_IDLE);
	shut(worker, &gate, WORKER_IDLE);
	worker_submit(worker, &idle.job, WORKER_IDLE);
	worker_submit(worker, &urgent.job, WORKER_URGENT);
	ck_assert_int_eq(sem_post(&gate.leave), 0);
	/* the thread takes the urgent job, then stands in the gate again */
	ck_assert_int_eq(sem_wait(&gate.entered), 0);
	open_gate(&gate); /* from now on slice follows slice, for ever */
	(void)worker_free(worker);
	ck_assert_int_eq(strncmp(steps, "fGUG", 4), 0);
	ck_assert_ptr_null(strchr(steps, 'i'));
	ck_assert_str_eq(dones, "");
	ck_assert(list_empty(&finished.job.link));
	ck_assert(list_empty(&gate.job.link));
	ck_assert(list_empty(&idle.job.link));
	ck_assert(list_empty(&urgent.job.link));
}
END_TEST

static int read_mask(struct job *job)
{
	struct probe *probe = container_of(job, struct probe, job);
	sigset_t mask;

	if (pthread_sigmask(SIG_SETMASK, NULL, &mask) != 0)
		return -EIO;
	probe->result = sigismember(&mask, SIGTERM) &&
			sigismember(&mask, SIGHUP) &&
			sigismember(&mask, SIGCHLD);
	return 0;
}

START_TEST(thread_takes_no_signals)
{
	struct worker *worker = new_worker();
	struct probe probe;
	sigset_t mask;

	probe_init(&probe, 'p', 1);
	probe.job.step = read_mask;
	worker_submit(worker, &probe.job, WORKER_URGENT);
	wait_done(worker, 1);
	ck_assert_int_eq(probe.result, 1);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
	ck_assert(!sigismember(&mask, SIGTERM)); /* the maker keeps its own */
	(void)worker_free(worker);
}
END_TEST

static int niceness;

static int read_niceness(struct job *job)
{
	(void)job;
	niceness = getpriority(PRIO_PROCESS, 0);
	return 0;
}

START_TEST(thread_is_nicer)
{
	struct worker *worker = new_worker();
	struct probe probe;
	int own = getpriority(PRIO_PROCESS, 0);

	probe_init(&probe, 'p', 1);
	probe.job.step = read_niceness;
	worker_submit(worker, &probe.job, WORKER_URGENT);
	wait_done(worker, 1);
	ck_assert_int_eq(niceness, own + 5 < 19 ? own + 5 : 19);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), own);
	(void)worker_free(worker);
}
END_TEST

static uint64_t slice_ns;

static int read_slice(struct job *job)
{
	struct own_slice own;

	(void)job;
	if (own_slice_read(&own))
		slice_ns = own.ns;
	return 0;
}

START_TEST(thread_keeps_the_usual_time_slice)
{
	struct worker *worker;
	struct probe probe;
	uint64_t usual;

	slice_ns = 1;
	(void)read_slice(NULL);
	usual = slice_ns;
	ck_assert_uint_ne(usual, 1);
	slice_ns = 1;
	(void)timeslice_ask(TIMESLICE_SHORTEST_NS);
	worker = new_worker();
	probe_init(&probe, 'p', 1);
	probe.job.step = read_slice;
	worker_submit(worker, &probe.job, WORKER_URGENT);
	wait_done(worker, 1);
	ck_assert_uint_eq(slice_ns, usual);
	(void)worker_free(worker);
}
END_TEST

/* A slice that does not end is told from many that do, and from none. */
START_TEST(stall_is_seen)
{
	struct worker *worker = new_worker();
	struct worker_progress since = {.slices = 0};
	struct probe gate, waiting;

	ck_assert(!worker_stalled(worker, &since)); /* idle */
	ck_assert(!worker_stalled(worker, &since));
	probe_init(&gate, 'G', 1);
	probe_init(&waiting, 'w', 3);
	shut(worker, &gate, WORKER_IDLE);
	ck_assert(!worker_stalled(worker, &since)); /* it may just have begun */
	ck_assert(worker_stalled(worker, &since));
	worker_submit(worker, &waiting.job, WORKER_URGENT);
	ck_assert(worker_stalled(worker, &since));
	ck_assert(since.busy);
	open_gate(&gate);
	wait_done(worker, 2);
	ck_assert(!worker_stalled(worker, &since));
	ck_assert_uint_eq(since.slices, 4);
	ck_assert(!since.busy);
	ck_assert_ptr_null(worker_free(worker));
}
END_TEST

/* Of one that has no done function nothing is told, but it can be asked for. */
START_TEST(quiet_job_is_collected)
{
	struct worker *worker = new_worker();
	struct probe gate, quiet, behind;

	probe_init(&gate, 'G', 1);
	probe_init(&quiet, 'q', 2);
	probe_init(&behind, 'b', 1);
	quiet.job.done = NULL;
	quiet.result = -EIO;
	ck_assert(!worker_collect(worker, &quiet.job)); /* never submitted */
	shut(worker, &gate, WORKER_IDLE);
	worker_submit(worker, &quiet.job, WORKER_IDLE);
	worker_submit(worker, &behind.job, WORKER_IDLE);
	ck_assert(!worker_collect(worker, &quiet.job));
	open_gate(&gate);
	wait_done(worker, 2);
	ck_assert_str_eq(dones, "Gb");
	ck_assert(worker_collect(worker, &quiet.job));
	ck_assert_int_eq(quiet.job.result, -EIO);
	ck_assert(!worker_collect(worker, &quiet.job));
	quiet.slices = 1;
	worker_submit(worker, &quiet.job, WORKER_IDLE); /* once more */
	worker_submit(worker, &behind.job, WORKER_IDLE);
	wait_done(worker, 3);
	ck_assert(worker_collect(worker, &quiet.job));
	ck_assert_ptr_null(worker_free(worker));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *order = harness_case(suite, "order");
	TCase *life = harness_case(suite, "life");

	tcase_add_test(order, runs_in_order_of_submission);
	tcase_add_test(order,
		       announces_what_was_before_the_descriptor);
	tcase_add_test(order, urgent_waits_for_one_slice);
	tcase_add_test(order, hurry_moves_a_waiting_job);
	tcase_add_test(order, hurry_moves_a_running_job);
	tcase_add_test(order, hurry_is_harmless_elsewhere);
	tcase_add_test(life, failure_reaches_done);
	tcase_add_test(life, done_may_submit_again);
	tcase_add_test(life, dispatch_without_work);
	tcase_add_test(life, free_drops_what_waits);
	tcase_add_test(life, thread_takes_no_signals);
	tcase_add_test(life, thread_is_nicer);
	tcase_add_test(life, thread_keeps_the_usual_time_slice);
	tcase_add_test(life, stall_is_seen);
	tcase_add_test(life, quiet_job_is_collected);
	return harness_run(suite);
}
