/* SPDX-License-Identifier: MIT */
#include "daemon/lender.h"

#include <sys/eventfd.h>

#include "daemon/lease.h"
#include "daemon/lending.h"
#include "tests/deal.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * The lender with a real loop and worker, and a backend in the test's hands:
 * what becomes of buffers that are lent, and when somebody looks after them.
 */

#define MIB (UINT64_C(1) << 20)

static struct deal deal;

static void before(void)
{
	deal_init(&deal);
}

static void after(void)
{
	deal_deinit(&deal);
}

START_TEST(hint_of_a_stranger_changes_nothing)
{
	struct ask ask;

	deal_ask(&deal, &ask, MIB, 1);
	lender_hint(deal.lender, ask.loan->buffers[0], false);
	ck_assert_int_eq(ask.loan->buffers[0]->state, BUFFER_LENT);
	ask_let_go(&ask);
	lender_hint(deal.lender, ask.loan->buffers[0], false);
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 0);
	ask_forget(&ask);
}
END_TEST

START_TEST(orphans_end_when_they_are_let_go)
{
	struct ask ask;

	deal_ask(&deal, &ask, MIB, 2);
	fake_set_held(ask.loan->buffers[0]->object, false);
	lender_owner_gone(deal.lender, &deal.owner);
	ck_assert_uint_eq(deal.region->draining_bytes, 2 * MIB);
	deal_turn(&deal, 5);
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 1);
	ck_assert_uint_eq(deal.region->draining_bytes, MIB);
	fake_set_held(ask.loan->buffers[1]->object, false);
	while (deal.lender->registry.n_buffers > 0)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
	ck_assert_uint_eq(deal.region->draining_bytes, 0);
	ask_forget(&ask);
}
END_TEST

static void copied(struct bounce *bounce, int result)
{
	ck_assert_int_eq(result, 0);
	deal.n_done++;
	(void)lender_bounce_free(deal.lender, bounce);
}

/* A buffer that is copied does not end, even when nobody holds it. */
START_TEST(copy_keeps_the_buffer)
{
	const struct bounce what = {
		.direction = BOUNCE_FROM_CLIENT,
		.length_bytes = MIB,
		.done = copied,
	};
	struct ask ask;

	deal_ask(&deal, &ask, MIB, 1);
	ck_assert_ptr_nonnull(
		lender_bounce(deal.lender, ask.loan->buffers[0], &what));
	ask_let_go(&ask);
	lender_hint(deal.lender, ask.loan->buffers[0], true);
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 1);
	while (deal.lender->registry.n_buffers > 0)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
	ck_assert_int_eq(deal.n_done, 2);
	ask_forget(&ask);
}
END_TEST

START_TEST(damage_is_found_on_return)
{
	struct ask ask;

	log_set_level(0);
	deal_use_guards(&deal, MIB);
	deal_ask(&deal, &ask, 4096, 2);
	ask_wait(&ask);
	fake_guard(ask.loan->buffers[1]->object)[100] = 0;
	ask_let_go(&ask);
	lender_hint(deal.lender, ask.loan->buffers[0], true);
	lender_hint(deal.lender, ask.loan->buffers[1], true);
	ask_forget(&ask);
	while (deal.region->n_buffers > 0 || deal.region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
	ck_assert_uint_eq(deal.region->damaged_guards, 1);
	/* the guards too: what was written there is nobody's to see */
	ck_assert_uint_eq(deal.guarded.zeroed_bytes, 4 * 4096);
	ck_assert_uint_eq(partitions_free_bytes(&deal.region->partitions), MIB);
}
END_TEST

static void inspected(struct patrol *patrol, int result)
{
	ck_assert_int_eq(result, 0);
	deal.n_done++;
	*(struct patrol **)patrol->data = patrol;
}

/* While it is looked at it stays, and then goes as ever. */
START_TEST(inspection_keeps_the_buffer)
{
	struct patrol *patrol = NULL;
	struct ask ask;

	log_set_level(0);
	deal_use_guards(&deal, MIB);
	deal_ask(&deal, &ask, 4096, 2);
	ask_wait(&ask);
	fake_guard(ask.loan->buffers[0]->object)[0] = 0;
	ck_assert_ptr_nonnull(
		lender_inspect(deal.lender, NULL, 0, inspected, &patrol));
	ask_let_go(&ask);
	lender_hint(deal.lender, ask.loan->buffers[0], true);
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 2);
	while (!patrol)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
	ck_assert_uint_eq(patrol->n, 2);
	ck_assert_uint_eq(patrol->buffers[0]->damage.bytes, 1);
	ck_assert_ptr_null(lender_patrol_free(deal.lender, patrol));
	ask_forget(&ask);
	while (deal.region->n_buffers > 0 || deal.region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
	ck_assert_uint_eq(deal.region->damaged_guards, 1); /* told once */
}
END_TEST

START_TEST(ends_in_the_middle_of_guards)
{
	struct ask lent, ask;
	struct patrol *patrol = NULL;

	deal_use_guards(&deal, MIB);
	deal_ask(&deal, &lent, 4096, 2);
	ask_wait(&lent);
	ck_assert_ptr_nonnull(lender_inspect(deal.lender, deal.region, 1,
					     inspected, &patrol));
	fake_set_held(lent.loan->buffers[0]->object, false);
	lender_hint(deal.lender, lent.loan->buffers[0], true);
	ask_forget(&lent);
	deal_ask(&deal, &ask, 4096, 3);
	lending_cancel(deal.lender, ask.loan);
	ask_forget(&ask);
}
END_TEST

START_TEST(ends_in_the_middle_of_everything)
{
	const struct bounce what = {
		.direction = BOUNCE_FROM_CLIENT,
		.length_bytes = MIB,
		.done = copied,
	};
	struct ask ask, parked;

	deal_ask(&deal, &ask, MIB, 7);
	ck_assert_ptr_nonnull(
		lender_bounce(deal.lender, ask.loan->buffers[0], &what));
	deal_ask(&deal, &parked, 2 * MIB, 1);
	ck_assert_int_eq(parked.result, -1);
	lending_cancel(deal.lender, parked.loan);
	ask_forget(&parked);
	ask_forget(&ask);
}
END_TEST

/* Files behind the buffers, which are the test's. */
static void give_files(const struct ask *ask, int *fds)
{
	for (size_t i = 0; i < ask->loan->n_lent; i++) {
		fds[i] = lease_create("file", 1, NULL, NULL);
		ck_assert_int_ge(fds[i], 0);
		ask->loan->buffers[i]->object->fd = fds[i];
	}
}

/* The kernel tells of them from now on; each buffer has to have one. */
static void have_files_watched(const struct ask *ask)
{
	deal.fake.backend.close_events = true;
	for (size_t i = 0; i < ask->loan->n_lent; i++)
		while (!closing_is_armed(&deal.lender->closings,
					 &ask->loan->buffers[i]->closing))
			ck_assert_int_eq(loop_turn(deal.loop, true), 0);
}

static void close_files(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)fd_close(fds[i]);
}

/* Somebody opens it and closes it. */
static void open_and_close(int fd_borrow)
{
	(void)fd_close(lease_lend(fd_borrow));
}

/* No turn of the loop is needed for what the kernel has told. */
START_TEST(what_was_closed_is_known_at_once)
{
	struct ask ask;
	int fds[2];

	deal_ask(&deal, &ask, MIB, 2);
	give_files(&ask, fds);
	have_files_watched(&ask);
	ck_assert(!lender_catch_up(deal.lender));
	ask_let_go(&ask);
	ck_assert(!lender_catch_up(deal.lender)); /* nobody told */
	open_and_close(fds[1]);
	ck_assert(lender_catch_up(deal.lender));
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 1);
	ck_assert(!lender_catch_up(deal.lender));
	open_and_close(fds[0]);
	ck_assert(lender_catch_up(deal.lender));
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 0);
	close_files(fds, 2);
	ask_forget(&ask);
}
END_TEST

/* And the rest in the next round. */
START_TEST(not_more_are_looked_at_than_fit)
{
	struct ask many, one;
	int fds[REAPER_SLICE + 1];

	deal_ask(&deal, &many, FAKE_GRANULE, REAPER_SLICE);
	deal_ask(&deal, &one, FAKE_GRANULE, 1);
	give_files(&many, fds);
	give_files(&one, fds + REAPER_SLICE);
	have_files_watched(&many);
	have_files_watched(&one);
	ask_let_go(&many);
	ask_let_go(&one);
	for (size_t i = 0; i < REAPER_SLICE + 1; i++)
		open_and_close(fds[i]);
	ck_assert(lender_catch_up(deal.lender));
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 1);
	while (deal.lender->registry.n_buffers > 0)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
	close_files(fds, REAPER_SLICE + 1);
	ask_forget(&many);
	ask_forget(&one);
}
END_TEST

/* A word that one holder has gone is none that it ended. */
START_TEST(what_others_hold_stays)
{
	struct ask ask;
	int fd;

	deal_ask(&deal, &ask, MIB, 1);
	give_files(&ask, &fd);
	have_files_watched(&ask);
	open_and_close(fd);
	ck_assert(!lender_catch_up(deal.lender));
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 1);
	close_files(&fd, 1);
	ask_forget(&ask);
}
END_TEST

static uint64_t spent_ns;

static uint64_t spent(void)
{
	return spent_ns;
}

static void nothing(void *data)
{
	(void)data;
}

#define SETTLES 10 /* more often than what is made ahead takes to be made */

/* Turns until the reaper has looked once more, after so much CPU time. */
static void look_after(uint64_t ns)
{
	size_t n = deal.fake.n_asked;

	spent_ns += ns;
	while (deal.fake.n_asked == n)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
}

/* The reaper pays for waking up where nobody else was served, as somebody is
 * at first, each time. */
START_TEST(who_wakes_up_alone_pays)
{
	const struct budget *budget = &deal.lender->reaper.quiet.budget;
	const int64_t much_ns = 10 * budget->burst_ns;
	struct watch *watch;
	struct ask ask;
	int fd;

	deal.lender->reaper.cpu_ns = spent;
	deal_ask(&deal, &ask, MIB, 1);
	look_after(1);
	deal.lender->reaper.look_ns = (uint64_t)much_ns; /* it is crowded */
	fd = eventfd(1, EFD_CLOEXEC);
	ck_assert_int_eq(
		watch_new(&watch, deal.loop, fd, LOOP_READ, nothing, NULL), 0);
	look_after((uint64_t)much_ns);
	ck_assert_int_gt(budget->left_ns, 0);
	(void)watch_free(watch);
	(void)fd_close(fd);
	/* it is not alone as long as the stock's worker is heard of */
	for (int i = 0; i < SETTLES && budget->left_ns > 0; i++)
		look_after((uint64_t)much_ns);
	ck_assert_int_lt(budget->left_ns, 0);
	ask_forget(&ask);
}
END_TEST

/* The fewer are left, the sooner they are looked at. */
START_TEST(whoever_goes_shortens_the_rest)
{
	struct reaper *reaper = &deal.lender->reaper;
	struct ask ask;
	uint64_t due_ms;

	reaper->cpu_ns = spent;
	deal_ask(&deal, &ask, MIB, 2);
	look_after(1);
	/* two of them rest for most of a second, one for half of that */
	reaper->look_ns = REAPER_REST_MS * ROUND_RESTS *
			  REAPER_QUIET_PERMILLE * 1000 / 2;
	look_after((uint64_t)reaper->quiet.budget.burst_ns);
	due_ms = deal.lender->reaper_due_ms;
	ck_assert_uint_gt(due_ms, clock_ms() + REAPER_REST_MS / 2);
	fake_set_held(ask.loan->buffers[0]->object, false);
	lender_hint(deal.lender, ask.loan->buffers[0], true);
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 1);
	ck_assert_uint_le(deal.lender->reaper_due_ms,
			  due_ms - REAPER_REST_MS / 4);
	ask_forget(&ask);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lender");
	TCase *tcase = harness_case(suite, "lender");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, hint_of_a_stranger_changes_nothing);
	tcase_add_test(tcase, orphans_end_when_they_are_let_go);
	tcase_add_test(tcase, copy_keeps_the_buffer);
	tcase_add_test(tcase, damage_is_found_on_return);
	tcase_add_test(tcase, inspection_keeps_the_buffer);
	tcase_add_test(tcase, ends_in_the_middle_of_guards);
	tcase_add_test(tcase, ends_in_the_middle_of_everything);
	tcase_add_test(tcase, what_was_closed_is_known_at_once);
	tcase_add_test(tcase, not_more_are_looked_at_than_fit);
	tcase_add_test(tcase, what_others_hold_stays);
	tcase_add_test(tcase, who_wakes_up_alone_pays);
	tcase_add_test(tcase, whoever_goes_shortens_the_rest);
	return harness_run(suite);
}
