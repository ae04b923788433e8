/* SPDX-License-Identifier: MIT */
#include "daemon/reaper.h"

#include "tests/harness.h"
#include "tests/vigil.h"

/*
 * What looking may cost, and who pays for it.  All of it is arithmetic: see
 * vigil.h.
 */

static struct vigil vigil;

/* Looks in a minute at n buffers of one kind, where one look takes ns.  However
 * many they are, nobody wakes up more often than for one. */
static size_t looks_in_a_minute(size_t n, uint64_t ns, bool drain)
{
	size_t count;

	vigil.look_ns = ns;
	vigil_begin(&vigil, NULL, n);
	for (size_t i = 0; i < n && drain; i++)
		buffer_drain(vigil.lot.buffers[i], vigil.now);
	for (size_t i = 0; i < n && drain; i++)
		reaper_hint(&vigil.reaper, vigil.lot.buffers[i], vigil.now);
	(void)vigil_until(&vigil, vigil.now + 20000);
	vigil_looks(&vigil);
	vigil.sleeps = 0;
	(void)vigil_until(&vigil, vigil.now + 60000);
	count = vigil_looks(&vigil);
	ck_assert_uint_le(vigil.sleeps, 60000 / REAPER_ROUND_MS);
	lot_deinit(&vigil.lot);
	vigil.look_ns = 0;
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

	vigil.look_ns = ns;
	vigil_begin(&vigil, NULL, n);
	vigil.reaper.look_ns = ns; /* it has looked for long */
	vigil.idle_ns = 1;
	(void)vigil_until(&vigil, vigil.now + 60000);
	minute.looks = vigil.lot.fake.n_asked;
	minute.cost_ns = vigil_spent_ns(&vigil);
	vigil.sleeps = 0;
	(void)vigil_until(&vigil, vigil.now + 60000);
	minute.looks = vigil.lot.fake.n_asked - minute.looks;
	minute.cost_ns = vigil_spent_ns(&vigil) - minute.cost_ns;
	minute.sleeps = vigil.sleeps;
	lot_deinit(&vigil.lot);
	vigil.look_ns = vigil.wake_ns = vigil.turn_ns = 0;
	return minute;
}

#define SHARE_NS (UINT64_C(60000) * 1000 * REAPER_QUIET_PERMILLE)

START_TEST(waking_up_is_paid_for)
{
	for (uint64_t ns = 1000; ns < 10000000; ns *= 10) {
		struct minute minute;

		vigil.wake_ns = ns;
		vigil.turn_ns = ns / 10;
		minute = a_minute(10000, 2500);
		ck_assert_uint_le(minute.cost_ns,
				  SHARE_NS + SHARE_NS / 50 + 2 * ns);
		ck_assert_uint_ge(minute.cost_ns,
				  SHARE_NS - SHARE_NS / 50 - 2 * ns);
		ck_assert_uint_gt(minute.looks, 0);
	}
}
END_TEST

/* An emulated board: the least slice costs what may be spent in three seconds.
 * So it is not taken, but as many looks as can be paid, and one at least. */
START_TEST(nobody_wakes_up_for_nothing)
{
	struct minute minute;

	vigil.wake_ns = 1400000;
	minute = a_minute(10000, 2800000);
	ck_assert_uint_ge(minute.sleeps, 60000 / REAPER_REST_MS - 1);
	ck_assert_uint_le(minute.sleeps, 60000 / REAPER_REST_MS);
	ck_assert_uint_ge(minute.looks, 2 * minute.sleeps);
	ck_assert_uint_le(minute.cost_ns, SHARE_NS + 2800000 + 1400000);
	ck_assert_uint_ge(minute.cost_ns, SHARE_NS - 2800000 - 1400000);

	vigil.wake_ns = 1400000; /* a look alone is more than is ever saved */
	minute = a_minute(10000, 30000000);
	ck_assert_uint_gt(minute.sleeps, 0);
	ck_assert_uint_eq(minute.looks, minute.sleeps);
	ck_assert_uint_le(minute.cost_ns, SHARE_NS + 30000000 + 1400000);
	ck_assert_uint_ge(minute.cost_ns, SHARE_NS - 30000000 - 1400000);
}
END_TEST

/* As many as can be seen every 80 ms are, whatever it costs to wake up. */
START_TEST(who_is_not_crowded_keeps_the_rhythm)
{
	const uint64_t ns = 400;
	const size_t n = REAPER_ROUND_MS * 1000 * REAPER_QUIET_PERMILLE / ns;
	const size_t passes = 60000 / REAPER_ROUND_MS;
	struct minute minute;

	vigil.wake_ns = 1000000;
	minute = a_minute(n, ns);
	ck_assert_uint_eq(minute.looks, passes * n);
	ck_assert_uint_eq(minute.sleeps, passes);
	ck_assert_uint_gt(minute.cost_ns, 2 * SHARE_NS);

	vigil.wake_ns = 1000000;
	minute = a_minute(n + 1, ns);
	ck_assert_uint_lt(minute.looks, passes * n / 2);
	ck_assert_uint_le(minute.cost_ns, SHARE_NS + SHARE_NS / 50);
	ck_assert_uint_ge(minute.cost_ns, SHARE_NS - SHARE_NS / 50);
}
END_TEST

/* An eighth of what going round takes, but never for longer than a second. */
START_TEST(rests_are_as_long_as_it_takes_anyway)
{
	const uint64_t ns = 400;
	const uint64_t share_ns = UINT64_C(1000) * REAPER_QUIET_PERMILLE;
	struct minute minute;

	for (size_t n = 1000; n <= 400000; n *= 20) {
		uint64_t rest_ms = n * ns / share_ns / ROUND_RESTS;

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

/* Those who are left when a crowd has gone do not rest as long as it would. */
START_TEST(a_crowd_that_goes_takes_its_rest_along)
{
	vigil.look_ns = 400;
	vigil_begin(&vigil, NULL, 100000);
	(void)vigil_until(&vigil, vigil.now + 10000);
	vigil.now += (uint64_t)reaper_delay_ms(&vigil.reaper, vigil.now);
	(void)vigil_until(&vigil, vigil.now); /* it has just spent what it had */
	ck_assert_int_gt(reaper_delay_ms(&vigil.reaper, vigil.now),
			 REAPER_ROUND_MS);
	for (size_t i = 1; i < vigil.lot.n; i++)
		vigil_take(&vigil, i);
	vigil_let_go(&vigil, 0);
	ck_assert_int_le(reaper_delay_ms(&vigil.reaper, vigil.now),
			 REAPER_ROUND_MS);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	vigil.look_ns = 0;
	lot_deinit(&vigil.lot);
}
END_TEST

/* Whoever has begun to spend goes on, even where looks get dearer meanwhile. */
START_TEST(a_rest_that_is_over_stays_over)
{
	vigil.look_ns = 400;
	vigil_begin(&vigil, NULL, 100000);
	(void)vigil_until(&vigil, vigil.now + 10000);
	vigil.now += (uint64_t)reaper_delay_ms(&vigil.reaper, vigil.now);
	reaper_run_alone(&vigil.reaper, vigil.now);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	vigil.reaper.look_ns = 4000; /* of a rest, that would be a second */
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	vigil.look_ns = 0;
	lot_deinit(&vigil.lot);
}
END_TEST

/* n quiet ones have been looked at for a while and are due again. */
static void begin_and_be_due(size_t n)
{
	vigil_begin(&vigil, NULL, n);
	vigil.idle_ns = 1;
	(void)vigil_until(&vigil, vigil.now + 10000);
	vigil.now += (uint64_t)reaper_delay_ms(&vigil.reaper, vigil.now);
}

/* What the thread does for others in between is not the round's to pay. */
START_TEST(others_pay_for_themselves)
{
	int64_t left;

	vigil.look_ns = 2500;
	begin_and_be_due(1000);
	left = budget_has(&vigil.reaper.quiet.budget, vigil.now)
		       ? vigil.reaper.quiet.budget.left_ns
		       : 0;
	ck_assert_int_gt(left, 0);
	vigil_looks(&vigil);
	vigil.idle_ns += 1000000000;
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_int_eq(vigil.reaper.quiet.budget.left_ns,
			 left - (int64_t)(vigil_looks(&vigil) * 2500));

	/* nor what it did before the first look */
	lot_deinit(&vigil.lot);
	vigil_begin(&vigil, NULL, 1000);
	vigil.idle_ns = 1000000000;
	vigil.now += REAPER_ROUND_MS;
	left = vigil.reaper.quiet.budget.left_ns;
	vigil_looks(&vigil);
	reaper_run_alone(&vigil.reaper, vigil.now);
	ck_assert_int_eq(vigil.reaper.quiet.budget.left_ns,
			 left - (int64_t)(vigil_looks(&vigil) * 2500));
	lot_deinit(&vigil.lot);
	vigil.look_ns = 0;
}
END_TEST

/* A timer that is a moment early costs what it costs. */
START_TEST(waking_up_too_early_is_paid_for)
{
	int64_t left;

	vigil.look_ns = 2500;
	begin_and_be_due(1000);
	ck_assert(budget_has(&vigil.reaper.quiet.budget, vigil.now));
	left = vigil.reaper.quiet.budget.left_ns;
	vigil_looks(&vigil);
	for (int i = 0; i < 3; i++) {
		vigil.idle_ns += 10000;
		reaper_run_alone(&vigil.reaper, vigil.now - 1);
	}
	ck_assert_uint_eq(vigil_looks(&vigil), 0);
	vigil.idle_ns += 10000;
	reaper_run_alone(&vigil.reaper, vigil.now);
	ck_assert_int_eq(vigil.reaper.quiet.budget.left_ns,
			 left - 40000 - (int64_t)(vigil_looks(&vigil) * 2500));
	lot_deinit(&vigil.lot);
	vigil.look_ns = 0;
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

/* On a board where a look is so dear that five draining ones would be a crowd,
 * a few of them are seen every time all the same; quiet ones are not. */
START_TEST(few_draining_ones_keep_the_rhythm)
{
	const uint64_t ns = 1500000;
	const size_t passes = 60000 / REAPER_ROUND_MS;
	const uint64_t share_ns =
		UINT64_C(60000) * 1000 * REAPER_DRAINING_PERMILLE;
	size_t n;

	n = looks_in_a_minute(REAPER_FEW, ns, true);
	ck_assert_uint_eq(n, passes * REAPER_FEW);
	n = looks_in_a_minute(REAPER_FEW + 1, ns, true);
	ck_assert_uint_le(n * ns, share_ns + share_ns / 50);
	ck_assert_uint_ge(n * ns, share_ns - share_ns / 50);
	n = looks_in_a_minute(1, 10 * ns, false);
	ck_assert_uint_le(n * 10 * ns, SHARE_NS + 10 * ns);
	ck_assert_uint_ge(n * 10 * ns, SHARE_NS - 10 * ns);
}
END_TEST

/* n of them, which drain and of which nobody has said anything for long. */
static void begin_to_drain(size_t n, uint64_t ns)
{
	vigil.look_ns = ns;
	vigil_begin(&vigil, NULL, n);
	for (size_t i = 0; i < n; i++) {
		buffer_drain(vigil.lot.buffers[i], vigil.now);
		reaper_hint(&vigil.reaper, vigil.lot.buffers[i], vigil.now);
	}
	(void)vigil_until(&vigil, vigil.now + 20000);
	vigil_looks(&vigil);
}

/* Not only are there as many looks: none waits longer than that for its own,
 * at whatever time of the round it comes free. */
START_TEST(each_of_a_few_is_found_in_time)
{
	begin_to_drain(REAPER_FEW, 1500000);
	for (size_t i = 0; i < REAPER_FEW; i++) {
		(void)vigil_until(&vigil, vigil.now + 7);
		vigil_let_go(&vigil, REAPER_FEW - 1 - i);
		(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
		ck_assert_ptr_null(vigil.lot.buffers[REAPER_FEW - 1 - i]);
	}
	vigil.look_ns = 0;
	lot_deinit(&vigil.lot);
}
END_TEST

/* No more of them in a turn than of others: a request waits for no more than
 * one slice. */
START_TEST(few_are_looked_at_in_slices)
{
	begin_to_drain(REAPER_FEW, 1500000);
	vigil.now += (uint64_t)reaper_delay_ms(&vigil.reaper, vigil.now);
	reaper_run_alone(&vigil.reaper, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), REAPER_SLICE_MIN);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	reaper_run_alone(&vigil.reaper, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), REAPER_FEW - REAPER_SLICE_MIN);
	vigil.look_ns = 0;
	lot_deinit(&vigil.lot);
}
END_TEST

START_TEST(a_crowd_that_goes_takes_its_debt_along)
{
	begin_to_drain(REAPER_FEW + 1, 30000000);
	vigil.now += (uint64_t)reaper_delay_ms(&vigil.reaper, vigil.now);
	(void)vigil_until(&vigil, vigil.now); /* a look, to be paid for long */
	ck_assert_int_gt(reaper_delay_ms(&vigil.reaper, vigil.now),
			 2 * REAPER_ROUND_MS);
	vigil_take(&vigil, REAPER_FEW);
	vigil_looks(&vigil);
	vigil_let_go(&vigil, 0);
	ck_assert_int_le(reaper_delay_ms(&vigil.reaper, vigil.now),
			 REAPER_ROUND_MS);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	ck_assert(!budget_has(&vigil.reaper.draining.budget, vigil.now));
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	vigil_looks(&vigil);
	(void)vigil_until(&vigil, vigil.now + 3 * REAPER_ROUND_MS);
	ck_assert_uint_eq(vigil_looks(&vigil), 3 * (REAPER_FEW - 1));
	vigil.look_ns = 0;
	lot_deinit(&vigil.lot);
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

	vigil.look_ns = 2500;
	vigil_begin(&vigil, NULL, 10000);
	for (size_t i = 0; i < 10000; i++)
		reaper_hint(&vigil.reaper, vigil.lot.buffers[i], vigil.now);
	(void)vigil_until(&vigil, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), 10000);
	(void)vigil_until(&vigil, vigil.now + REAPER_HOT_FOR_MS);
	n = vigil_looks(&vigil);
	ck_assert_uint_le(n * 2500, share_ns + share_ns / 20);
	ck_assert_uint_ge(n * 2500, share_ns - share_ns / 20);
	vigil.look_ns = 0;
	lot_deinit(&vigil.lot);
}
END_TEST

/* A quiet crowd does not keep those waiting of whom something was said. */
START_TEST(a_crowd_holds_up_nobody)
{
	vigil.look_ns = 20000;
	vigil_begin(&vigil, NULL, 5000);
	(void)vigil_until(&vigil, vigil.now + 10000);
	vigil_let_go(&vigil, 17);
	vigil_let_go(&vigil, 18);
	vigil_let_go(&vigil, 19);
	reaper_hint(&vigil.reaper, vigil.lot.buffers[17], vigil.now);
	reaper_hint_again(&vigil.reaper, vigil.lot.buffers[18], vigil.now);
	(void)vigil_until(&vigil, vigil.now + REAPER_HOT_MS);
	ck_assert_ptr_null(vigil.lot.buffers[17]);
	ck_assert_ptr_null(vigil.lot.buffers[18]);
	(void)vigil_until(&vigil,
			  vigil.now + 60000); /* the others have their turn */
	ck_assert_ptr_null(vigil.lot.buffers[19]);
	vigil.look_ns = 0;
	lot_deinit(&vigil.lot);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reaper's budget");
	TCase *tcase = harness_case(suite, "budget");

	tcase_add_test(tcase, quiet_ones_keep_within_their_budget);
	tcase_add_test(tcase, waking_up_is_paid_for);
	tcase_add_test(tcase, nobody_wakes_up_for_nothing);
	tcase_add_test(tcase, who_is_not_crowded_keeps_the_rhythm);
	tcase_add_test(tcase, rests_are_as_long_as_it_takes_anyway);
	tcase_add_test(tcase, a_crowd_that_goes_takes_its_rest_along);
	tcase_add_test(tcase, a_rest_that_is_over_stays_over);
	tcase_add_test(tcase, others_pay_for_themselves);
	tcase_add_test(tcase, waking_up_too_early_is_paid_for);
	tcase_add_test(tcase, draining_ones_have_more_to_spend);
	tcase_add_test(tcase, few_draining_ones_keep_the_rhythm);
	tcase_add_test(tcase, each_of_a_few_is_found_in_time);
	tcase_add_test(tcase, few_are_looked_at_in_slices);
	tcase_add_test(tcase, a_crowd_that_goes_takes_its_debt_along);
	tcase_add_test(tcase, hot_ones_keep_within_their_budget);
	tcase_add_test(tcase, a_crowd_holds_up_nobody);
	return harness_run(suite);
}
