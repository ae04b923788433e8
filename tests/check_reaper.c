/* SPDX-License-Identifier: MIT */
#include "daemon/reaper.h"

#include <errno.h>

#include "daemon/lease.h"
#include "tests/harness.h"
#include "tests/lot.h"
#include "util/fd.h"

/*
 * Time is an argument of the reaper, and CPU time is what the test says a look
 * costs, so that here budgets are arithmetic.  Files and what the kernel tells
 * of them are real.
 */

static struct lot lot;
static struct reaper reaper;
static struct closings closings;
static uint64_t now;	 /* ms */
static uint64_t look_ns; /* what a look costs */
static uint64_t wake_ns; /* what waking up costs */
static uint64_t turn_ns; /* what a turn of the loop costs besides */
static uint64_t idle_ns; /* what both have cost so far */
static size_t sleeps;	 /* from which somebody had to wake up */

static uint64_t cpu_ns(void)
{
	return lot.fake.n_asked * look_ns + idle_ns;
}

static void ended(void *data, struct buffer *buffer)
{
	(void)data;
	reaper_remove(&reaper, buffer);
	lot_end(&lot, buffer);
}

static void begin_with(struct closings *with, size_t n)
{
	idle_ns = 0;
	lot_init(&lot, n);
	lot.fake.backend.close_events = with != NULL;
	reaper_init(&reaper, with, ended, NULL);
	reaper.cpu_ns = cpu_ns;
	now = 1000;
	for (size_t i = 0; i < n; i++)
		reaper_add(&reaper, lot.buffers[i], now);
}

static void begin(size_t n)
{
	begin_with(NULL, n);
}

static void let_go(size_t i)
{
	fake_set_held(lot.buffers[i]->object, false);
}

/* Looks since the last call. */
static size_t looks(void)
{
	size_t n = lot.fake.n_asked;
	static size_t before;

	if (n < before)
		before = 0;
	n -= before;
	before += n;
	return n;
}

/* Does what is due up to that time, as the loop would: sleeps for as long as
 * the reaper says, and no longer.  Returns how often it had to wake up. */
static size_t live_until(uint64_t end)
{
	size_t wakes = 0;
	int64_t delay;

	while ((delay = reaper_delay_ms(&reaper, now)) >= 0 &&
	       now + (uint64_t)delay <= end) {
		now += (uint64_t)delay;
		sleeps += delay > 0;
		idle_ns += turn_ns + (delay > 0 ? wake_ns : 0);
		reaper_run_alone(&reaper, now);
		wakes++;
	}
	now = end;
	return wakes;
}

START_TEST(nothing_lent_nothing_due)
{
	begin(0);
	ck_assert_int_eq(reaper_delay_ms(&reaper, 5), -1);
	ck_assert(reaper_has_swept(&reaper, reaper_want_sweep(&reaper)));
	ck_assert_int_eq(reaper_delay_ms(&reaper, 5), -1);
	lot_deinit(&lot);
}
END_TEST

START_TEST(round_is_due_after_its_time)
{
	begin(3);
	let_go(1);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_ROUND_MS);
	reaper_run(&reaper, now + REAPER_ROUND_MS - 1);
	ck_assert_uint_eq(looks(), 0);
	now += REAPER_ROUND_MS;
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
	reaper_run(&reaper, now);
	ck_assert_uint_eq(looks(), 3);
	ck_assert_ptr_null(lot.buffers[1]);
	ck_assert_ptr_nonnull(lot.buffers[0]);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_ROUND_MS);
	let_go(0);
	let_go(2);
	ck_assert_uint_eq(live_until(now + REAPER_ROUND_MS), 1);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), -1);
	lot_deinit(&lot);
}
END_TEST

START_TEST(hint_is_followed_often_for_a_while)
{
	begin(2);
	reaper_hint(&reaper, lot.buffers[0], now);
	reaper_hint(&reaper, lot.buffers[0], now);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
	reaper_run(&reaper, now);
	ck_assert_uint_eq(looks(), 1);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_HOT_MS);
	(void)live_until(now + REAPER_ROUND_MS - 1);
	ck_assert_uint_eq(looks(), REAPER_ROUND_MS / REAPER_HOT_MS - 1);

	/* once it has been hot for its time, it goes round as the other */
	(void)live_until(1000 + REAPER_HOT_FOR_MS);
	looks();
	(void)live_until(now + 10 * REAPER_ROUND_MS);
	ck_assert_uint_eq(looks(), 2 * 10);

	reaper_hint(&reaper, lot.buffers[0], now);
	let_go(0);
	reaper_run(&reaper, now);
	ck_assert_ptr_null(lot.buffers[0]);
	lot_deinit(&lot);
}
END_TEST

/* Hints without end are no reason to look more often, nor later. */
START_TEST(hints_without_end_change_nothing)
{
	begin(1);
	for (int i = 0; i < 5 * REAPER_HOT_MS; i++) {
		reaper_hint_again(&reaper, lot.buffers[0], now);
		(void)live_until(now + 1);
	}
	ck_assert_uint_eq(looks(), 5);
	let_go(0);
	(void)live_until(now + REAPER_HOT_MS);
	ck_assert_ptr_null(lot.buffers[0]);
	lot_deinit(&lot);
}
END_TEST

START_TEST(a_turn_is_a_slice)
{
	size_t n = 2 * REAPER_SLICE + 1;

	begin(n);
	now += REAPER_ROUND_MS;
	reaper_run(&reaper, now);
	ck_assert_uint_le(looks(), REAPER_SLICE);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
	ck_assert_uint_ge(live_until(now), 2);
	ck_assert_uint_eq(lot.fake.n_asked, n);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_ROUND_MS);

	/* fresh ones as well, and each once */
	looks();
	for (size_t i = 0; i < n; i++)
		reaper_hint(&reaper, lot.buffers[i], now);
	reaper_run(&reaper, now);
	ck_assert_uint_le(lot.fake.n_asked, n + REAPER_SLICE);
	ck_assert_uint_ge(live_until(now), 2);
	ck_assert_uint_eq(looks(), n);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_HOT_MS);
	lot_deinit(&lot);
}
END_TEST

/* What a look costs decides how many make a slice. */
START_TEST(a_slice_is_short)
{
	begin(4 * REAPER_SLICE);
	look_ns = 2000;
	for (int i = 0; i < 100; i++) {
		(void)reaper_want_sweep(&reaper);
		(void)live_until(now);
	}
	looks();
	(void)reaper_want_sweep(&reaper);
	reaper_run(&reaper, now);
	ck_assert_uint_ge(looks(), 12);
	(void)reaper_want_sweep(&reaper);
	reaper_run(&reaper, now);
	ck_assert_uint_le(looks(), REAPER_SLICE_NS / 2000);

	look_ns = 1000000; /* there is a least, for it to go on at all */
	for (int i = 0; i < 100; i++) {
		(void)reaper_want_sweep(&reaper);
		(void)live_until(now);
	}
	looks();
	(void)reaper_want_sweep(&reaper);
	reaper_run(&reaper, now);
	ck_assert_uint_eq(looks(), REAPER_SLICE_MIN);
	lot_deinit(&lot);
}
END_TEST

/* Looks in a minute at n buffers of one kind, where one look takes ns.  However
 * many they are, nobody wakes up more often than for one. */
static size_t looks_in_a_minute(size_t n, uint64_t ns, bool drain)
{
	size_t count;

	look_ns = ns;
	begin(n);
	for (size_t i = 0; i < n && drain; i++)
		buffer_drain(lot.buffers[i], now);
	for (size_t i = 0; i < n && drain; i++)
		reaper_hint(&reaper, lot.buffers[i], now);
	(void)live_until(now + 20000);
	looks();
	sleeps = 0;
	(void)live_until(now + 60000);
	count = looks();
	ck_assert_uint_le(sleeps, 60000 / REAPER_ROUND_MS);
	lot_deinit(&lot);
	look_ns = 0;
	return count;
}

/* The promise: below a hundredth of a core, whatever the number and price. */
START_TEST(quiet_ones_keep_within_their_budget)
{
	const size_t passes = 60000 / REAPER_ROUND_MS;
	const uint64_t share_ns = UINT64_C(60000) * 1000 * REAPER_QUIET_PERMILLE;
	size_t n;

	/* few: every time */
	ck_assert_uint_eq(looks_in_a_minute(1, 2500, false), passes);
	n = looks_in_a_minute(250, 2500, false);
	ck_assert_uint_ge(n, passes * 250 * 99 / 100);
	ck_assert_uint_le(n, passes * 250);
	/* many: as often as they may */
	for (uint64_t ns = 300; ns < 100000; ns *= 7) {
		n = looks_in_a_minute(10000, ns, false);
		if (10000 * passes * ns < share_ns)
			continue;
		ck_assert_uint_le(n * ns, share_ns + share_ns / 50);
		ck_assert_uint_ge(n * ns, share_ns - share_ns / 50);
	}
}
END_TEST

/* What a minute costs altogether, with waking up and all, for n buffers whose
 * looks take ns, and how often somebody wakes up in it. */
struct minute {
	uint64_t cost_ns;
	size_t looks;
	size_t sleeps;
};

static struct minute a_minute(size_t n, uint64_t ns)
{
	struct minute minute;

	look_ns = ns;
	begin(n);
	idle_ns = 1; /* by now it has spent something */
	(void)live_until(now + 60000);
	minute.looks = lot.fake.n_asked;
	minute.cost_ns = cpu_ns();
	sleeps = 0;
	(void)live_until(now + 60000);
	minute.looks = lot.fake.n_asked - minute.looks;
	minute.cost_ns = cpu_ns() - minute.cost_ns;
	minute.sleeps = sleeps;
	lot_deinit(&lot);
	look_ns = wake_ns = turn_ns = 0;
	return minute;
}

#define SHARE_NS (UINT64_C(60000) * 1000 * REAPER_QUIET_PERMILLE)

START_TEST(waking_up_is_paid_for)
{
	for (uint64_t ns = 1000; ns < 10000000; ns *= 10) {
		struct minute minute;

		wake_ns = ns;
		turn_ns = ns / 10;
		minute = a_minute(10000, 2500);
		ck_assert_uint_le(minute.cost_ns,
				  SHARE_NS + SHARE_NS / 50 + 2 * ns);
		ck_assert_uint_ge(minute.cost_ns,
				  SHARE_NS - SHARE_NS / 50 - 2 * ns);
		ck_assert_uint_gt(minute.looks, 0);
	}
}
END_TEST

/* An emulated board: one slice costs more than ten rounds may spend. */
START_TEST(nobody_wakes_up_for_nothing)
{
	struct minute minute;

	wake_ns = 1400000;
	minute = a_minute(10000, 2800000);
	ck_assert_uint_gt(minute.sleeps, 0);
	ck_assert_uint_eq(minute.looks, minute.sleeps * REAPER_SLICE_MIN);
	ck_assert_uint_le(minute.cost_ns,
			  SHARE_NS + REAPER_SLICE_MIN * 2800000 + 1400000);
	ck_assert_uint_ge(minute.cost_ns,
			  SHARE_NS - REAPER_SLICE_MIN * 2800000 - 1400000);
}
END_TEST

/* As many as can be seen every 80 ms are, whatever it costs to wake up. */
START_TEST(who_is_not_crowded_keeps_the_rhythm)
{
	const uint64_t ns = REAPER_SLICE_NS / REAPER_SLICE; /* as it begins */
	const size_t n = REAPER_ROUND_MS * 1000 * REAPER_QUIET_PERMILLE / ns;
	const size_t passes = 60000 / REAPER_ROUND_MS;
	struct minute minute;

	wake_ns = 1000000;
	minute = a_minute(n, ns);
	ck_assert_uint_eq(minute.looks, passes * n);
	ck_assert_uint_eq(minute.sleeps, passes);
	ck_assert_uint_gt(minute.cost_ns, 2 * SHARE_NS);

	wake_ns = 1000000;
	minute = a_minute(n + 1, ns);
	ck_assert_uint_lt(minute.looks, passes * n / 2);
	ck_assert_uint_le(minute.cost_ns, SHARE_NS + SHARE_NS / 50);
	ck_assert_uint_ge(minute.cost_ns, SHARE_NS - SHARE_NS / 50);
}
END_TEST

/* An eighth of what going round takes, but never for longer than a second. */
START_TEST(rests_are_as_long_as_it_takes_anyway)
{
	const uint64_t ns = REAPER_SLICE_NS / REAPER_SLICE;
	const uint64_t share_ns = UINT64_C(1000) * REAPER_QUIET_PERMILLE;
	struct minute minute;

	for (size_t n = 1000; n <= 400000; n *= 20) {
		uint64_t rest_ms = n * ns / share_ns / REAPER_RESTS;

		if (rest_ms < REAPER_ROUND_MS)
			rest_ms = REAPER_ROUND_MS;
		if (rest_ms > REAPER_REST_MS)
			rest_ms = REAPER_REST_MS;
		minute = a_minute(n, ns);
		ck_assert_uint_ge(minute.sleeps, 60000 / rest_ms);
		ck_assert_uint_le(minute.sleeps, 60000 / rest_ms + 1);
	}
}
END_TEST

/* What the thread does for others in between is not the round's to pay. */
START_TEST(others_pay_for_themselves)
{
	int64_t left;

	look_ns = 2500;
	begin(1000);
	idle_ns = 1;
	(void)live_until(now + 10000);
	now += (uint64_t)reaper_delay_ms(&reaper, now);
	left = budget_has(&reaper.quiet.budget, now)
		       ? reaper.quiet.budget.left_ns
		       : 0;
	ck_assert_int_gt(left, 0);
	looks();
	idle_ns += 1000000000;
	reaper_run(&reaper, now);
	ck_assert_int_eq(reaper.quiet.budget.left_ns,
			 left - (int64_t)(looks() * 2500));

	/* nor what it did before the first look */
	lot_deinit(&lot);
	begin(1000);
	idle_ns = 1000000000;
	now += REAPER_ROUND_MS;
	left = reaper.quiet.budget.left_ns;
	looks();
	reaper_run_alone(&reaper, now);
	ck_assert_int_eq(reaper.quiet.budget.left_ns,
			 left - (int64_t)(looks() * 2500));
	lot_deinit(&lot);
	look_ns = 0;
}
END_TEST

/* A timer that is a moment early costs what it costs. */
START_TEST(waking_up_too_early_is_paid_for)
{
	int64_t left;

	look_ns = 2500;
	begin(1000);
	idle_ns = 1;
	(void)live_until(now + 10000);
	now += (uint64_t)reaper_delay_ms(&reaper, now);
	ck_assert(budget_has(&reaper.quiet.budget, now));
	left = reaper.quiet.budget.left_ns;
	looks();
	for (int i = 0; i < 3; i++) {
		idle_ns += 10000;
		reaper_run_alone(&reaper, now - 1);
	}
	ck_assert_uint_eq(looks(), 0);
	idle_ns += 10000;
	reaper_run_alone(&reaper, now);
	ck_assert_int_eq(reaper.quiet.budget.left_ns,
			 left - 40000 - (int64_t)(looks() * 2500));
	lot_deinit(&lot);
	look_ns = 0;
}
END_TEST

START_TEST(draining_ones_have_more_to_spend)
{
	const size_t passes = 60000 / REAPER_ROUND_MS;
	const uint64_t share_ns =
		UINT64_C(60000) * 1000 * REAPER_DRAINING_PERMILLE;
	size_t n;

	n = looks_in_a_minute(1500, 2500, true);
	ck_assert_uint_ge(n, passes * 1500 * 99 / 100);
	ck_assert_uint_le(n, passes * 1500);
	n = looks_in_a_minute(10000, 2500, true);
	ck_assert_uint_le(n * 2500, share_ns + share_ns / 50);
	ck_assert_uint_ge(n * 2500, share_ns - share_ns / 50);
}
END_TEST

/* Ten thousand of a process that was killed, and still are held: the first
 * look comes at once, and then a quarter of a core is spent for half a second,
 * and no more. */
START_TEST(hot_ones_keep_within_their_budget)
{
	const uint64_t share_ns =
		(uint64_t)REAPER_HOT_FOR_MS * 1000 * REAPER_HOT_PERMILLE;
	size_t n;

	look_ns = 2500;
	begin(10000);
	for (size_t i = 0; i < 10000; i++)
		reaper_hint(&reaper, lot.buffers[i], now);
	(void)live_until(now);
	ck_assert_uint_eq(looks(), 10000);
	(void)live_until(now + REAPER_HOT_FOR_MS);
	n = looks();
	ck_assert_uint_le(n * 2500, share_ns + share_ns / 20);
	ck_assert_uint_ge(n * 2500, share_ns - share_ns / 20);
	look_ns = 0;
	lot_deinit(&lot);
}
END_TEST

/* A quiet crowd does not keep those waiting of whom something was said. */
START_TEST(a_crowd_holds_up_nobody)
{
	look_ns = 20000;
	begin(5000);
	(void)live_until(now + 10000);
	let_go(17);
	let_go(18);
	let_go(19);
	reaper_hint(&reaper, lot.buffers[17], now);
	reaper_hint_again(&reaper, lot.buffers[18], now);
	(void)live_until(now + REAPER_HOT_MS);
	ck_assert_ptr_null(lot.buffers[17]);
	ck_assert_ptr_null(lot.buffers[18]);
	(void)live_until(now + 60000); /* the others have their turn */
	ck_assert_ptr_null(lot.buffers[19]);
	look_ns = 0;
	lot_deinit(&lot);
}
END_TEST

/* One that is wanted while another is under way is the next one. */
START_TEST(wanted_sweep_sees_every_buffer)
{
	uint64_t first, second;

	begin(REAPER_SLICE + 1);
	first = reaper_want_sweep(&reaper);
	ck_assert_uint_eq(reaper_want_sweep(&reaper), first);
	ck_assert(!reaper_has_swept(&reaper, first));
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
	reaper_run(&reaper, now);
	ck_assert(!reaper_has_swept(&reaper, first));
	let_go(0); /* passed already by the first */
	second = reaper_want_sweep(&reaper);
	ck_assert_uint_gt(second, first);
	while (!reaper_has_swept(&reaper, first)) {
		ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
		reaper_run(&reaper, now);
	}
	ck_assert_uint_eq(lot.fake.n_asked, REAPER_SLICE + 1);
	ck_assert(!reaper_has_swept(&reaper, second));
	ck_assert_ptr_nonnull(lot.buffers[0]);
	(void)live_until(now);
	ck_assert(reaper_has_swept(&reaper, second));
	ck_assert_ptr_null(lot.buffers[0]);
	lot_deinit(&lot);
}
END_TEST

START_TEST(pinned_and_unknown_count_as_held)
{
	begin(2);
	let_go(0);
	let_go(1);
	lot.buffers[0]->pins = 1;
	ck_assert(!reaper_check(&reaper, lot.buffers[0]));
	lot.buffers[0]->pins = 0;
	lot.fake.held_result = -EIO;
	ck_assert(!reaper_check(&reaper, lot.buffers[0]));
	lot.fake.held_result = 0;
	ck_assert(reaper_check(&reaper, lot.buffers[0]));
	ck_assert_ptr_null(lot.buffers[0]);
	lot_deinit(&lot);
}
END_TEST

/* Buffers that are files, of which the kernel tells. */
static void begin_files(size_t n)
{
	ck_assert_int_eq(closings_init(&closings, NULL), 0);
	begin_with(&closings, n);
	for (size_t i = 0; i < n; i++) {
		lot.buffers[i]->object->fd = lease_create("file", 1, NULL, NULL);
		ck_assert_int_ge(lot.buffers[i]->object->fd, 0);
	}
}

static void end_files(void)
{
	for (size_t i = 0; i < lot.n; i++) {
		if (!lot.buffers[i])
			continue;
		(void)fd_close(lot.buffers[i]->object->fd);
		reaper_remove(&reaper, lot.buffers[i]);
	}
	closings_deinit(&closings);
	lot_deinit(&lot);
}

/* Somebody opens the buffer's file and closes it. */
static void open_and_close(size_t i)
{
	(void)fd_close(lease_lend(lot.buffers[i]->object->fd));
}

static void tell(void *data, struct closing *closing)
{
	(void)data;
	reaper_told(&reaper, closing, now);
}

static void hear(void)
{
	ck_assert_int_eq(closings_read(&closings, tell, NULL), 0);
}

START_TEST(files_wake_nobody)
{
	begin_files(1000);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_ROUND_MS);
	(void)live_until(now + REAPER_ROUND_MS);
	ck_assert_uint_eq(looks(), 2 * 1000); /* before and after arming */
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), -1);
	hear();
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), -1);

	/* not for a hint either, once it was followed */
	reaper_hint(&reaper, lot.buffers[0], now);
	reaper_hint_again(&reaper, lot.buffers[1], now);
	(void)live_until(now);
	ck_assert_uint_eq(looks(), 1);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), -1);
	buffer_drain(lot.buffers[2], now);
	reaper_hint(&reaper, lot.buffers[2], now);
	(void)live_until(now);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), -1);
	end_files();
}
END_TEST

START_TEST(a_file_that_ends_is_looked_at_at_once)
{
	begin_files(2);
	(void)live_until(now + REAPER_ROUND_MS);
	looks();
	open_and_close(1);
	(void)fd_close(lot.buffers[1]->object->fd);
	let_go(1);
	hear();
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
	reaper_run(&reaper, now);
	ck_assert_uint_eq(looks(), 1);
	ck_assert_ptr_null(lot.buffers[1]);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), -1);
	end_files();
}
END_TEST

/* Who went before the kernel was asked to tell is found by the look after. */
START_TEST(nobody_slips_through_while_arming)
{
	begin_files(1);
	(void)fd_close(lot.buffers[0]->object->fd);
	let_go(0);
	reaper_hint(&reaper, lot.buffers[0], now);
	reaper_run(&reaper, now);
	ck_assert_ptr_null(lot.buffers[0]);
	end_files();
}
END_TEST

/* The word came and the evidence does not agree, yet. */
START_TEST(doubts_get_rarer_and_never_end)
{
	size_t n = 0;

	begin_files(1);
	(void)live_until(now + REAPER_ROUND_MS);
	open_and_close(0);
	hear();
	(void)live_until(now);
	looks();
	for (uint64_t step = REAPER_HOT_MS; step < 3600000; step *= 2) {
		ck_assert_int_eq(reaper_delay_ms(&reaper, now), (int64_t)step);
		ck_assert_uint_eq(live_until(now + step), 1);
		n++;
	}
	ck_assert_uint_eq(looks(), n);
	(void)fd_close(lot.buffers[0]->object->fd);
	let_go(0);
	(void)live_until(now + (uint64_t)reaper_delay_ms(&reaper, now));
	ck_assert_ptr_null(lot.buffers[0]);
	end_files();
}
END_TEST

/* A hostile client costs 13 looks a second and buffer, each before and after
 * arming; and when it ends, its memory is back within a round. */
START_TEST(opening_and_closing_in_a_loop)
{
	uint64_t end;

	begin_files(1);
	(void)live_until(now + REAPER_ROUND_MS);
	looks();
	for (end = now + 10000; now < end; (void)live_until(now + 1)) {
		open_and_close(0);
		hear();
	}
	ck_assert_uint_le(looks(), 2 * (10000 / REAPER_ROUND_MS + 5));
	(void)fd_close(lot.buffers[0]->object->fd);
	let_go(0);
	(void)live_until(now + REAPER_ROUND_MS);
	ck_assert_ptr_null(lot.buffers[0]);
	end_files();
}
END_TEST

/* A doubt of long ago does not make the next word less urgent. */
START_TEST(an_old_doubt_is_renewed)
{
	begin_files(1);
	(void)live_until(now + REAPER_ROUND_MS);
	open_and_close(0);
	hear();
	(void)live_until(now + 100000);
	looks();
	open_and_close(0);
	hear();
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
	reaper_run(&reaper, now);
	ck_assert_uint_eq(looks(), 2); /* before and after arming */
	(void)fd_close(lot.buffers[0]->object->fd);
	let_go(0); /* a moment too late for that look */
	(void)live_until(now + REAPER_ROUND_MS);
	ck_assert_ptr_null(lot.buffers[0]);
	end_files();
}
END_TEST

/* Where words were lost a sweep looks at everything, and has it told anew. */
START_TEST(lost_words_are_made_up_for)
{
	begin_files(3);
	(void)live_until(now + REAPER_ROUND_MS);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), -1);
	(void)fd_close(lot.buffers[1]->object->fd);
	let_go(1);
	closings.epoch++;
	(void)reaper_want_sweep(&reaper);
	(void)live_until(now);
	ck_assert_ptr_null(lot.buffers[1]);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), -1);
	open_and_close(2);
	hear();
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
	end_files();
}
END_TEST

/* Where the kernel has no room to watch it, a file goes round like others. */
START_TEST(files_that_cannot_be_watched_are_polled)
{
	begin_files(3);
	closings.full = true;
	(void)live_until(now + 11 * REAPER_ROUND_MS);
	ck_assert_uint_eq(looks(), 3 * 11);
	closings.full = false;
	(void)live_until(now + REAPER_ROUND_MS);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), -1);
	end_files();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reaper");
	TCase *rhythm = harness_case(suite, "rhythm");
	TCase *budget = harness_case(suite, "budget");
	TCase *files = harness_case(suite, "files");

	tcase_add_test(rhythm, nothing_lent_nothing_due);
	tcase_add_test(rhythm, round_is_due_after_its_time);
	tcase_add_test(rhythm, hint_is_followed_often_for_a_while);
	tcase_add_test(rhythm, hints_without_end_change_nothing);
	tcase_add_test(rhythm, a_turn_is_a_slice);
	tcase_add_test(rhythm, a_slice_is_short);
	tcase_add_test(rhythm, wanted_sweep_sees_every_buffer);
	tcase_add_test(rhythm, pinned_and_unknown_count_as_held);
	tcase_add_test(budget, quiet_ones_keep_within_their_budget);
	tcase_add_test(budget, waking_up_is_paid_for);
	tcase_add_test(budget, nobody_wakes_up_for_nothing);
	tcase_add_test(budget, who_is_not_crowded_keeps_the_rhythm);
	tcase_add_test(budget, rests_are_as_long_as_it_takes_anyway);
	tcase_add_test(budget, others_pay_for_themselves);
	tcase_add_test(budget, waking_up_too_early_is_paid_for);
	tcase_add_test(budget, draining_ones_have_more_to_spend);
	tcase_add_test(budget, hot_ones_keep_within_their_budget);
	tcase_add_test(budget, a_crowd_holds_up_nobody);
	tcase_add_test(files, files_wake_nobody);
	tcase_add_test(files, a_file_that_ends_is_looked_at_at_once);
	tcase_add_test(files, nobody_slips_through_while_arming);
	tcase_add_test(files, doubts_get_rarer_and_never_end);
	tcase_add_test(files, opening_and_closing_in_a_loop);
	tcase_add_test(files, an_old_doubt_is_renewed);
	tcase_add_test(files, lost_words_are_made_up_for);
	tcase_add_test(files, files_that_cannot_be_watched_are_polled);
	return harness_run(suite);
}
