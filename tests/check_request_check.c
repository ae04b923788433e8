/* SPDX-License-Identifier: MIT */
#include "daemon/request_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/stage.h"

/*
 * CHECK without a socket: a user whose buffers have guards, an administrator
 * who looks at them, and every answer judged as the library would judge it.
 */

#define ALICE	    1000
#define REGION_SIZE (1024 * FAKE_GRANULE)

static struct stage stage;
static struct fake fake;
static struct region *region;
static struct session *alice, *admin;

static void before(void)
{
	stage_init(&stage);
	region = fake_guarded_region(&fake, REGION_SIZE, FAKE_GRANULE);
	fake.memory.guarantees = CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_PHYS_KNOWN;
	stage_add_region(&stage, region);
	alice = stage_connect(&stage, ALICE);
	admin = stage_connect(&stage, STAGE_OWN_UID);
}

static void after(void)
{
	stage_disconnect(&alice);
	stage_disconnect(&admin);
	stage_deinit(&stage);
	fake_deinit(&fake);
}

static void alloc(uint32_t count)
{
	stage_prepare(&stage, CONTIG_MSG_ALLOC);
	stage.request.alloc.size_bytes = 2 * FAKE_GRANULE;
	stage.request.alloc.count = count;
	memcpy(stage.request.alloc.name, "frame", 6);
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_WAITS);
	stage_wait_for(&stage, alice);
	stage_expect_reply(&stage);
	ck_assert_uint_eq(stage.reply.n_fds, count);
	request_finish(alice);
}

/* The answer to CHECK behind an id, of a region or of all. */
static const struct contig_msg_damage *check(uint64_t after, const char *name)
{
	stage_prepare(&stage, CONTIG_MSG_CHECK);
	stage.request.check.after = after;
	memcpy(stage.request.check.region, name, strlen(name));
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_WAITS);
	stage_wait_for(&stage, admin);
	request_finish(admin);
	stage_expect_reply(&stage);
	return form_elements(form_find(CONTIG_MSG_CHECK), &stage.answer);
}

static unsigned char *guard_of(uint64_t id)
{
	return fake_guard(registry_find(&stage.lender->registry, id)->object);
}

START_TEST(nothing_is_wrong)
{
	(void)check(0, "");
	ck_assert_uint_eq(stage.answer.check_reply.checked, 0);
	ck_assert_uint_eq(stage.answer.check_reply.last, 0);
	ck_assert_uint_eq(stage.answer.check_reply.more, 0);
	alloc(3);
	stage.n_ready = 0;
	(void)check(0, "");
	ck_assert_int_eq(stage.n_ready, 1);
	ck_assert_uint_eq(stage.answer.check_reply.checked, 3);
	ck_assert_uint_eq(stage.answer.check_reply.count, 0);
	ck_assert_uint_eq(stage.answer.check_reply.last, 3);
	ck_assert_uint_eq(stage.answer.check_reply.more, 0);
	ck_assert_uint_eq(stage.answer.check_reply.unreadable, 0);
}
END_TEST

START_TEST(damage_is_told_in_full_and_counted_once)
{
	const struct contig_msg_damage *damage;

	alloc(3);
	memset(guard_of(2) + 16, 0, 5);
	guard_of(3)[4095] ^= 1;
	for (int i = 0; i < 2; i++) {
		damage = check(0, "guarded");
		ck_assert_uint_eq(stage.answer.check_reply.checked, 3);
		ck_assert_uint_eq(stage.answer.check_reply.count, 2);
		ck_assert_uint_eq(damage[0].id, 2);
		ck_assert_uint_eq(damage[0].size_bytes, 2 * FAKE_GRANULE);
		ck_assert_uint_eq(damage[0].guard_bytes, FAKE_GRANULE);
		ck_assert_uint_eq(damage[0].first_bytes, 16);
		ck_assert_uint_eq(damage[0].differing_bytes, 5);
		ck_assert_uint_eq(damage[0].flags, CONTIG_MSG_BUFFER_PHYS);
		ck_assert_uint_eq(damage[0].phys,
				  FAKE_BASE + 5 * FAKE_GRANULE + 16);
		ck_assert_uint_eq(damage[0].owner_uid, ALICE);
		ck_assert_uint_eq(damage[0].region_id, 1);
		ck_assert_str_eq(damage[0].region, "guarded");
		ck_assert_str_eq(damage[0].name, "frame");
		ck_assert_uint_eq(damage[0].neighbour_id, 3);
		ck_assert_uint_eq(damage[0].neighbour_uid, ALICE);
		ck_assert_str_eq(damage[0].neighbour_name, "frame");
		ck_assert_uint_eq(damage[1].id, 3);
		ck_assert_uint_eq(damage[1].first_bytes, 4095);
		ck_assert_uint_eq(damage[1].neighbour_id, 0);
		ck_assert_uint_eq(region->damaged_guards, 2);
	}
}
END_TEST

START_TEST(made_up_addresses_are_not_told)
{
	const struct contig_msg_damage *damage;

	fake.memory.guarantees = CONTIG_MSG_ISOLATED;
	alloc(1);
	guard_of(1)[0] ^= 1;
	damage = check(0, "");
	ck_assert_uint_eq(damage->flags, 0);
	ck_assert_uint_eq(damage->phys, 0);
}
END_TEST

START_TEST(pages_go_on_behind_the_last)
{
	const struct contig_msg_damage *damage;

	alloc(CONTIG_MSG_MAX_BUFFERS);
	alloc(1);
	for (uint64_t id = 1; id <= CONTIG_MSG_MAX_BUFFERS + 1; id++)
		guard_of(id)[0] ^= 1;
	(void)check(0, "");
	ck_assert_uint_eq(stage.answer.check_reply.count,
			  CONTIG_MSG_MAX_BUFFERS);
	ck_assert_uint_eq(stage.answer.check_reply.more, 1);
	ck_assert_uint_eq(stage.answer.check_reply.last, CONTIG_MSG_MAX_BUFFERS);
	damage = check(CONTIG_MSG_MAX_BUFFERS, "");
	ck_assert_uint_eq(stage.answer.check_reply.checked, 1);
	ck_assert_uint_eq(stage.answer.check_reply.more, 0);
	ck_assert_uint_eq(damage->id, CONTIG_MSG_MAX_BUFFERS + 1);
	(void)check(UINT64_MAX, "");
	ck_assert_uint_eq(stage.answer.check_reply.checked, 0);
}
END_TEST

START_TEST(unreadable_ones_are_counted_apart)
{
	alloc(2);
	fake.bad_guard = registry_find(&stage.lender->registry, 1)->object;
	fake.guard_result = -EIO;
	(void)check(0, "");
	ck_assert_uint_eq(stage.answer.check_reply.checked, 1);
	ck_assert_uint_eq(stage.answer.check_reply.unreadable, 1);
	ck_assert_uint_eq(stage.answer.check_reply.count, 0);
	ck_assert_uint_eq(stage.answer.check_reply.last, 2);
}
END_TEST

START_TEST(only_for_administrators)
{
	alloc(1);
	stage_prepare(&stage, CONTIG_MSG_CHECK);
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_DENIED);
	ck_assert_str_eq(stage.answer.error.text,
			 "guards are checked for administrators only, and uid "
			 "1000 is none (by default)");
	memcpy(stage.request.check.region, region->name, strlen(region->name));
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_DENIED);
	memcpy(stage.request.check.region, "nowhere", 8);
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_NO_REGION);
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_NO_REGION);
}
END_TEST

/* A region's own list replaces the daemon's: who is on one of the two sees what
 * that one is about. */
START_TEST(administrators_of_one_region)
{
	static uint32_t alices_uid = ALICE, bobs_uid = ALICE + 1;
	static const struct config_region section = {
		.kind = CONFIG_POOL,
		.name = (char *)"camera",
		.access.rights[CONFIG_ADMIN] = {.given = true,
						.line = 9,
						.uids = &alices_uid,
						.n_uids = 1},
	};
	struct config_principals *list =
		&stage.config.access.rights[CONFIG_ADMIN];

	alloc(1);
	region->section = &section;
	stage_prepare(&stage, CONTIG_MSG_CHECK);
	memcpy(stage.request.check.region, region->name, strlen(region->name));
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_WAITS);
	stage_wait_for(&stage, alice);
	request_finish(alice);
	stage_expect_reply(&stage);

	stage_prepare(&stage, CONTIG_MSG_CHECK); /* of all: not hers */
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	stage_expect_error(&stage, CONTIG_MSG_R_DENIED);
	*list = (struct config_principals){
		.given = true,
		.uids = &bobs_uid,
		.n_uids = 1,
	};
	alice->credentials.uid = bobs_uid;
	ck_assert_int_eq(stage_handle(&stage, alice), REQUEST_ANSWERED);
	alice->credentials.uid = ALICE;
	stage_expect_error(&stage, CONTIG_MSG_R_DENIED);
	ck_assert_ptr_nonnull(strstr(stage.answer.error.text,
				     "([pool camera] admin, configuration:9)"));
	*list = (struct config_principals){.given = false};
}
END_TEST

/* The client that asks goes; what it looks at stays until it is looked at. */
START_TEST(gone_during_a_check)
{
	alloc(2);
	fake_set_held(registry_find(&stage.lender->registry, 2)->object, false);
	guard_of(1)[0] ^= 1;
	stage_prepare(&stage, CONTIG_MSG_CHECK);
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_WAITS);
	stage.n_ready = 0;
	stage_disconnect(&admin);
	while (stage.lender->registry.n_buffers > 1 ||
	       region->damaged_guards == 0)
		ck_assert_int_eq(loop_turn(stage.loop, true), 0);
	ck_assert_int_eq(stage.n_ready, 0);
	ck_assert_uint_eq(registry_find(&stage.lender->registry, 1)->pins, 0);
}
END_TEST

/* The same with the check done and the answer not yet taken. */
START_TEST(gone_after_a_check)
{
	alloc(1);
	stage_prepare(&stage, CONTIG_MSG_CHECK);
	ck_assert_int_eq(stage_handle(&stage, admin), REQUEST_WAITS);
	while (!session_has_answer(admin))
		ck_assert_int_eq(loop_turn(stage.loop, true), 0);
	ck_assert_uint_eq(registry_find(&stage.lender->registry, 1)->pins, 1);
	stage_disconnect(&admin);
	ck_assert_uint_eq(registry_find(&stage.lender->registry, 1)->pins, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request_check");
	TCase *tcase = harness_case(suite, "request_check");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, nothing_is_wrong);
	tcase_add_test(tcase, damage_is_told_in_full_and_counted_once);
	tcase_add_test(tcase, made_up_addresses_are_not_told);
	tcase_add_test(tcase, pages_go_on_behind_the_last);
	tcase_add_test(tcase, unreadable_ones_are_counted_apart);
	tcase_add_test(tcase, only_for_administrators);
	tcase_add_test(tcase, administrators_of_one_region);
	tcase_add_test(tcase, gone_during_a_check);
	tcase_add_test(tcase, gone_after_a_check);
	return harness_run(suite);
}
