/* SPDX-License-Identifier: MIT */
#include "daemon/lender.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/attempt.h"
#include "daemon/lending.h"
#include "daemon/usable.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/plug.h"
#include "tests/rules.h"
#include "util/clock.h"
#include "util/log.h"

/*
 * The lender under a policy: what quotas let through, when what is charged
 * comes free again, and what reservations keep.
 */

#define MIB    (UINT64_C(1) << 20)
#define CAMERA 1000
#define OTHER  1001

static struct rules rules;
static struct loop *loop;
static struct lender *lender;
static struct fake fake;
static struct region *region;
static struct owner owners[2];
static const struct credentials whos[] = {
	{.uid = CAMERA, .gid = CAMERA},
	{.uid = OTHER, .gid = OTHER},
};

enum {
	CAMERA_S,
	OTHERS
};

/* One request and what came of it; -1: not decided. */
struct ask {
	struct loan *loan;
	int result;
};

static void decided(struct loan *loan, int result)
{
	struct ask *ask = loan->data;

	ck_assert_int_eq(ask->result, -1);
	ask->result = result;
}

/* A lender with one region of 8M in granules of 4K, [simulate test]. */
static void make(const char *text)
{
	const struct run segment = {FAKE_BASE, 8 * MIB};
	struct region_spec spec = {
		.id = 1,
		.name = "test",
		.granule_bytes = FAKE_GRANULE,
	};

	log_set_level(0);
	rules_init(&rules, text);
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(lender_new(&lender, loop), 0);
	lender->policy = &rules.policy;
	spec.section = config_find_region(&rules.config, "test");
	spec.ticketp = &lender->ticket;
	fake_init(&fake, &segment, 1, true);
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, NULL),
			 0);
	region->is_default = true;
	ck_assert_int_eq(lender_add_region_consume(lender, region), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
			owner_init(&owners[i], &lender->accounts, whos[i].uid),
			0);
}

static void done(void)
{
	for (int i = 0; i < 2; i++) {
		lender_owner_gone(lender, &owners[i]);
		owner_deinit(&owners[i]);
	}
	lender = lender_free(lender);
	loop = loop_free(loop);
	fake_deinit(&fake);
	rules_deinit(&rules);
}

static void ask_for(struct ask *ask, int who, uint64_t size_bytes,
		    uint32_t count)
{
	const struct want want = {
		.run.size_bytes = size_bytes,
		.run.max_phys = UINT64_MAX,
		.count = count,
		.who = &whos[who],
	};

	*ask = (struct ask){.result = -1};
	ask->loan = loan_new(&want, &owners[who], decided, ask);
	ck_assert_ptr_nonnull(ask->loan);
	lending_begin(lender, ask->loan);
}

static void wait_for(const struct ask *ask)
{
	while (ask->result < 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
}

static void forget(struct ask *ask)
{
	ask->loan = loan_free(ask->loan);
}

/* Asks and waits: the buffer stays lent where it is granted. */
static int get(int who, uint64_t size_bytes)
{
	struct ask ask;

	ask_for(&ask, who, size_bytes, 1);
	wait_for(&ask);
	forget(&ask);
	return ask.result;
}

static void expect_text(const struct ask *ask, uint32_t reason, const char *text)
{
	ck_assert_int_eq(ask->result, (int)reason);
	ck_assert_uint_eq(ask->loan->refusal.reason, reason);
	ck_assert_str_eq(ask->loan->refusal.text, text);
}

START_TEST(up_to_the_limit_and_one_beyond)
{
	struct ask ask;

	make("[quota *]\nbytes = 4M\nbuffers = 3\n[simulate test]\nsize=8M\n");
	ck_assert_int_eq(get(CAMERA_S, 2 * MIB), 0);
	ck_assert_int_eq(get(CAMERA_S, 2 * MIB), 0);
	ask_for(&ask, CAMERA_S, 1, 1);
	wait_for(&ask);
	expect_text(&ask, CONTIG_MSG_R_QUOTA,
		    "quota of uid 1000 ([quota *] bytes, f:2): 4M of 4M in "
		    "use, 4K requested");
	ck_assert_uint_eq(ask.loan->refusal.requested_bytes, 4096);
	forget(&ask);
	ck_assert_uint_eq(owners[CAMERA_S].account->bytes, 4 * MIB);
	ck_assert_uint_eq(lender->refusals, 1);

	/* the other has a quota of his own, in buffers this time */
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(get(OTHERS, 4096), 0);
	ask_for(&ask, OTHERS, 4096, 1);
	wait_for(&ask);
	expect_text(&ask, CONTIG_MSG_R_QUOTA,
		    "quota of uid 1001 ([quota *] buffers, f:3): 3 of 3 "
		    "buffers in use, 1 requested");
	forget(&ask);
	done();
}
END_TEST

/* What is charged is what is taken: whole granules. */
START_TEST(granules_count)
{
	make("[quota *]\nbytes = 8K\n[simulate test]\nsize=8M\n");
	ck_assert_int_eq(get(CAMERA_S, 4097), 0);
	ck_assert_int_eq(get(CAMERA_S, 1), CONTIG_MSG_R_QUOTA);
	done();
}
END_TEST

START_TEST(more_than_ever_is_refused_at_once)
{
	struct ask ask;

	make("[quota *]\nbytes = 4M\n[simulate test]\nsize=8M\n");
	ask_for(&ask, CAMERA_S, 2 * MIB, 3);
	expect_text(&ask, CONTIG_MSG_R_QUOTA,
		    "quota of uid 1000 ([quota *] bytes, f:2): 0B of 4M in "
		    "use, 6M requested");
	forget(&ask);
	ck_assert_uint_eq(owners[CAMERA_S].account->bytes, 0);
	done();
}
END_TEST

/* Nobody said a word, but the holder is gone: it is looked at first. */
START_TEST(quota_looks_for_itself)
{
	struct ask all, more;

	make("[quota *]\nbytes = 4M\n[simulate test]\nsize=8M\n");
	ask_for(&all, CAMERA_S, 4 * MIB, 1);
	fake_set_held(all.loan->buffers[0]->object, false);
	forget(&all);
	ask_for(&more, CAMERA_S, 4 * MIB, 1);
	ck_assert_int_eq(more.result, -1);
	wait_for(&more);
	ck_assert_int_eq(more.result, 0);
	ck_assert_uint_eq(owners[CAMERA_S].account->bytes, 4 * MIB);
	forget(&more);
	done();
}
END_TEST

/* It is charged until the worker has looked at its guard, however long that
 * takes: a request that only waits for that is not refused. */
START_TEST(quota_waits_for_the_look_at_guards)
{
	struct ask all, more;
	struct plug plug;

	make("[quota *]\nbytes = 4M\n[simulate test]\nsize=8M\n");
	fake.memory.guard_bytes = FAKE_GRANULE;
	ask_for(&all, CAMERA_S, 4 * MIB, 1);
	wait_for(&all);
	plug_worker(&plug, lender->worker);
	fake_set_held(all.loan->buffers[0]->object, false);
	lender_hint(lender, all.loan->buffers[0], true);
	forget(&all);
	ask_for(&more, CAMERA_S, 2 * MIB, 1);
	for (uint64_t end = clock_ms() + 2 * ATTEMPT_GRACE_MAX_MS;
	     clock_ms() < end;)
		ck_assert_int_eq(loop_turn(loop, false), 0);
	ck_assert_int_eq(more.result, -1);
	plug_pull(&plug, loop);
	wait_for(&more);
	ck_assert_int_eq(more.result, 0);
	ck_assert_uint_eq(owners[CAMERA_S].account->bytes, 2 * MIB);
	forget(&more);
	done();
}
END_TEST

/* The charge stays while anybody holds the buffer, and what drains is said. */
START_TEST(draining_is_charged)
{
	struct ask all, more;

	make("[quota *]\nbytes = 4M\n[simulate test]\nsize=8M\n");
	ask_for(&all, CAMERA_S, 3 * MIB, 1);
	lender_hint(lender, all.loan->buffers[0], true);
	ck_assert_uint_eq(owners[CAMERA_S].account->draining_bytes, 3 * MIB);
	ask_for(&more, CAMERA_S, 2 * MIB, 1);
	wait_for(&more);
	expect_text(&more, CONTIG_MSG_R_QUOTA,
		    "quota of uid 1000 ([quota *] bytes, f:2): 3M of 4M in "
		    "use, 2M requested; 3M draining");
	ck_assert_uint_eq(more.loan->refusal.draining_bytes, 3 * MIB);
	forget(&more);

	/* also when its owner is gone */
	lender_owner_gone(lender, &owners[CAMERA_S]);
	ck_assert_uint_eq(owners[CAMERA_S].account->bytes, 3 * MIB);
	ck_assert_uint_eq(owners[CAMERA_S].account->draining_bytes, 3 * MIB);
	fake_set_held(all.loan->buffers[0]->object, false);
	forget(&all);
	while (lender->registry.n_buffers > 0)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(owners[CAMERA_S].account->bytes, 0);
	ck_assert_uint_eq(owners[CAMERA_S].account->draining_bytes, 0);
	ck_assert_int_eq(get(CAMERA_S, 4 * MIB), 0);
	done();
}
END_TEST

/* A process that is just dying lets go a little later than it says.  False where
 * this one was kept waiting for so long that the moment was over. */
static bool gets_a_moment(void)
{
	struct ask all, more;
	uint64_t begin;
	bool judged;

	make("[quota *]\nbytes = 4M\n[simulate test]\nsize=8M\n");
	ask_for(&all, CAMERA_S, 4 * MIB, 1);
	begin = clock_ms();
	lender_hint(lender, all.loan->buffers[0], true);
	ask_for(&more, CAMERA_S, 4 * MIB, 1);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(loop_turn(loop, false), 0);
	judged = clock_ms() - begin < ATTEMPT_GRACE_MS;
	ck_assert(more.result == -1 || !judged);
	fake_set_held(all.loan->buffers[0]->object, false);
	wait_for(&more);
	judged = judged && clock_ms() - begin < ATTEMPT_GRACE_MS;
	ck_assert(more.result == 0 || !judged);
	forget(&more);
	forget(&all);
	done();
	return judged;
}

START_TEST(what_began_to_drain_gets_a_moment)
{
	while (!gets_a_moment())
		;
}
END_TEST

/* Many wait, memory comes back for all of them, and the quota holds. */
START_TEST(parked_requests_do_not_overshoot)
{
	struct ask all, asks[8];
	int n_served = 0;

	make("[quota *]\nbytes = 3M\n[quota 1001]\nbytes = 8M\n"
	     "[simulate test]\nsize=8M\n");
	ask_for(&all, OTHERS, 8 * MIB, 1);
	lender_hint(lender, all.loan->buffers[0], true);
	for (int i = 0; i < 8; i++) {
		ask_for(&asks[i], CAMERA_S, MIB, 1);
		ck_assert_int_eq(asks[i].result, -1);
	}
	fake_set_held(all.loan->buffers[0]->object, false);
	for (int i = 0; i < 8; i++) {
		wait_for(&asks[i]);
		ck_assert_uint_le(owners[CAMERA_S].account->bytes, 3 * MIB);
		n_served += asks[i].result == 0;
		ck_assert_int_eq(asks[i].result, i < 3 ? 0 : CONTIG_MSG_R_QUOTA);
		forget(&asks[i]);
	}
	ck_assert_int_eq(n_served, 3);
	forget(&all);
	done();
}
END_TEST

START_TEST(reserved_memory_stays_whole)
{
	struct ask ask;

	make("[simulate test]\nsize = 8M\nreserve = 1000:4M\n");
	/* weeks of the others' comings and goings */
	for (int i = 0; i < 1024; i++)
		ck_assert_int_eq(get(OTHERS, 4096), 0);
	ask_for(&ask, OTHERS, 4096, 1);
	wait_for(&ask);
	expect_text(&ask, CONTIG_MSG_R_FULL,
		    "region 'test': 4K requested, 0B free, longest run 0B; 4M "
		    "reserved for 1000 (f:3)");
	ck_assert_uint_eq(ask.loan->refusal.free_bytes, 0);
	forget(&ask);
	ck_assert_int_eq(get(CAMERA_S, 4 * MIB), 0);
	ck_assert_int_eq(get(CAMERA_S, 4096), CONTIG_MSG_R_FULL);
	ck_assert_uint_eq(usable_bytes(region, &whos[CAMERA_S]), 0);
	done();
}
END_TEST

/* Memory that returns goes back to whose it was. */
START_TEST(reserved_memory_comes_back_reserved)
{
	struct ask ask;

	make("[simulate test]\nsize = 8M\nreserve = 1000:4M\n");
	ask_for(&ask, CAMERA_S, 4 * MIB, 1);
	ck_assert_int_eq(ask.result, 0);
	fake_set_held(ask.loan->buffers[0]->object, false);
	lender_hint(lender, ask.loan->buffers[0], true);
	forget(&ask);
	ck_assert_int_eq(get(OTHERS, 8 * MIB), CONTIG_MSG_R_TOO_LARGE);
	ck_assert_int_eq(get(OTHERS, 4 * MIB), 0);
	ck_assert_int_eq(get(OTHERS, 4096), CONTIG_MSG_R_FULL);
	ck_assert_int_eq(get(CAMERA_S, 4 * MIB), 0);
	done();
}
END_TEST

/* A reservation is no exemption. */
START_TEST(quota_binds_the_entitled)
{
	make("[quota 1000]\nbytes = 1M\n[simulate test]\nsize = 8M\n"
	     "reserve = 1000:4M\n");
	ck_assert_int_eq(get(CAMERA_S, MIB), 0);
	ck_assert_int_eq(get(CAMERA_S, 4096), CONTIG_MSG_R_QUOTA);
	ck_assert_int_eq(get(OTHERS, 4 * MIB), 0);
	done();
}
END_TEST

START_TEST(forbidden_region_is_denied)
{
	struct ask ask;

	make("[simulate test]\nsize = 8M\nuse = 1000\n");
	ck_assert_int_eq(get(CAMERA_S, MIB), 0);
	ask_for(&ask, OTHERS, MIB, 1);
	expect_text(&ask, CONTIG_MSG_R_DENIED,
		    "no region was named, and the default 'test' is not for "
		    "uid 1001 ([simulate test] use, f:3)");
	forget(&ask);
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lender under a policy");
	TCase *tcase = harness_case(suite, "policy");

	tcase_add_test(tcase, up_to_the_limit_and_one_beyond);
	tcase_add_test(tcase, granules_count);
	tcase_add_test(tcase, more_than_ever_is_refused_at_once);
	tcase_add_test(tcase, quota_looks_for_itself);
	tcase_add_test(tcase, quota_waits_for_the_look_at_guards);
	tcase_add_test(tcase, draining_is_charged);
	tcase_add_test(tcase, what_began_to_drain_gets_a_moment);
	tcase_add_test(tcase, parked_requests_do_not_overshoot);
	tcase_add_test(tcase, reserved_memory_stays_whole);
	tcase_add_test(tcase, reserved_memory_comes_back_reserved);
	tcase_add_test(tcase, quota_binds_the_entitled);
	tcase_add_test(tcase, forbidden_region_is_denied);
	return harness_run(suite);
}
