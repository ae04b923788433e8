/* SPDX-License-Identifier: MIT */
#include "daemon/moderation.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/clock.h"
#include "util/fd.h"

/* The descriptor is an eventfd.  How often it is read is counted, and when that
 * was is decided by the loop's turns. */

static struct loop *loop;
static struct moderation moderation;
static int event_fd;
static int reads, with_something;

static bool read_event(void *data)
{
	uint64_t n;

	ck_assert_ptr_eq(data, &moderation);
	reads++;
	if (read(event_fd, &n, sizeof(n)) < 0)
		return false;
	with_something++;
	return true;
}

static void before(void)
{
	reads = with_something = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(event_fd, 0);
	ck_assert_int_eq(moderation_init(&moderation, loop, event_fd,
					 read_event, &moderation),
			 0);
}

static void after(void)
{
	moderation_deinit(&moderation);
	moderation_deinit(&moderation);
	event_fd = fd_close(event_fd);
	loop = loop_free(loop);
}

static void turn(void)
{
	ck_assert_int_eq(loop_turn(loop, false), 0);
}

/* The second one of two that follow one another. */
static void begin(void)
{
	for (int i = 0; !moderation.on; i++) {
		ck_assert_int_lt(i, 1000);
		fd_raise_event(event_fd);
		turn();
	}
	reads = with_something = 0;
}

static void wait_for_reads(int n)
{
	while (reads < n)
		ck_assert_int_eq(loop_turn(loop, true), 0);
}

START_TEST(the_first_is_read_at_once)
{
	turn();
	ck_assert_int_eq(reads, 0);
	fd_raise_event(event_fd);
	turn();
	ck_assert_int_eq(with_something, 1);
	ck_assert(!moderation.on);
	turn();
	ck_assert_int_eq(reads, 1);
}
END_TEST

START_TEST(what_comes_rarely_is_never_moderated)
{
	for (int i = 1; i <= 3; i++) {
		moderation.woken_ms = clock_ms() - MODERATION_MS - 1;
		fd_raise_event(event_fd);
		turn();
		ck_assert_int_eq(with_something, i);
		ck_assert(!moderation.on);
	}
}
END_TEST

START_TEST(nobody_is_woken_within_a_period)
{
	uint64_t start = clock_ns();

	begin();
	fd_raise_event(event_fd);
	turn();
	if (clock_ns() - start < MODERATION_MS * UINT64_C(1000000))
		ck_assert_int_eq(reads, 0);
	wait_for_reads(1);
	ck_assert_uint_ge(clock_ns() - start, MODERATION_MS * UINT64_C(1000000));
	ck_assert_int_eq(with_something, 1);
}
END_TEST

START_TEST(who_needs_to_know_reads)
{
	fd_raise_event(event_fd);
	moderation_catch_up(&moderation); /* before the loop tells of it */
	ck_assert_int_eq(with_something, 1);
	turn();
	ck_assert_int_eq(reads, 1);
	begin();
	fd_raise_event(event_fd);
	moderation_catch_up(&moderation);
	ck_assert_int_eq(with_something, 1);
	ck_assert(moderation.on);
}
END_TEST

/* As long as each period brings something, by whomever it was read. */
START_TEST(periods_go_on_while_something_comes)
{
	begin();
	for (int i = 0; i < 3; i++) {
		fd_raise_event(event_fd);
		if (i == 1)
			moderation_catch_up(&moderation);
		reads = 0;
		wait_for_reads(i == 1 ? 1 : 2); /* until there was nothing */
		ck_assert(moderation.on);
	}
	ck_assert_int_eq(with_something, 3);
}
END_TEST

START_TEST(an_empty_period_ends_it)
{
	begin();
	wait_for_reads(1);
	ck_assert_int_eq(with_something, 0);
	ck_assert(!moderation.on);
	/* and no timer runs any more */
	moderation.woken_ms = clock_ms() - MODERATION_MS - 1;
	fd_raise_event(event_fd);
	ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_int_eq(reads, 2);
	ck_assert(!moderation.on);
}
END_TEST

/* Nothing is lost on the way back into the loop. */
START_TEST(what_came_in_between_is_told)
{
	begin();
	wait_for_reads(1);
	ck_assert(!moderation.on);
	fd_raise_event(event_fd);
	turn();
	ck_assert_int_eq(with_something, 1);
}
END_TEST

START_TEST(nothing_to_moderate)
{
	struct moderation none = {.on = false};

	moderation_catch_up(&none);
	moderation_deinit(&none);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("moderation");
	TCase *tcase = harness_case(suite, "moderation");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, the_first_is_read_at_once);
	tcase_add_test(tcase, what_comes_rarely_is_never_moderated);
	tcase_add_test(tcase, nobody_is_woken_within_a_period);
	tcase_add_test(tcase, who_needs_to_know_reads);
	tcase_add_test(tcase, periods_go_on_while_something_comes);
	tcase_add_test(tcase, an_empty_period_ends_it);
	tcase_add_test(tcase, what_came_in_between_is_told);
	tcase_add_test(tcase, nothing_to_moderate);
	return harness_run(suite);
}
