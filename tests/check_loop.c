/* SPDX-License-Identifier: MIT */
#include "daemon/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/clock.h"
#include "util/fd.h"

static struct loop *loop;
static int pair[2];
static int calls;

static void before(void)
{
	calls = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(socketpair(AF_UNIX,
				    SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
				    0, pair),
			 0);
}

static void after(void)
{
	(void)fd_close(pair[0]);
	(void)fd_close(pair[1]);
	loop = loop_free(loop);
}

static void count(void *data)
{
	(void)data;
	calls++;
}

static void turn(void)
{
	ck_assert_int_eq(loop_turn(loop, false), 0);
}

START_TEST(level_reports_for_as_long_as_it_lasts)
{
	struct watch *watch;
	char byte = 'x';

	ck_assert_int_eq(
		watch_new(&watch, loop, pair[0], LOOP_READ, count, NULL), 0);
	turn();
	ck_assert_int_eq(calls, 0);
	ck_assert_int_eq(write(pair[1], &byte, 1), 1);
	turn();
	turn();
	ck_assert_int_eq(calls, 2);
	watch_pause(watch);
	turn();
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(watch_resume(watch), 0);
	turn();
	ck_assert_int_eq(calls, 3);
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	turn();
	ck_assert_int_eq(calls, 3);
	ck_assert_ptr_null(watch_free(watch));
}
END_TEST

/* Including the end of a peer that left something unread, which the kernel
 * reports as an error. */
START_TEST(edge_reports_each_change_once)
{
	struct watch *watch;
	char byte = 'x';

	ck_assert_int_eq(watch_new(&watch, loop, pair[0], LOOP_READ | LOOP_EDGE,
				   count, NULL),
			 0);
	ck_assert_int_eq(write(pair[1], &byte, 1), 1);
	turn();
	turn();
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(write(pair[1], &byte, 1), 1);
	turn();
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(write(pair[0], &byte, 1), 1);
	pair[1] = fd_close(pair[1]);
	turn();
	ck_assert_int_eq(calls, 3);
	turn();
	ck_assert_int_eq(calls, 3);
	(void)watch_free(watch);
}
END_TEST

static void again(void *data)
{
	struct timer **timerp = data;

	calls++;
	timer_set(*timerp, 0);
}

/* A timer of 0 that sets itself lets others in between. */
START_TEST(timer_of_zero_is_the_next_round)
{
	struct timer *timer;

	ck_assert_int_eq(timer_new(&timer, loop, again, &timer), 0);
	turn();
	ck_assert_int_eq(calls, 0);
	timer_set(timer, 0);
	turn();
	ck_assert_int_eq(calls, 1);
	turn();
	ck_assert_int_eq(calls, 2);
	timer_stop(timer);
	turn();
	ck_assert_int_eq(calls, 2);
	ck_assert_ptr_null(timer_free(timer));
}
END_TEST

START_TEST(timer_waits_and_can_be_set_anew)
{
	struct timer *timer;
	uint64_t begin = clock_ms();

	ck_assert_int_eq(timer_new(&timer, loop, count, NULL), 0);
	timer_set(timer, 3600000);
	timer_set(timer, 20);
	while (calls == 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_ge(clock_ms() - begin, 19);
	(void)timer_free(timer);
}
END_TEST

/* One more than there was room for, twice. */
START_TEST(timers_may_be_many)
{
	struct timer *timers[33];

	for (size_t i = 0; i < 33; i++) {
		ck_assert_int_eq(timer_new(&timers[i], loop, count, NULL), 0);
		timer_set(timers[i], 0);
	}
	turn();
	ck_assert_int_eq(calls, 33);
	for (size_t i = 0; i < 33; i++)
		(void)timer_free(timers[i]);
}
END_TEST

static void caught(void *data, int signo)
{
	ck_assert_int_eq(signo, SIGUSR1);
	calls++;
	loop_stop(data);
}

START_TEST(signal_becomes_an_event)
{
	struct catcher *catcher;

	ck_assert_int_eq(catcher_new(&catcher, loop, SIGUSR1, caught, loop), 0);
	ck_assert_int_eq(raise(SIGUSR1), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(calls, 1);
	ck_assert_ptr_null(catcher_free(catcher));
}
END_TEST

/* Whoever is called sees by the number whether anybody else was, in between. */
START_TEST(every_call_is_counted)
{
	struct catcher *catcher;
	struct timer *timer;
	struct watch *watch;
	char byte = 'x';

	ck_assert_uint_eq(loop_calls(loop), 0);
	turn();
	ck_assert_uint_eq(loop_calls(loop), 0);
	ck_assert_int_eq(timer_new(&timer, loop, count, NULL), 0);
	ck_assert_int_eq(
		watch_new(&watch, loop, pair[0], LOOP_READ, count, NULL), 0);
	timer_set(timer, 0);
	turn();
	ck_assert_uint_eq(loop_calls(loop), 1);
	timer_set(timer, 0);
	ck_assert_int_eq(write(pair[1], &byte, 1), 1);
	turn();
	ck_assert_uint_eq(loop_calls(loop), 3);
	(void)watch_free(watch);
	(void)timer_free(timer);
	ck_assert_int_eq(catcher_new(&catcher, loop, SIGUSR1, caught, loop), 0);
	ck_assert_int_eq(raise(SIGUSR1), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_eq(loop_calls(loop), 4);
	(void)catcher_free(catcher);
}
END_TEST

START_TEST(freeing_nothing_is_allowed)
{
	ck_assert_ptr_null(watch_free(NULL));
	ck_assert_ptr_null(timer_free(NULL));
	ck_assert_ptr_null(catcher_free(NULL));
	ck_assert_ptr_null(loop_free(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tcase = harness_case(suite, "loop");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, level_reports_for_as_long_as_it_lasts);
	tcase_add_test(tcase, edge_reports_each_change_once);
	tcase_add_test(tcase, timer_of_zero_is_the_next_round);
	tcase_add_test(tcase, timer_waits_and_can_be_set_anew);
	tcase_add_test(tcase, timers_may_be_many);
	tcase_add_test(tcase, signal_becomes_an_event);
	tcase_add_test(tcase, every_call_is_counted);
	tcase_add_test(tcase, freeing_nothing_is_allowed);
	return harness_run(suite);
}
