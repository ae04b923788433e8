/* SPDX-License-Identifier: MIT */
#include "daemon/reaper.h"

#include <errno.h>

#include "tests/harness.h"
#include "tests/lot.h"

/* Time is an argument of the reaper, so here it is what the test says. */

static struct lot lot;
static struct reaper reaper;

static void ended(void *data, struct buffer *buffer)
{
	(void)data;
	reaper_remove(&reaper, buffer);
	lot_end(&lot, buffer);
}

static void begin(size_t n)
{
	lot_init(&lot, n);
	reaper_init(&reaper, ended, NULL);
	for (size_t i = 0; i < n; i++)
		reaper_add(&reaper, lot.buffers[i], 1000);
}

static void let_go(size_t i)
{
	fake_set_held(lot.buffers[i]->object, false);
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

START_TEST(sweep_is_due_after_its_time)
{
	begin(3);
	let_go(1);
	ck_assert_int_eq(reaper_delay_ms(&reaper, 1000), REAPER_SWEEP_MS);
	reaper_run(&reaper, 1000 + REAPER_SWEEP_MS - 1);
	ck_assert_uint_eq(lot.fake.n_asked, 0);
	ck_assert_int_eq(reaper_delay_ms(&reaper, 1000 + REAPER_SWEEP_MS), 0);
	reaper_run(&reaper, 1000 + REAPER_SWEEP_MS);
	ck_assert_uint_eq(lot.fake.n_asked, 3);
	ck_assert_ptr_null(lot.buffers[1]);
	ck_assert_ptr_nonnull(lot.buffers[0]);
	ck_assert_int_eq(reaper_delay_ms(&reaper, 1000 + REAPER_SWEEP_MS),
			 REAPER_SWEEP_MS);
	let_go(0);
	let_go(2);
	reaper_run(&reaper, 1000 + 2 * REAPER_SWEEP_MS);
	ck_assert_int_eq(reaper_delay_ms(&reaper, 1000 + 2 * REAPER_SWEEP_MS),
			 -1);
	lot_deinit(&lot);
}
END_TEST

START_TEST(hot_is_looked_at_more_often_for_a_while)
{
	uint64_t now = 1000;

	begin(2);
	reaper_hint(&reaper, lot.buffers[0], now);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
	reaper_run(&reaper, now);
	ck_assert_uint_eq(lot.fake.n_asked, 1);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_HOT_MS);
	for (now += REAPER_HOT_MS; now < 1000 + REAPER_SWEEP_MS;
	     now += REAPER_HOT_MS)
		reaper_run(&reaper, now);
	ck_assert_uint_eq(lot.fake.n_asked, REAPER_SWEEP_MS / REAPER_HOT_MS);

	/* once it has been hot for its time, only sweeps ask */
	reaper_run(&reaper, 1000 + REAPER_HOT_FOR_MS);
	lot.fake.n_asked = 0;
	now = 1000 + REAPER_HOT_FOR_MS;
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_SWEEP_MS);
	reaper_run(&reaper, now + REAPER_HOT_MS);
	ck_assert_uint_eq(lot.fake.n_asked, 0);

	reaper_hint(&reaper, lot.buffers[0], now);
	let_go(0);
	reaper_run(&reaper, now);
	ck_assert_ptr_null(lot.buffers[0]);
	lot_deinit(&lot);
}
END_TEST

START_TEST(a_turn_is_a_slice)
{
	uint64_t now = 1000 + REAPER_SWEEP_MS;
	size_t n = 2 * REAPER_SLICE + 1;

	begin(n);
	reaper_run(&reaper, now);
	ck_assert_uint_eq(lot.fake.n_asked, REAPER_SLICE);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
	reaper_run(&reaper, now);
	ck_assert_uint_eq(lot.fake.n_asked, 2 * REAPER_SLICE);
	reaper_run(&reaper, now);
	ck_assert_uint_eq(lot.fake.n_asked, n);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_SWEEP_MS);

	/* hot ones as well, and each once */
	lot.fake.n_asked = 0;
	for (size_t i = 0; i < n; i++)
		reaper_hint(&reaper, lot.buffers[i], now);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(reaper_delay_ms(&reaper, now), 0);
		reaper_run(&reaper, now);
	}
	ck_assert_uint_eq(lot.fake.n_asked, n);
	ck_assert_int_eq(reaper_delay_ms(&reaper, now), REAPER_HOT_MS);
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
	ck_assert_int_eq(reaper_delay_ms(&reaper, 1000), 0);
	reaper_run(&reaper, 1000);
	ck_assert(!reaper_has_swept(&reaper, first));
	let_go(0); /* passed already by the first */
	second = reaper_want_sweep(&reaper);
	ck_assert_uint_gt(second, first);
	reaper_run(&reaper, 1000);
	ck_assert(reaper_has_swept(&reaper, first));
	ck_assert(!reaper_has_swept(&reaper, second));
	ck_assert_ptr_nonnull(lot.buffers[0]);
	ck_assert_int_eq(reaper_delay_ms(&reaper, 1000), 0);
	reaper_run(&reaper, 1000);
	reaper_run(&reaper, 1000);
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

int main(void)
{
	Suite *suite = suite_create("reaper");
	TCase *tcase = harness_case(suite, "reaper");

	tcase_add_test(tcase, nothing_lent_nothing_due);
	tcase_add_test(tcase, sweep_is_due_after_its_time);
	tcase_add_test(tcase, hot_is_looked_at_more_often_for_a_while);
	tcase_add_test(tcase, a_turn_is_a_slice);
	tcase_add_test(tcase, wanted_sweep_sees_every_buffer);
	tcase_add_test(tcase, pinned_and_unknown_count_as_held);
	return harness_run(suite);
}
