/* SPDX-License-Identifier: MIT */
#include "daemon/timeslice.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "tests/harness.h"
#include "tests/own_slice.h"

/* Each test has a process of its own, so nothing has to be undone. */

static struct own_slice own(void)
{
	struct own_slice own;

	ck_assert(own_slice_read(&own));
	return own;
}

static void ask(uint64_t ns)
{
	int r = timeslice_ask(ns);

	if (r == -EPERM)
		harness_skip("time slices may not be asked for here");
	ck_assert_int_eq(r, 0);
}

/* Asks, and skips the test where the kernel has nothing of the kind. */
static void ask_and_see(uint64_t ns)
{
	ask(ns);
	if (own().ns == 0)
		harness_skip("the kernel has no time slices to ask for (6.12)");
}

START_TEST(wish_is_taken_and_taken_back)
{
	uint64_t usual = own().ns;

	ask_and_see(TIMESLICE_SHORTEST_NS);
	ck_assert_uint_eq(own().ns, TIMESLICE_SHORTEST_NS);
	ask(7000000);
	ck_assert_uint_eq(own().ns, 7000000);
	ask(TIMESLICE_USUAL);
	ck_assert_uint_eq(own().ns, usual);
}
END_TEST

START_TEST(niceness_stays)
{
	int before = getpriority(PRIO_PROCESS, 0);

	ck_assert_int_eq(setpriority(PRIO_PROCESS, 0, before + 3), 0);
	ask(TIMESLICE_SHORTEST_NS);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0),
			 before + 3 < 19 ? before + 3 : 19);
	ck_assert_uint_eq(own().policy, SCHED_OTHER);
}
END_TEST

START_TEST(policy_of_the_operator_stays)
{
	const struct sched_param none = {.sched_priority = 0};

	ck_assert_int_eq(sched_setscheduler(0, SCHED_BATCH, &none), 0);
	ask(TIMESLICE_SHORTEST_NS);
	ck_assert_uint_eq(own().policy, SCHED_BATCH);
	ck_assert_uint_ne(own().ns, TIMESLICE_SHORTEST_NS);
}
END_TEST

static void *read_own(void *data)
{
	*(uint64_t *)data = own().ns;
	return NULL;
}

START_TEST(threads_made_later_have_it)
{
	uint64_t theirs = 0;
	pthread_t thread;

	ask_and_see(TIMESLICE_SHORTEST_NS);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_own, &theirs), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(theirs, TIMESLICE_SHORTEST_NS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timeslice");
	TCase *tcase = harness_case(suite, "timeslice");

	tcase_add_test(tcase, wish_is_taken_and_taken_back);
	tcase_add_test(tcase, niceness_stays);
	tcase_add_test(tcase, policy_of_the_operator_stays);
	tcase_add_test(tcase, threads_made_later_have_it);
	return harness_run(suite);
}
