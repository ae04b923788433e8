/* SPDX-License-Identifier: MIT */
#include "daemon/patrol.h"

#include <errno.h>
#include <poll.h>

#include "tests/harness.h"
#include "tests/lot.h"
#include "util/log.h"

#define N 5

static struct worker *worker;
static struct lot lot;
static struct patrol patrol;
static int result;

static void gone(struct patrol *done, int r)
{
	ck_assert_ptr_eq(done, &patrol);
	ck_assert_ptr_eq(done->data, &lot);
	result = r;
}

static void before(void)
{
	log_set_level(0);
	ck_assert_int_eq(worker_new(&worker), 0);
	lot_init_guarded(&lot, N, FAKE_GRANULE);
}

static void after(void)
{
	worker = worker_free(worker);
	lot_deinit(&lot);
}

/* Sends the patrol past all buffers; its result is left in result. */
static void go(enum patrol_task task)
{
	struct pollfd pollfd = {.fd = worker_fd(worker), .events = POLLIN};

	patrol_init(&patrol, task, gone, &lot);
	for (size_t i = 0; i < N; i++)
		patrol_add(&patrol, lot.buffers[i]);
	for (size_t i = 0; i < N; i++)
		ck_assert_uint_eq(lot.buffers[i]->pins, 1);
	result = 1;
	patrol_start(&patrol, worker, WORKER_URGENT);
	while (result > 0) {
		ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
		worker_dispatch(worker);
	}
	for (size_t i = 0; i < N; i++)
		ck_assert_uint_eq(lot.buffers[i]->pins, 1);
	patrol_release(&patrol);
	ck_assert_uint_eq(patrol.n, 0);
	for (size_t i = 0; i < N; i++)
		ck_assert_uint_eq(lot.buffers[i]->pins, 0);
}

START_TEST(fills_and_finds_nothing_wrong)
{
	go(PATROL_FILL);
	ck_assert_int_eq(result, 0);
	for (size_t i = 0; i < N; i++)
		ck_assert(lot.buffers[i]->guard_filled);
	go(PATROL_CHECK);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(lot.fake.n_guarded, 2 * N);
	ck_assert_uint_eq(lot.region->damaged_guards, 0);
}
END_TEST

START_TEST(notes_what_is_wrong)
{
	go(PATROL_FILL);
	fake_guard(lot.buffers[0]->object)[7] ^= 1;
	fake_guard(lot.buffers[N - 1]->object)[0] ^= 1;
	go(PATROL_CHECK);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(lot.buffers[0]->damage.bytes, 1);
	ck_assert_uint_eq(lot.buffers[0]->damage.first_bytes, 7);
	ck_assert_uint_eq(lot.buffers[1]->damage.bytes, 0);
	ck_assert_uint_eq(lot.buffers[N - 1]->damage.bytes, 1);
	ck_assert_uint_eq(lot.region->damaged_guards, 2);
	go(PATROL_CHECK);
	ck_assert_uint_eq(lot.region->damaged_guards, 2);
}
END_TEST

/* The others are gone through all the same. */
START_TEST(one_that_fails_is_told)
{
	go(PATROL_FILL);
	lot.fake.guard_result = -EIO;
	lot.fake.bad_guard = lot.buffers[1]->object;
	fake_guard(lot.buffers[1]->object)[0] ^= 1;
	fake_guard(lot.buffers[2]->object)[0] ^= 1;
	go(PATROL_CHECK);
	ck_assert_int_eq(result, -EIO);
	ck_assert_int_eq(patrol.results[0], 0);
	ck_assert_int_eq(patrol.results[1], -EIO);
	ck_assert_uint_eq(lot.buffers[1]->damage.bytes, 0);
	ck_assert_uint_eq(lot.buffers[2]->damage.bytes, 1);
}
END_TEST

START_TEST(failed_filling_means_nothing)
{
	lot.fake.guard_result = -ENOSPC;
	go(PATROL_FILL);
	ck_assert_int_eq(result, -ENOSPC);
	for (size_t i = 0; i < N; i++)
		ck_assert(!lot.buffers[i]->guard_filled);
	lot.fake.guard_result = 0;
	lot.fake.n_guarded = 0;
	go(PATROL_CHECK); /* all zero, and nothing is said of it */
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(lot.fake.n_guarded, 0);
	ck_assert_uint_eq(lot.region->damaged_guards, 0);
}
END_TEST

START_TEST(nobody_to_visit)
{
	struct pollfd pollfd = {.fd = worker_fd(worker), .events = POLLIN};

	patrol_init(&patrol, PATROL_CHECK, gone, &lot);
	result = 1;
	patrol_start(&patrol, worker, WORKER_IDLE);
	while (result > 0) {
		ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
		worker_dispatch(worker);
	}
	ck_assert_int_eq(result, 0);
}
END_TEST

START_TEST(as_many_as_one_request_has)
{
	struct lot many;

	lot_init_guarded(&many, PATROL_BUFFERS, FAKE_GRANULE);
	patrol_init(&patrol, PATROL_FILL, gone, &lot);
	for (size_t i = 0; i < PATROL_BUFFERS; i++) {
		ck_assert(!patrol_is_full(&patrol));
		patrol_add(&patrol, many.buffers[i]);
	}
	ck_assert(patrol_is_full(&patrol));
	patrol_release(&patrol);
	lot_deinit(&many);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("patrol");
	TCase *tcase = harness_case(suite, "patrol");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, fills_and_finds_nothing_wrong);
	tcase_add_test(tcase, notes_what_is_wrong);
	tcase_add_test(tcase, one_that_fails_is_told);
	tcase_add_test(tcase, failed_filling_means_nothing);
	tcase_add_test(tcase, nobody_to_visit);
	tcase_add_test(tcase, as_many_as_one_request_has);
	return harness_run(suite);
}
