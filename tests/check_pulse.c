/* SPDX-License-Identifier: MIT */
#include "daemon/pulse.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "tests/logged.h"

/* Short, so that many come; nothing here depends on how short. */
#define INTERVAL_MS 2

static struct loop *loop;
static struct worker *worker;
static struct pulse *pulse;
static unsigned int beats;

static void on_pulse(void)
{
	beats++;
}

static void before(void)
{
	logged_begin(LOG_LEVEL_INFO);
	beats = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(worker_new(&worker), 0);
	ck_assert_int_eq(
		pulse_new(&pulse, loop, worker, INTERVAL_MS, on_pulse),
		0);
}

static void after(void)
{
	pulse = pulse_free(pulse);
	worker = worker_free(worker);
	loop = loop_free(loop);
	logged_end();
}

static void turn(unsigned int times)
{
	while (times-- > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
}

START_TEST(beats_while_the_loop_turns)
{
	ck_assert_uint_eq(beats, 0); /* not by being made */
	turn(1);
	ck_assert_uint_eq(beats, 1);
	turn(9);
	ck_assert_uint_eq(beats, 10); /* nothing else is there to turn it */
	ck_assert(logged_nothing());
}
END_TEST

struct gate {
	struct job job;
	sem_t entered, leave;
	int slices; /* that are still to come */
};

static int step(struct job *job)
{
	struct gate *gate = (struct gate *)job;

	(void)sem_post(&gate->entered);
	(void)sem_wait(&gate->leave);
	return --gate->slices > 0;
}

static void done(struct job *job, int result)
{
	(void)job;
	(void)result;
}

START_TEST(stops_while_the_worker_hangs)
{
	struct gate gate = {.job = {.step = step, .done = done}, .slices = 2};

	(void)sem_init(&gate.entered, 0, 0);
	(void)sem_init(&gate.leave, 0, 0);
	worker_submit(worker, &gate.job, WORKER_IDLE);
	ck_assert_int_eq(sem_wait(&gate.entered), 0);
	turn(1); /* it may have begun just now */
	ck_assert_uint_eq(beats, 1);
	turn(10);
	ck_assert_uint_eq(beats, 1);
	ck_assert(logged_has("has not ended a slice"));

	/* one slice ends, and the next one takes long again */
	(void)sem_post(&gate.leave);
	ck_assert_int_eq(sem_wait(&gate.entered), 0);
	turn(1);
	ck_assert_uint_eq(beats, 2);
	turn(5);
	ck_assert_uint_eq(beats, 2);

	/* all is done: it may idle for as long as it likes */
	(void)sem_post(&gate.leave);
	worker = worker_free(worker);
	ck_assert_int_eq(gate.slices, 0);
	pulse = pulse_free(pulse);
	ck_assert_int_eq(worker_new(&worker), 0);
	ck_assert_int_eq(
		pulse_new(&pulse, loop, worker, INTERVAL_MS, on_pulse),
		0);
	while (beats < 10) /* the loop may turn for what is no more, too */
		turn(1);
	ck_assert_uint_eq(beats, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pulse");
	TCase *tcase = harness_case(suite, "pulse");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, beats_while_the_loop_turns);
	tcase_add_test(tcase, stops_while_the_worker_hangs);
	return harness_run(suite);
}
