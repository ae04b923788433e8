/* SPDX-License-Identifier: MIT */
#include "daemon/reaper.h"

#include <errno.h>

#include "daemon/lease.h"
#include "tests/harness.h"
#include "tests/vigil.h"
#include "util/fd.h"

/*
 * Who is looked at, and when.  Time is the test's, see vigil.h; files and what
 * the kernel tells of them are real.
 */

static struct vigil vigil;
static struct closings closings;

START_TEST(nothing_lent_nothing_due)
{
	vigil_begin(&vigil, NULL, 0);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, 5), -1);
	ck_assert(reaper_has_swept(&vigil.reaper,
				   reaper_want_sweep(&vigil.reaper)));
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, 5), -1);
	lot_deinit(&vigil.lot);
}
END_TEST

START_TEST(round_is_due_after_its_time)
{
	vigil_begin(&vigil, NULL, 3);
	vigil_let_go(&vigil, 1);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now),
			 REAPER_ROUND_MS);
	reaper_run(&vigil.reaper, vigil.now + REAPER_ROUND_MS - 1);
	ck_assert_uint_eq(vigil_looks(&vigil), 0);
	vigil.now += REAPER_ROUND_MS;
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), 3);
	ck_assert_ptr_null(vigil.lot.buffers[1]);
	ck_assert_ptr_nonnull(vigil.lot.buffers[0]);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now),
			 REAPER_ROUND_MS);
	vigil_let_go(&vigil, 0);
	vigil_let_go(&vigil, 2);
	ck_assert_uint_eq(vigil_until(&vigil, vigil.now + REAPER_ROUND_MS), 1);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);
	lot_deinit(&vigil.lot);
}
END_TEST

START_TEST(hint_is_followed_often_for_a_while)
{
	vigil_begin(&vigil, NULL, 2);
	reaper_hint(&vigil.reaper, vigil.lot.buffers[0], vigil.now);
	reaper_hint(&vigil.reaper, vigil.lot.buffers[0], vigil.now);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), 1);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now),
			 REAPER_HOT_MS);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS - 1);
	ck_assert_uint_eq(vigil_looks(&vigil),
			  REAPER_ROUND_MS / REAPER_HOT_MS - 1);

	/* once it has been hot for its time, it goes round as the other */
	(void)vigil_until(&vigil, 1000 + REAPER_HOT_FOR_MS);
	vigil_looks(&vigil);
	(void)vigil_until(&vigil, vigil.now + 10 * REAPER_ROUND_MS);
	ck_assert_uint_eq(vigil_looks(&vigil), 2 * 10);

	reaper_hint(&vigil.reaper, vigil.lot.buffers[0], vigil.now);
	vigil_let_go(&vigil, 0);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	lot_deinit(&vigil.lot);
}
END_TEST

/* Hints without end are no reason to look more often, nor later. */
START_TEST(hints_without_end_change_nothing)
{
	vigil_begin(&vigil, NULL, 1);
	for (int i = 0; i < 5 * REAPER_HOT_MS; i++) {
		reaper_hint_again(&vigil.reaper, vigil.lot.buffers[0],
				  vigil.now);
		(void)vigil_until(&vigil, vigil.now + 1);
	}
	ck_assert_uint_eq(vigil_looks(&vigil), 5);
	vigil_let_go(&vigil, 0);
	(void)vigil_until(&vigil, vigil.now + REAPER_HOT_MS);
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	lot_deinit(&vigil.lot);
}
END_TEST

START_TEST(a_turn_is_a_slice)
{
	size_t n = 2 * REAPER_SLICE + 1;

	vigil_begin(&vigil, NULL, n);
	vigil.now += REAPER_ROUND_MS;
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_uint_le(vigil_looks(&vigil), REAPER_SLICE);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	ck_assert_uint_ge(vigil_until(&vigil, vigil.now), 2);
	ck_assert_uint_eq(vigil.lot.fake.n_asked, n);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now),
			 REAPER_ROUND_MS);

	/* fresh ones as well, and each once */
	vigil_looks(&vigil);
	for (size_t i = 0; i < n; i++)
		reaper_hint(&vigil.reaper, vigil.lot.buffers[i], vigil.now);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_uint_le(vigil.lot.fake.n_asked, n + REAPER_SLICE);
	ck_assert_uint_ge(vigil_until(&vigil, vigil.now), 2);
	ck_assert_uint_eq(vigil_looks(&vigil), n);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now),
			 REAPER_HOT_MS);
	lot_deinit(&vigil.lot);
}
END_TEST

/* What a look costs decides how many make a slice. */
START_TEST(a_slice_is_short)
{
	vigil_begin(&vigil, NULL, REAPER_SLICE);
	(void)reaper_want_sweep(&vigil.reaper);
	reaper_run(&vigil.reaper, vigil.now); /* nobody knows yet */
	ck_assert_uint_le(vigil_looks(&vigil), REAPER_SLICE_MIN);
	lot_deinit(&vigil.lot);

	vigil_begin(&vigil, NULL, 4 * REAPER_SLICE);
	vigil.look_ns = 2000;
	for (int i = 0; i < 100; i++) {
		(void)reaper_want_sweep(&vigil.reaper);
		(void)vigil_until(&vigil, vigil.now);
	}
	vigil_looks(&vigil);
	(void)reaper_want_sweep(&vigil.reaper);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_uint_ge(vigil_looks(&vigil), 12);
	(void)reaper_want_sweep(&vigil.reaper);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_uint_le(vigil_looks(&vigil), REAPER_SLICE_NS / 2000);

	vigil.look_ns = 1000000; /* there is a least, for it to go on at all */
	for (int i = 0; i < 100; i++) {
		(void)reaper_want_sweep(&vigil.reaper);
		(void)vigil_until(&vigil, vigil.now);
	}
	vigil_looks(&vigil);
	(void)reaper_want_sweep(&vigil.reaper);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), REAPER_SLICE_MIN);
	lot_deinit(&vigil.lot);
}
END_TEST

/* One that is wanted while another is under way is the next one. */
START_TEST(wanted_sweep_sees_every_buffer)
{
	uint64_t first, second;

	vigil_begin(&vigil, NULL, REAPER_SLICE + 1);
	first = reaper_want_sweep(&vigil.reaper);
	ck_assert_uint_eq(reaper_want_sweep(&vigil.reaper), first);
	ck_assert(!reaper_has_swept(&vigil.reaper, first));
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert(!reaper_has_swept(&vigil.reaper, first));
	vigil_let_go(&vigil, 0); /* passed already by the first */
	second = reaper_want_sweep(&vigil.reaper);
	ck_assert_uint_gt(second, first);
	while (!reaper_has_swept(&vigil.reaper, first)) {
		ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
		reaper_run(&vigil.reaper, vigil.now);
	}
	ck_assert_uint_eq(vigil.lot.fake.n_asked, REAPER_SLICE + 1);
	ck_assert(!reaper_has_swept(&vigil.reaper, second));
	ck_assert_ptr_nonnull(vigil.lot.buffers[0]);
	(void)vigil_until(&vigil, vigil.now);
	ck_assert(reaper_has_swept(&vigil.reaper, second));
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	lot_deinit(&vigil.lot);
}
END_TEST

START_TEST(pinned_and_unknown_count_as_held)
{
	vigil_begin(&vigil, NULL, 2);
	vigil_let_go(&vigil, 0);
	vigil_let_go(&vigil, 1);
	vigil.lot.buffers[0]->pins = 1;
	ck_assert(!reaper_check(&vigil.reaper, vigil.lot.buffers[0]));
	vigil.lot.buffers[0]->pins = 0;
	vigil.lot.fake.held_result = -EIO;
	ck_assert(!reaper_check(&vigil.reaper, vigil.lot.buffers[0]));
	vigil.lot.fake.held_result = 0;
	ck_assert(reaper_check(&vigil.reaper, vigil.lot.buffers[0]));
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	lot_deinit(&vigil.lot);
}
END_TEST

/* Buffers that are files, of which the kernel tells. */
static void begin_files(size_t n)
{
	ck_assert_int_eq(closings_init(&closings, NULL), 0);
	vigil_begin(&vigil, &closings, n);
	for (size_t i = 0; i < n; i++) {
		vigil.lot.buffers[i]->object->fd =
			lease_create("file", 1, NULL, NULL);
		ck_assert_int_ge(vigil.lot.buffers[i]->object->fd, 0);
	}
}

static void end_files(void)
{
	for (size_t i = 0; i < vigil.lot.n; i++) {
		if (!vigil.lot.buffers[i])
			continue;
		(void)fd_close(vigil.lot.buffers[i]->object->fd);
		reaper_remove(&vigil.reaper, vigil.lot.buffers[i]);
	}
	closings_deinit(&closings);
	lot_deinit(&vigil.lot);
}

/* Somebody opens the buffer's file and closes it. */
static void open_and_close(size_t i)
{
	(void)fd_close(lease_lend(vigil.lot.buffers[i]->object->fd));
}

static void tell(void *data, struct closing *closing)
{
	(void)data;
	reaper_told(&vigil.reaper, closing, vigil.now);
}

static void hear(void)
{
	ck_assert_int_eq(closings_read(&closings, tell, NULL), 0);
}

START_TEST(files_wake_nobody)
{
	begin_files(1000);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now),
			 REAPER_ROUND_MS);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	ck_assert_uint_eq(vigil_looks(&vigil),
			  2 * 1000); /* before and after arming */
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);
	hear();
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);

	/* not for a hint either, once it was followed */
	reaper_hint(&vigil.reaper, vigil.lot.buffers[0], vigil.now);
	reaper_hint_again(&vigil.reaper, vigil.lot.buffers[1], vigil.now);
	(void)vigil_until(&vigil, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), 1);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);
	buffer_drain(vigil.lot.buffers[2], vigil.now);
	reaper_hint(&vigil.reaper, vigil.lot.buffers[2], vigil.now);
	(void)vigil_until(&vigil, vigil.now);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);
	end_files();
}
END_TEST

/* One file, which the worker has had watched before it was lent. */
static struct buffer *begin_watched_file(void)
{
	struct buffer *buffer;

	begin_files(1);
	buffer = vigil.lot.buffers[0];
	reaper_remove(&vigil.reaper, buffer);
	buffer->object->ready_watch =
		closings_watch(&closings, buffer->object->fd);
	ck_assert_int_gt(buffer->object->ready_watch, 0);
	reaper_add(&vigil.reaper, buffer, vigil.now);
	ck_assert_int_eq(buffer->object->ready_watch, 0);
	return buffer;
}

/* It wakes nobody from the beginning. */
START_TEST(watched_ahead_is_told_at_once)
{
	struct buffer *buffer = begin_watched_file();

	ck_assert(closing_is_armed(&closings, &buffer->closing));
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);
	open_and_close(0);
	hear();
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	(void)vigil_until(&vigil, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), 2); /* before and after arming */
	(void)fd_close(buffer->object->fd);
	vigil_let_go(&vigil, 0);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	end_files();
}
END_TEST

/* And is still found by a sweep, and when words are lost. */
START_TEST(watched_ahead_and_lost)
{
	struct buffer *buffer = begin_watched_file();

	closings.epoch++;
	(void)reaper_want_sweep(&vigil.reaper);
	(void)vigil_until(&vigil, vigil.now);
	ck_assert(closing_is_armed(&closings, &buffer->closing));
	(void)fd_close(buffer->object->fd);
	vigil_let_go(&vigil, 0);
	(void)reaper_want_sweep(&vigil.reaper);
	(void)vigil_until(&vigil, vigil.now);
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	end_files();
}
END_TEST

START_TEST(a_file_that_ends_is_looked_at_at_once)
{
	begin_files(2);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	vigil_looks(&vigil);
	open_and_close(1);
	(void)fd_close(vigil.lot.buffers[1]->object->fd);
	vigil_let_go(&vigil, 1);
	hear();
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), 1);
	ck_assert_ptr_null(vigil.lot.buffers[1]);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);
	end_files();
}
END_TEST

/* Who went before the kernel was asked to tell is found by the look after. */
START_TEST(nobody_slips_through_while_arming)
{
	begin_files(1);
	(void)fd_close(vigil.lot.buffers[0]->object->fd);
	vigil_let_go(&vigil, 0);
	reaper_hint(&vigil.reaper, vigil.lot.buffers[0], vigil.now);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	end_files();
}
END_TEST

/* The word came and the evidence does not agree, yet. */
START_TEST(doubts_get_rarer_and_never_end)
{
	size_t n = 0;

	begin_files(1);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	open_and_close(0);
	hear();
	(void)vigil_until(&vigil, vigil.now);
	vigil_looks(&vigil);
	for (uint64_t step = REAPER_HOT_MS; step < 3600000; step *= 2) {
		ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now),
				 (int64_t)step);
		ck_assert_uint_eq(vigil_until(&vigil, vigil.now + step), 1);
		n++;
	}
	ck_assert_uint_eq(vigil_looks(&vigil), n);
	(void)fd_close(vigil.lot.buffers[0]->object->fd);
	vigil_let_go(&vigil, 0);
	(void)vigil_until(&vigil, vigil.now + (uint64_t)reaper_delay_ms(
						      &vigil.reaper, vigil.now));
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	end_files();
}
END_TEST

/* A hostile client costs 13 looks a second and buffer, each before and after
 * arming; and when it ends, its memory is back within a round. */
START_TEST(opening_and_closing_in_a_loop)
{
	uint64_t end;

	begin_files(1);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	vigil_looks(&vigil);
	for (end = vigil.now + 10000; vigil.now < end;
	     (void)vigil_until(&vigil, vigil.now + 1)) {
		open_and_close(0);
		hear();
	}
	ck_assert_uint_le(vigil_looks(&vigil),
			  2 * (10000 / REAPER_ROUND_MS + 5));
	(void)fd_close(vigil.lot.buffers[0]->object->fd);
	vigil_let_go(&vigil, 0);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	end_files();
}
END_TEST

/* A doubt of long ago does not make the next word less urgent. */
START_TEST(an_old_doubt_is_renewed)
{
	begin_files(1);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	open_and_close(0);
	hear();
	(void)vigil_until(&vigil, vigil.now + 100000);
	vigil_looks(&vigil);
	open_and_close(0);
	hear();
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	reaper_run(&vigil.reaper, vigil.now);
	ck_assert_uint_eq(vigil_looks(&vigil), 2); /* before and after arming */
	(void)fd_close(vigil.lot.buffers[0]->object->fd);
	vigil_let_go(&vigil, 0); /* a moment too late for that look */
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	ck_assert_ptr_null(vigil.lot.buffers[0]);
	end_files();
}
END_TEST

START_TEST(early_words_are_looked_at_again)
{
	begin_files(2);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	open_and_close(0);
	open_and_close(1);
	hear();
	(void)vigil_until(&vigil, vigil.now);
	vigil_looks(&vigil);
	(void)fd_close(vigil.lot.buffers[1]->object->fd);
	vigil_let_go(&vigil, 1);
	reaper_check_doubts(&vigil.reaper);
	ck_assert_uint_eq(vigil_looks(&vigil), 2);
	ck_assert_ptr_null(vigil.lot.buffers[1]);
	ck_assert_ptr_nonnull(vigil.lot.buffers[0]);

	/* not when it cannot have been a moment too early any more */
	(void)vigil_until(&vigil, vigil.now + 3 * REAPER_HOT_MS);
	vigil_looks(&vigil);
	reaper_check_doubts(&vigil.reaper);
	ck_assert_uint_eq(vigil_looks(&vigil), 0);
	end_files();
}
END_TEST

START_TEST(a_few_doubts_are_checked_at_once)
{
	begin_files(REAPER_SLICE_MIN + 1);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	for (size_t i = 0; i <= REAPER_SLICE_MIN; i++)
		open_and_close(i);
	hear();
	(void)vigil_until(&vigil, vigil.now);
	vigil_looks(&vigil);
	reaper_check_doubts(&vigil.reaper);
	ck_assert_uint_eq(vigil_looks(&vigil), REAPER_SLICE_MIN);
	end_files();
}
END_TEST

/* Where words were lost a sweep looks at everything, and has it told anew. */
START_TEST(lost_words_are_made_up_for)
{
	begin_files(3);
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);
	(void)fd_close(vigil.lot.buffers[1]->object->fd);
	vigil_let_go(&vigil, 1);
	closings.epoch++;
	(void)reaper_want_sweep(&vigil.reaper);
	(void)vigil_until(&vigil, vigil.now);
	ck_assert_ptr_null(vigil.lot.buffers[1]);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);
	open_and_close(2);
	hear();
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), 0);
	end_files();
}
END_TEST

/* Where the kernel has no room to watch it, a file goes round like others. */
START_TEST(files_that_cannot_be_watched_are_polled)
{
	begin_files(3);
	closings.full = true;
	(void)vigil_until(&vigil, vigil.now + 11 * REAPER_ROUND_MS);
	ck_assert_uint_eq(vigil_looks(&vigil), 3 * 11);
	closings.full = false;
	(void)vigil_until(&vigil, vigil.now + REAPER_ROUND_MS);
	ck_assert_int_eq(reaper_delay_ms(&vigil.reaper, vigil.now), -1);
	end_files();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reaper");
	TCase *rhythm = harness_case(suite, "rhythm");
	TCase *files = harness_case(suite, "files");

	tcase_add_test(rhythm, nothing_lent_nothing_due);
	tcase_add_test(rhythm, round_is_due_after_its_time);
	tcase_add_test(rhythm, hint_is_followed_often_for_a_while);
	tcase_add_test(rhythm, hints_without_end_change_nothing);
	tcase_add_test(rhythm, a_turn_is_a_slice);
	tcase_add_test(rhythm, a_slice_is_short);
	tcase_add_test(rhythm, wanted_sweep_sees_every_buffer);
	tcase_add_test(rhythm, pinned_and_unknown_count_as_held);
	tcase_add_test(files, files_wake_nobody);
	tcase_add_test(files, watched_ahead_is_told_at_once);
	tcase_add_test(files, watched_ahead_and_lost);
	tcase_add_test(files, a_file_that_ends_is_looked_at_at_once);
	tcase_add_test(files, nobody_slips_through_while_arming);
	tcase_add_test(files, doubts_get_rarer_and_never_end);
	tcase_add_test(files, opening_and_closing_in_a_loop);
	tcase_add_test(files, an_old_doubt_is_renewed);
	tcase_add_test(files, early_words_are_looked_at_again);
	tcase_add_test(files, a_few_doubts_are_checked_at_once);
	tcase_add_test(files, lost_words_are_made_up_for);
	tcase_add_test(files, files_that_cannot_be_watched_are_polled);
	return harness_run(suite);
}
