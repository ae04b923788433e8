/* SPDX-License-Identifier: MIT */
#include "daemon/schedule.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "tests/harness.h"
#include "util/clock.h"

#define HOUR_NS UINT64_C(3600000000000)

static struct schedule schedule;
static struct scheduled one, two, three;

static void before(void)
{
	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	memset(&three, 0, sizeof(three));
	ck_assert_int_eq(schedule_init(&schedule), 0);
}

static void after(void)
{
	schedule_stop(&schedule, &one);
	schedule_stop(&schedule, &two);
	schedule_stop(&schedule, &three);
	schedule_deinit(&schedule);
}

/* Whether the descriptor says so, within so many milliseconds. */
static bool says(int timeout_ms)
{
	struct pollfd ready = {.fd = schedule.fd, .events = POLLIN};

	ck_assert_int_eq(schedule_arm(&schedule), 0);
	return poll(&ready, 1, timeout_ms) == 1;
}

START_TEST(due_at_its_nanosecond_and_not_before)
{
	schedule_set(&schedule, &one, HOUR_NS);
	ck_assert_ptr_null(schedule_take(&schedule, HOUR_NS - 1));
	ck_assert_ptr_eq(schedule_take(&schedule, HOUR_NS), &one);
	ck_assert_ptr_null(schedule_take(&schedule, UINT64_MAX));
}
END_TEST

START_TEST(taken_by_time_and_then_as_they_were_set)
{
	schedule_set(&schedule, &three, 3);
	schedule_set(&schedule, &two, 2);
	schedule_set(&schedule, &one, 2);
	schedule_set(&schedule, &two, 2); /* behind the other now */
	ck_assert_ptr_eq(schedule_take(&schedule, 3), &one);
	ck_assert_ptr_eq(schedule_take(&schedule, 3), &two);
	ck_assert_ptr_eq(schedule_take(&schedule, 3), &three);
	ck_assert_ptr_null(schedule_take(&schedule, 3));
}
END_TEST

START_TEST(what_is_stopped_is_not_taken)
{
	schedule_set(&schedule, &one, 1);
	schedule_set(&schedule, &two, 2);
	schedule_stop(&schedule, &one);
	schedule_stop(&schedule, &one);
	ck_assert_ptr_eq(schedule_take(&schedule, 2), &two);
	ck_assert_ptr_null(schedule_take(&schedule, 2));
}
END_TEST

START_TEST(descriptor_tells_when_something_is_due)
{
	uint64_t now = clock_ns();

	ck_assert(!says(0));
	schedule_set(&schedule, &two, now + HOUR_NS);
	ck_assert(!says(0));
	schedule_set(&schedule, &one, now + 1000000);
	ck_assert(says(10000));
	ck_assert_uint_ge(clock_ns(), now + 1000000);
	ck_assert_ptr_eq(schedule_take(&schedule, clock_ns()), &one);
	ck_assert_ptr_null(schedule_take(&schedule, clock_ns()));
	ck_assert(!says(0));
	ck_assert_uint_eq(schedule.armed_ns, now + HOUR_NS);
}
END_TEST

START_TEST(descriptor_tells_of_what_was_due_before_it_was_set)
{
	schedule_set(&schedule, &one, 1);
	ck_assert(says(10000));
}
END_TEST

/* Putting off costs no system call: it tells once for nothing, and then of
 * what there is. */
START_TEST(only_something_earlier_sets_the_clock)
{
	uint64_t now = clock_ns();

	ck_assert(schedule_set(&schedule, &one, now + HOUR_NS));
	ck_assert_uint_eq(schedule.armed_ns, UINT64_MAX);
	ck_assert_int_eq(schedule_arm(&schedule), 0);
	ck_assert_uint_eq(schedule.armed_ns, now + HOUR_NS);
	ck_assert(!schedule_set(&schedule, &one, now + HOUR_NS + 1));
	ck_assert(!schedule_set(&schedule, &two, now + HOUR_NS + 2));
	ck_assert_int_eq(schedule_arm(&schedule), 0);
	ck_assert_uint_eq(schedule.armed_ns, now + HOUR_NS);
	ck_assert_ptr_null(schedule_take(&schedule, now + HOUR_NS));
	ck_assert_uint_eq(schedule.armed_ns, now + HOUR_NS + 1);
	ck_assert(schedule_set(&schedule, &three, now + HOUR_NS));
	ck_assert_int_eq(schedule_arm(&schedule), 0);
	ck_assert_uint_eq(schedule.armed_ns, now + HOUR_NS);
}
END_TEST

/* As a timer does that sets itself again. */
START_TEST(set_while_others_are_taken)
{
	uint64_t now = clock_ns();

	schedule_set(&schedule, &one, now);
	ck_assert_ptr_eq(schedule_take(&schedule, now), &one);
	ck_assert(!schedule_set(&schedule, &one, now + HOUR_NS));
	ck_assert_ptr_null(schedule_take(&schedule, now));
	ck_assert(!says(0));
	ck_assert_uint_eq(schedule.armed_ns, now + HOUR_NS);
}
END_TEST

START_TEST(nothing_set_is_never_told)
{
	schedule_set(&schedule, &one, 1);
	ck_assert_int_eq(schedule_arm(&schedule), 0);
	schedule_stop(&schedule, &one);
	ck_assert(says(10000));
	ck_assert_ptr_null(schedule_take(&schedule, clock_ns()));
	ck_assert(!says(0));
	ck_assert_uint_eq(schedule.armed_ns, UINT64_MAX);
}
END_TEST

START_TEST(what_could_not_be_set_is_set_the_next_time)
{
	int fd = schedule.fd;

	schedule_set(&schedule, &one, 1);
	schedule.fd = -1;
	ck_assert_int_eq(schedule_arm(&schedule), -EBADF);
	ck_assert_uint_eq(schedule.armed_ns, UINT64_MAX);
	schedule.fd = fd;
	ck_assert(says(10000));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = harness_case(suite, "schedule");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, due_at_its_nanosecond_and_not_before);
	tcase_add_test(tcase, taken_by_time_and_then_as_they_were_set);
	tcase_add_test(tcase, what_is_stopped_is_not_taken);
	tcase_add_test(tcase, descriptor_tells_when_something_is_due);
	tcase_add_test(tcase,
		       descriptor_tells_of_what_was_due_before_it_was_set);
	tcase_add_test(tcase, only_something_earlier_sets_the_clock);
	tcase_add_test(tcase, set_while_others_are_taken);
	tcase_add_test(tcase, nothing_set_is_never_told);
	tcase_add_test(tcase, what_could_not_be_set_is_set_the_next_time);
	return harness_run(suite);
}
