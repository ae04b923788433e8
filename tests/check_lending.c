/* SPDX-License-Identifier: MIT */
#include "daemon/lending.h"

#include <errno.h>
#include <string.h>

#include "daemon/attempt.h"
#include "daemon/lender.h"
#include "tests/deal.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/plug.h"
#include "util/clock.h"
#include "util/log.h"

/*
 * Requests to a lender with a real loop and worker, and a backend in the test's
 * hands: what waits, for what, and for how long.
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

/* The worker is busy for longer than any moment that is granted to what
 * drains. */
static void outlast_grace(const struct ask *ask)
{
	for (uint64_t end = clock_ms() + 2 * ATTEMPT_GRACE_MAX_MS;
	     clock_ms() < end;)
		deal_turn(&deal, 1);
	ck_assert_int_eq(ask->result, -1);
}

START_TEST(served_at_once)
{
	struct ask ask;

	deal_ask(&deal, &ask, MIB, 3);
	ck_assert_int_eq(ask.result, 0);
	ck_assert_uint_eq(deal.lender->allocations, 3);
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 3);
	ck_assert_ptr_eq(registry_find(&deal.lender->registry, 1),
			 ask.loan->buffers[0]);
	ck_assert_uint_eq(deal.region->lent_bytes, 3 * MIB);
	ask_forget(&ask);
}
END_TEST

START_TEST(never_possible_is_refused_at_once)
{
	struct ask ask;

	deal_ask(&deal, &ask, 8 * MIB + 1, 1);
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_TOO_LARGE);
	ck_assert_uint_eq(deal.lender->refusals, 1);
	ck_assert_ptr_nonnull(strstr(ask.loan->refusal.text, "'test'"));
	ask_forget(&ask);
	deal_ask(&deal, &ask, MIB, 9); /* one would fit, nine never will */
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_FULL);
	ask_forget(&ask);
}
END_TEST

/* Nobody said a word, but the holder is gone: a shortage finds out. */
START_TEST(shortage_looks_for_itself)
{
	struct ask all, more;

	deal_ask(&deal, &all, 8 * MIB, 1);
	ask_let_go(&all);
	ask_forget(&all);
	deal_ask(&deal, &more, 8 * MIB, 1);
	ck_assert_int_eq(more.result, -1);
	ask_wait(&more);
	ck_assert_int_eq(more.result, 0);
	ck_assert_uint_eq(deal.fake.zeroed_bytes, 8 * MIB); /* and was cleaned */
	ck_assert_uint_eq(more.loan->buffers[0]->id, 2);
	ask_forget(&more);
}
END_TEST

START_TEST(held_is_refused_after_one_look)
{
	struct ask all, more;
	uint64_t begin = clock_ms();

	deal_ask(&deal, &all, 8 * MIB, 1);
	deal_ask(&deal, &more, 4096, 1);
	ask_wait(&more);
	ck_assert_int_eq(more.result, CONTIG_MSG_R_FULL);
	/* and whatever the reaper's own rounds have come to meanwhile */
	ck_assert_uint_ge(deal.fake.n_asked, 1);
	ck_assert_uint_le(deal.fake.n_asked,
			  1 + (clock_ms() - begin) / REAPER_ROUND_MS);
	ck_assert_uint_eq(more.loan->refusal.free_bytes, 0);
	ask_forget(&more);
	ask_forget(&all);
}
END_TEST

/* A process that is just dying lets go a little later than it says.  False
 * where this one was kept waiting for so long that the moment was over. */
static bool gets_a_moment(void)
{
	struct ask all, more;
	uint64_t begin;
	bool judged;

	deal_ask(&deal, &all, 8 * MIB, 1);
	begin = clock_ms();
	lender_hint(deal.lender, all.loan->buffers[0], true);
	ck_assert_uint_eq(deal.region->draining_bytes, 8 * MIB);
	deal_ask(&deal, &more, MIB, 1);
	deal_turn(&deal, 5);
	judged = clock_ms() - begin < ATTEMPT_GRACE_MS;
	ck_assert(more.result == -1 || !judged);
	ask_let_go(&all);
	ask_wait(&more);
	ck_assert(more.result == 0 || !judged);
	ask_let_go(&more);
	while (deal.region->n_buffers > 0 || deal.region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
	ask_forget(&more);
	ask_forget(&all);
	return judged;
}

START_TEST(what_began_to_drain_gets_a_moment)
{
	while (!gets_a_moment())
		;
}
END_TEST

START_TEST(the_moment_ends)
{
	struct ask all, more;
	uint64_t begin;

	deal_ask(&deal, &all, 8 * MIB, 1);
	begin = clock_ms();
	lender_hint(deal.lender, all.loan->buffers[0], true);
	deal_ask(&deal, &more, MIB, 1);
	ask_wait(&more);
	ck_assert_int_eq(more.result, CONTIG_MSG_R_FULL);
	ck_assert_uint_eq(more.loan->refusal.draining_bytes, 8 * MIB);
	ck_assert_uint_ge(clock_ms() - begin, ATTEMPT_GRACE_MS);
	ask_forget(&more);
	ask_forget(&all);
}
END_TEST

START_TEST(parked_ones_are_served_in_order)
{
	struct ask all, asks[4];

	deal_ask(&deal, &all, 2 * MIB, 4);
	lender_hint(deal.lender, all.loan->buffers[0], true);
	for (int i = 0; i < 4; i++)
		deal_ask(&deal, &asks[i], 2 * MIB, 1);
	ask_let_go(&all);
	for (int i = 0; i < 4; i++) {
		ask_wait(&asks[i]);
		ck_assert_int_eq(asks[i].result, 0);
		ck_assert_int_eq(asks[i].order, i + 2);
		ask_forget(&asks[i]);
	}
	ask_forget(&all);
}
END_TEST

START_TEST(large_one_does_not_hold_up_a_small_one)
{
	struct ask lent[2], large, small;

	deal_ask(&deal, &lent[0], 4 * MIB, 1);
	deal_ask(&deal, &lent[1], 4 * MIB, 1);
	lender_hint(deal.lender, lent[0].loan->buffers[0], true);
	lender_hint(deal.lender, lent[1].loan->buffers[0], true);
	deal_ask(&deal, &large, 8 * MIB, 1);
	deal_ask(&deal, &small, MIB, 1);
	ask_let_go(&lent[0]);
	ask_wait(&small);
	ck_assert_int_eq(small.result, 0);
	ask_wait(&large);
	ck_assert_int_gt(large.result, 0);
	ask_forget(&lent[0]);
	ask_forget(&lent[1]);
	ask_forget(&large);
	ask_forget(&small);
}
END_TEST

START_TEST(cancelled_one_is_forgotten)
{
	struct ask all, more;

	deal_ask(&deal, &all, 8 * MIB, 1);
	deal_ask(&deal, &more, MIB, 1);
	ck_assert_int_eq(more.result, -1);
	lending_cancel(deal.lender, more.loan);
	ask_forget(&more);
	ask_let_go(&all);
	deal_turn(&deal, 10);
	ck_assert_int_eq(more.result, -1);
	ask_forget(&all);
}
END_TEST

/* Memory that starts dirty: requests wait for zeroing, piece by piece. */
START_TEST(start_up_dirt_is_waited_for)
{
	static struct fake other;
	struct region *dirty = fake_region(&other, 2, "dirty", 64 * MIB, false);
	struct ask ask;

	dirty->dirt.ticketp = &deal.lender->ticket; /* as setup makes it */
	deal.lender->ticket = other.ticket;
	deal.region->is_default = false;
	dirty->is_default = true;
	ck_assert_int_eq(lender_add_region_consume(deal.lender, dirty), 0);
	deal_ask(&deal, &ask, 64 * MIB, 1);
	ck_assert_int_eq(ask.result, -1);
	ask_wait(&ask);
	ck_assert_int_eq(ask.result, 0);
	ck_assert_uint_eq(other.zeroed_bytes, 64 * MIB);
	ask_forget(&ask);
	deal_ask(&deal, &ask, 4096, 1);
	ask_wait(&ask);
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_FULL);
	ask_forget(&ask);
}
END_TEST

/* ---- while memory is being cleaned --------------------------------------- */

/* Zeroing takes as long as it takes: nobody is told "no memory" meanwhile, and
 * who needs none of it does not wait. */
START_TEST(cleaning_is_waited_for_by_those_who_need_it)
{
	struct ask all, small, large;
	struct plug plug;

	fake_can_discard(&deal.fake);
	deal_ask(&deal, &all, 6 * MIB, 1);
	plug_worker(&plug, deal.lender->worker); /* as if it were zeroing */
	ask_let_go(&all);
	lender_hint(deal.lender, all.loan->buffers[0], true);
	ck_assert_uint_eq(deal.region->dirt.bytes, 6 * MIB);
	deal_ask(&deal, &small, MIB, 1);
	ck_assert_int_eq(small.result, 0);
	deal_ask(&deal, &large, 6 * MIB, 1);
	outlast_grace(&large);
	ck_assert_uint_eq(deal.fake.zeroed_bytes, 0);
	ck_assert_uint_eq(deal.fake.discarded_bytes, 0);
	plug_pull(&plug, deal.loop);
	ask_wait(&large);
	ck_assert_int_eq(large.result, 0);
	ck_assert_uint_eq(deal.fake.zeroed_bytes, 6 * MIB);
	ck_assert_uint_eq(deal.fake.discarded_bytes, 6 * MIB);
	ask_forget(&large);
	ask_forget(&small);
	ask_forget(&all);
}
END_TEST

/* ---- with guards --------------------------------------------------------- */

START_TEST(guards_are_filled_before_anybody_gets_the_buffer)
{
	struct plug plug;
	struct ask ask;

	deal_use_guards(&deal, MIB);
	plug_worker(&plug, deal.lender->worker);
	deal_ask(&deal, &ask, 4096, CONTIG_MSG_MAX_BUFFERS);
	deal_turn(&deal, 5);
	ck_assert_int_eq(ask.result, -1);
	ck_assert_uint_eq(deal.lender->allocations, 0);
	ck_assert_uint_eq(deal.guarded.n_guarded, 0);
	plug_pull(&plug, deal.loop);
	ask_wait(&ask);
	ck_assert_int_eq(ask.result, 0);
	ck_assert_uint_eq(deal.lender->allocations, CONTIG_MSG_MAX_BUFFERS);
	ck_assert_uint_eq(ask.loan->n_lent, CONTIG_MSG_MAX_BUFFERS);
	for (size_t i = 0; i < CONTIG_MSG_MAX_BUFFERS; i++) {
		ck_assert(ask.loan->buffers[i]->guard_filled);
		ck_assert_uint_eq(ask.loan->buffers[i]->pins, 0);
		ck_assert_int_ge(ask.loan->fds[i], 0);
	}
	ask_forget(&ask);
}
END_TEST

/* Requests without guards do not wait for what the worker does. */
START_TEST(other_regions_are_as_fast_as_ever)
{
	struct region *plain = deal.region;
	struct plug plug;
	struct ask ask, guarded;

	deal_use_guards(&deal, MIB);
	plug_worker(&plug, deal.lender->worker);
	deal_ask(&deal, &guarded, 4096, 1);
	deal.region->is_default = false;
	plain->is_default = true;
	deal_ask(&deal, &ask, MIB, 2);
	ck_assert_int_eq(ask.result, 0);
	ck_assert_int_eq(guarded.result, -1);
	plug_pull(&plug, deal.loop);
	ask_wait(&guarded);
	ask_forget(&guarded);
	ask_forget(&ask);
}
END_TEST

/* All memory is on its way back and none of it dirty yet: a request waits for
 * the look at the guard, and for the zeroing behind it. */
START_TEST(shortage_waits_for_the_look_at_guards)
{
	struct ask all, more;
	struct plug plug;

	deal_use_guards(&deal, MIB);
	deal_ask(&deal, &all, MIB - FAKE_GRANULE, 1);
	ask_wait(&all);
	plug_worker(&plug, deal.lender->worker);
	ask_let_go(&all);
	lender_hint(deal.lender, all.loan->buffers[0], true);
	ck_assert_uint_eq(deal.lender->registry.n_buffers, 0);
	ck_assert_uint_eq(deal.region->n_buffers, 1);
	deal_ask(&deal, &more, MIB - FAKE_GRANULE, 1);
	outlast_grace(&more);
	plug_pull(&plug, deal.loop);
	ask_wait(&more);
	ck_assert_int_eq(more.result, 0);
	ck_assert_uint_eq(deal.guarded.zeroed_bytes, MIB);
	ask_forget(&more);
	ask_forget(&all);
}
END_TEST

START_TEST(guards_make_a_region_full)
{
	struct ask ask, more;

	deal_use_guards(&deal, 8 * FAKE_GRANULE);
	deal_ask(&deal, &ask, FAKE_GRANULE,
		 5); /* ten granules, with their guards */
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_FULL);
	ck_assert_uint_eq(ask.loan->refusal.requested_bytes, 10 * FAKE_GRANULE);
	ask_forget(&ask);
	deal_ask(&deal, &ask, FAKE_GRANULE, 4);
	ask_wait(&ask);
	ck_assert_int_eq(ask.result, 0);
	deal_ask(&deal, &more, FAKE_GRANULE, 1);
	ask_wait(&more);
	ck_assert_int_eq(more.result, CONTIG_MSG_R_FULL);
	ck_assert_ptr_nonnull(strstr(more.loan->refusal.text, "guard of 4K"));
	ask_forget(&more);
	ask_forget(&ask);
}
END_TEST

START_TEST(guard_that_cannot_be_filled_refuses)
{
	struct ask ask;

	log_set_level(0);
	deal_use_guards(&deal, MIB);
	deal.guarded.guard_result = -ENOSPC;
	deal.guarded.hold_new = false;
	deal_ask(&deal, &ask, 4096, 3);
	ask_wait(&ask);
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_RESOURCE);
	ck_assert_str_eq(ask.loan->refusal.text,
			 "region 'guarded': its guards cannot be filled: No "
			 "space left on device");
	ck_assert_uint_eq(ask.loan->n_lent, 0);
	ck_assert_uint_eq(deal.lender->allocations, 0);
	ck_assert_uint_eq(deal.lender->refusals, 1);
	ask_forget(&ask);
	while (deal.region->n_buffers > 0 || deal.region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
	ck_assert_uint_eq(deal.region->damaged_guards, 0);
	ck_assert_uint_eq(partitions_free_bytes(&deal.region->partitions), MIB);
}
END_TEST

/* The client goes while the worker fills: nothing is lost. */
START_TEST(cancelled_while_guards_are_filled)
{
	struct plug plug;
	struct ask ask;

	deal_use_guards(&deal, MIB);
	plug_worker(&plug, deal.lender->worker);
	deal.guarded.hold_new = false; /* but for the loan's own */
	deal_ask(&deal, &ask, 4096, 3);
	ck_assert_int_eq(ask.result, -1);
	lending_cancel(deal.lender, ask.loan);
	ask_forget(&ask);
	lender_owner_gone(deal.lender, &deal.owner);
	deal_turn(&deal, 5);
	ck_assert_uint_eq(deal.region->n_buffers, 3);
	plug_pull(&plug, deal.loop);
	while (deal.region->n_buffers > 0 || deal.region->dirt.bytes > 0)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
	ck_assert_int_eq(ask.result, -1);
	ck_assert_uint_eq(deal.region->damaged_guards, 0);
	ck_assert_uint_eq(partitions_free_bytes(&deal.region->partitions), MIB);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lending");
	TCase *tcase = harness_case(suite, "lending");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, served_at_once);
	tcase_add_test(tcase, never_possible_is_refused_at_once);
	tcase_add_test(tcase, shortage_looks_for_itself);
	tcase_add_test(tcase, held_is_refused_after_one_look);
	tcase_add_test(tcase, what_began_to_drain_gets_a_moment);
	tcase_add_test(tcase, the_moment_ends);
	tcase_add_test(tcase, parked_ones_are_served_in_order);
	tcase_add_test(tcase, large_one_does_not_hold_up_a_small_one);
	tcase_add_test(tcase, cancelled_one_is_forgotten);
	tcase_add_test(tcase, start_up_dirt_is_waited_for);
	tcase_add_test(tcase, cleaning_is_waited_for_by_those_who_need_it);
	tcase_add_test(tcase, guards_are_filled_before_anybody_gets_the_buffer);
	tcase_add_test(tcase, other_regions_are_as_fast_as_ever);
	tcase_add_test(tcase, shortage_waits_for_the_look_at_guards);
	tcase_add_test(tcase, guards_make_a_region_full);
	tcase_add_test(tcase, guard_that_cannot_be_filled_refuses);
	tcase_add_test(tcase, cancelled_while_guards_are_filled);
	return harness_run(suite);
}
