/* SPDX-License-Identifier: MIT */
#include "daemon/kept.h"

#include <errno.h>

#include "daemon/lending.h"
#include "tests/chore.h"
#include "tests/deal.h"
#include "tests/fake.h"
#include "tests/harness.h"

/*
 * First by itself, with objects of a backend that can renew them; then as part
 * of lending.  That it outlives no daemon, and an object that is lent again
 * does, is tested in check_restore.
 */

#define MIB UINT64_C(1048576)
#define G   FAKE_GRANULE
#define UID 1000

static struct loop *loop;
static struct stock stock;
static struct kept kept;
static struct fake fake;
static struct region *region;

static void before(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(stock_init(&stock, loop), 0);
	ck_assert_int_eq(kept_init(&kept, loop, &stock), 0);
	region = fake_region(&fake, 1, "kept", MIB, true);
	region->kept = &kept;
	fake_can_renew(&fake);
	fake.hold_new = false;
}

static void after(void)
{
	kept_deinit(&kept);
	stock_deinit(&stock);
	region = region_free(region);
	loop = loop_free(loop);
	fake_deinit(&fake);
}

/* Until all that is to go is gone. */
static void settle(void)
{
	while (kept.leaving_timer_set || stock.timer_set) {
		if (stock.worker)
			chore_await(stock.worker);
		ck_assert_int_eq(loop_turn(loop, true), 0);
	}
}

static struct run run_of(uint64_t granule, uint64_t n)
{
	return (struct run){FAKE_BASE + granule * G, n * G};
}

static struct object *make(uint64_t granule, uint64_t n)
{
	const struct run run = run_of(granule, n);
	struct object *object;

	ck_assert_int_eq(fake.backend.object_new(&fake.memory, &run, "frame",
						 &object, NULL),
			 0);
	return object;
}

static struct object *leave(uint64_t granule, uint64_t n)
{
	struct object *object = make(granule, n);

	ck_assert(kept_leave_consume(&kept, object, NULL, UID));
	return object;
}

static struct object *take(uint64_t granule, uint64_t n)
{
	const struct run run = run_of(granule, n);
	struct vault_entry *entry = NULL;
	struct object *object =
		kept_take(&kept, &fake.memory, &run, UID, &entry);

	ck_assert_ptr_null(entry);
	return object;
}

START_TEST(same_run_gets_its_object_once)
{
	struct object *object = leave(3, 2);

	ck_assert_uint_eq(fake.n_retired, 1);
	ck_assert_uint_eq(kept.n, 1);
	ck_assert_ptr_eq(take(3, 2), object);
	ck_assert_uint_eq(kept.n, 0);
	ck_assert_ptr_null(take(3, 2));
	fake.backend.object_free(object);
}
END_TEST

/* Any other, and no less what is kept for a part of it goes. */
START_TEST(other_runs_do_not_get_it)
{
	static const struct {
		uint64_t granule, n;
	} others[] = {{2, 4}, {3, 3}, {3, 5}, {2, 2}, {6, 1}, {0, 256}, {4, 2}};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		(void)leave(3, 4);
		ck_assert_ptr_null(take(others[i].granule, others[i].n));
		ck_assert_uint_eq(kept.n, 0);
	}
	settle();
	ck_assert_uint_eq(fake.n_objects, 0);
	(void)leave(3, 4);
	ck_assert_ptr_null(take(7, 1));
	ck_assert_ptr_null(take(0, 3));
	ck_assert_uint_eq(kept.n, 1);
}
END_TEST

START_TEST(other_uids_do_not_get_it)
{
	const struct run run = run_of(3, 4);
	struct vault_entry *entry;

	(void)leave(3, 4);
	ck_assert_ptr_null(kept_take(&kept, &fake.memory, &run, UID + 1, &entry));
	ck_assert_uint_eq(kept.n, 0);
	ck_assert_ptr_null(take(3, 4));
}
END_TEST

START_TEST(guard_is_a_part_of_it)
{
	struct object *object;

	fake.memory.guard_bytes = 2 * G;
	object = leave(3, 4); /* and 7 and 8 */
	ck_assert_ptr_eq(take(3, 4), object);
	ck_assert(kept_leave_consume(&kept, object, NULL, UID));
	fake.memory.guard_bytes = 0;
	ck_assert_ptr_null(take(9, 1));
	ck_assert_uint_eq(kept.n, 1);
	ck_assert_ptr_null(take(8, 1));
	ck_assert_uint_eq(kept.n, 0);
	/* as long, with another limit between the two */
	fake.memory.guard_bytes = 2 * G;
	(void)leave(3, 4);
	fake.memory.guard_bytes = 3 * G;
	ck_assert_ptr_null(take(3, 3));
	ck_assert_uint_eq(kept.n, 0);
}
END_TEST

START_TEST(memories_are_told_apart)
{
	struct fake other;
	struct region *beside = fake_region(&other, 2, "other", MIB, true);
	const struct run run = run_of(3, 4);
	struct vault_entry *entry;
	struct object *object = leave(3, 4);

	ck_assert_ptr_null(kept_take(&kept, &other.memory, &run, UID, &entry));
	kept_drop(&kept, &other.memory, &run);
	ck_assert_ptr_eq(take(3, 4), object);
	fake.backend.object_free(object);
	(void)region_free(beside);
	fake_deinit(&other);
}
END_TEST

START_TEST(what_cannot_be_renewed_is_not_kept)
{
	struct object *object = make(0, 1);

	fake.retire_result = -EBUSY;
	ck_assert(!kept_leave_consume(&kept, object, NULL, UID));
	fake.retire_result = 0;
	kept_limit_files(&kept, 15);
	ck_assert(!kept_leave_consume(&kept, object, NULL, UID));
	kept_limit_files(&kept, 16);
	fake.backend.object_renew = NULL;
	ck_assert(!kept_leave_consume(&kept, object, NULL, UID));
	ck_assert_uint_eq(kept.n, 0);
	ck_assert(!kept.period_timer_set);
	fake.backend.object_free(object);
}
END_TEST

START_TEST(oldest_goes_beyond_the_limit)
{
	struct object *objects[4];

	kept_limit_files(&kept, 3 * 16 + 15);
	for (uint64_t i = 0; i < 4; i++)
		objects[i] = leave(i, 1);
	ck_assert_uint_eq(kept.n, 3);
	ck_assert_ptr_null(take(0, 1));
	ck_assert_ptr_eq(take(1, 1), objects[1]);
	ck_assert(kept_leave_consume(&kept, objects[1], NULL, UID));
	kept_limit_files(&kept, 16); /* the one that came last stays */
	ck_assert_uint_eq(kept.n, 1);
	ck_assert_ptr_eq(take(1, 1), objects[1]);
	fake.backend.object_free(objects[1]);
	settle();
	ck_assert_uint_eq(fake.n_objects, 0);
}
END_TEST

START_TEST(unused_goes_after_a_period)
{
	struct object *used = leave(1, 1);

	(void)leave(0, 1);
	ck_assert(kept.period_timer_set);
	kept_end_period(&kept);
	ck_assert_uint_eq(kept.n, 2);
	ck_assert_ptr_eq(take(1, 1), used);
	ck_assert(kept_leave_consume(&kept, used, NULL, UID));
	kept_end_period(&kept);
	ck_assert_uint_eq(kept.n, 1);
	kept_end_period(&kept);
	ck_assert_uint_eq(kept.n, 0);
	ck_assert(!kept.period_timer_set);
	settle();
	ck_assert_uint_eq(fake.n_objects, 0);
}
END_TEST

/* A request frees nothing; a few go at a time, and then all are gone. */
START_TEST(displaced_ones_go_behind_the_request)
{
	const size_t n = 3 * KEPT_SLICE + 1;

	for (uint64_t i = 0; i < n; i++)
		(void)leave(i, 1);
	ck_assert_ptr_null(take(0, n));
	ck_assert_uint_eq(kept.n, 0);
	ck_assert_uint_eq(fake.n_objects, n);
	ck_assert_uint_eq(stock.bins.n_doomed, 0);
	ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(stock.bins.n_doomed, KEPT_SLICE);
	settle();
	ck_assert_uint_eq(fake.n_objects, 0);
}
END_TEST

START_TEST(all_of_it_can_be_had_at_once)
{
	ck_assert(!kept_empty(&kept));
	(void)leave(0, 1);
	(void)leave(2, 1);
	ck_assert_ptr_null(take(0, 2));
	ck_assert(kept_empty(&kept));
	ck_assert_uint_eq(fake.n_objects, 0);
	ck_assert_uint_eq(kept.n, 0);
	ck_assert(!kept_empty(&kept));
	settle();
}
END_TEST

START_TEST(what_cannot_be_zeroed_is_not_kept)
{
	const struct run run = run_of(4, 4);
	struct stain *stain = stain_new(&run);

	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
	(void)leave(4, 4);
	region_soil_consume(region, stain);
	region_cleaned(region, &run, -EIO);
	ck_assert_uint_eq(kept.n, 0);
}
END_TEST

static struct deal deal;

static void before_deal(void)
{
	deal_init(&deal);
	fake_can_renew(&deal.fake);
}

static void after_deal(void)
{
	deal_deinit(&deal);
}

static void lend(struct ask *ask, uint64_t size_bytes, uint32_t count)
{
	deal_ask(&deal, ask, size_bytes, count);
	ask_wait(ask);
	ck_assert_int_eq(ask->result, 0);
}

static void give_back(struct ask *ask)
{
	size_t n = ask->loan->n_lent;
	struct buffer *buffers[4];

	for (size_t i = 0; i < n; i++)
		buffers[i] = ask->loan->buffers[i];
	ask_let_go(ask);
	ask_forget(ask);
	for (size_t i = 0; i < n; i++)
		lender_hint(deal.lender, buffers[i], true);
	while (deal.region->dirt.bytes > 0 || deal.region->n_buffers > 0)
		ck_assert_int_eq(loop_turn(deal.loop, true), 0);
}

START_TEST(buffer_gets_the_object_of_an_earlier_one)
{
	struct object *object;
	struct ask ask;
	uint64_t token;

	lend(&ask, MIB, 1);
	object = ask.loan->buffers[0]->object;
	token = object->token;
	give_back(&ask);
	ck_assert_ptr_null(registry_find_inode(&deal.lender->registry,
					       object->device, object->inode));
	ck_assert_uint_eq(region_free_bytes(deal.region), 8 * MIB);
	ck_assert_uint_eq(deal.fake.zeroed_bytes, MIB);
	lend(&ask, MIB, 1);
	ck_assert_ptr_eq(ask.loan->buffers[0]->object, object);
	ck_assert_uint_ne(object->token, token);
	ck_assert_ptr_eq(registry_find_inode(&deal.lender->registry,
					     object->device, object->inode),
			 ask.loan->buffers[0]);
	ck_assert_uint_eq(deal.fake.n_objects, 1);
	give_back(&ask);
	ck_assert_uint_eq(deal.fake.zeroed_bytes, 2 * MIB);
}
END_TEST

/* It goes on as if none had been kept. */
START_TEST(failed_renewal_makes_another)
{
	struct ask ask;

	lend(&ask, MIB, 1);
	give_back(&ask);
	deal.fake.renew_result = -ENOMEM;
	lend(&ask, MIB, 1);
	ck_assert_uint_eq(deal.fake.n_renewed, 1);
	ck_assert_uint_eq(deal.fake.n_objects, 1);
	give_back(&ask);
}
END_TEST

START_TEST(refused_request_leaves_nothing)
{
	struct ask ask;

	lend(&ask, MIB, 2);
	give_back(&ask);
	ck_assert_uint_eq(deal.lender->kept.n, 2);
	deal.fake.lends_left = 1;
	deal.fake.failure = -EIO;
	deal_ask(&deal, &ask, MIB, 2);
	ask_wait(&ask);
	ck_assert_int_ne(ask.result, 0);
	ask_forget(&ask);
	ck_assert_uint_eq(deal.fake.n_objects, 0);
	ck_assert_uint_eq(region_free_bytes(deal.region), 8 * MIB);
}
END_TEST

/* What is kept is not what is missing. */
START_TEST(shortage_gives_all_of_it_up)
{
	struct ask ask;

	lend(&ask, MIB, 2);
	give_back(&ask);
	deal.fake.objects_left = 0;
	deal.fake.failure = -EMFILE;
	deal_ask(&deal, &ask, MIB / 2, 1);
	ask_wait(&ask);
	ck_assert_int_eq(ask.result, CONTIG_MSG_R_RESOURCE);
	ask_forget(&ask);
	ck_assert_uint_eq(deal.lender->kept.n, 0);
	ck_assert_uint_eq(deal.fake.n_objects, 0);
}
END_TEST

START_TEST(end_of_the_lender_is_the_end_of_it)
{
	struct ask ask;

	lend(&ask, MIB, 3);
	give_back(&ask);
	ck_assert_uint_eq(deal.fake.n_objects, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kept");
	TCase *tcase = harness_case(suite, "kept");
	TCase *lending = harness_case(suite, "lending");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, same_run_gets_its_object_once);
	tcase_add_test(tcase, other_runs_do_not_get_it);
	tcase_add_test(tcase, other_uids_do_not_get_it);
	tcase_add_test(tcase, guard_is_a_part_of_it);
	tcase_add_test(tcase, memories_are_told_apart);
	tcase_add_test(tcase, what_cannot_be_renewed_is_not_kept);
	tcase_add_test(tcase, oldest_goes_beyond_the_limit);
	tcase_add_test(tcase, unused_goes_after_a_period);
	tcase_add_test(tcase, displaced_ones_go_behind_the_request);
	tcase_add_test(tcase, all_of_it_can_be_had_at_once);
	tcase_add_test(tcase, what_cannot_be_zeroed_is_not_kept);
	tcase_add_checked_fixture(lending, before_deal, after_deal);
	tcase_add_test(lending, buffer_gets_the_object_of_an_earlier_one);
	tcase_add_test(lending, failed_renewal_makes_another);
	tcase_add_test(lending, refused_request_leaves_nothing);
	tcase_add_test(lending, shortage_gives_all_of_it_up);
	tcase_add_test(lending, end_of_the_lender_is_the_end_of_it);
	return harness_run(suite);
}
