/* SPDX-License-Identifier: MIT */
#include "daemon/session.h"

#include "daemon/entry.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/stage.h"

#define MIB (UINT64_C(1) << 20)

static struct stage stage;
static uint32_t camera_uid = 1000;

static void before(void)
{
	stage_init(&stage);
}

static void after(void)
{
	stage_deinit(&stage);
}

static struct session *connect_as(uint32_t uid)
{
	struct credentials credentials = {.uid = uid, .gid = 50, .pid = 7};
	struct session *session;

	ck_assert_int_eq(session_new_consume(&session, &stage.service,
					     &credentials, NULL, NULL),
			 0);
	return session;
}

START_TEST(ids_grow_and_are_not_used_again)
{
	struct session *a = connect_as(1), *b = connect_as(1), *c;

	ck_assert_uint_eq(a->id, 1);
	ck_assert_uint_eq(b->id, 2);
	ck_assert_uint_eq(stage.service.n_sessions, 2);
	ck_assert_ptr_null(session_free(b));
	c = connect_as(1);
	ck_assert_uint_eq(c->id, 3);
	ck_assert(!c->greeted && !c->waiting);
	(void)session_free(a);
	(void)session_free(c);
}
END_TEST

static bool may(const struct session *session, enum config_right right)
{
	return session_may(session, right, NULL);
}

START_TEST(rights_come_from_the_policy)
{
	struct config_principals *list =
		&stage.config.access.rights[CONFIG_PHYS];
	struct session *root = connect_as(0), *own = connect_as(999),
		       *camera = connect_as(1000);

	ck_assert(may(root, CONFIG_ADMIN) && may(root, CONFIG_PHYS));
	ck_assert(may(own, CONFIG_ADMIN) && may(own, CONFIG_PHYS));
	ck_assert(!may(camera, CONFIG_ADMIN) && !may(camera, CONFIG_PHYS));
	ck_assert(may(camera, CONFIG_USE));
	*list = (struct config_principals){
		.given = true,
		.uids = &camera_uid,
		.n_uids = 1,
	};
	ck_assert(!may(camera, CONFIG_ADMIN) && may(camera, CONFIG_PHYS));
	*list = (struct config_principals){.given = false};
	(void)session_free(root);
	(void)session_free(own);
	(void)session_free(camera);
}
END_TEST

START_TEST(its_buffers_survive_it)
{
	static struct fake fake;
	struct region *region = fake_region(&fake, 1, "r", MIB, true);
	struct session *session = connect_as(1000);
	const struct want want = {
		.run.size_bytes = 4096,
		.run.max_phys = UINT64_MAX,
		.count = 2,
	};
	struct loan *loan = loan_new(&want, &session->owner, NULL, NULL);
	struct contig_msg_client entry = {.id = 0};
	struct contig_msg_buffer shown = {.id = 0};
	struct loan_failure failure;

	stage_add_region(&stage, region);
	ck_assert_int_eq(
		loan_try(loan, region, &stage.lender->next_id, &failure), 0);
	for (size_t i = 0; i < 2; i++) {
		registry_add(&stage.lender->registry, loan->buffers[i]);
		reaper_add(&stage.lender->reaper, loan->buffers[i], 0);
	}
	entry_set_client(&entry, session, session->connected_ms + 5);
	ck_assert_uint_eq(entry.id, session->id);
	ck_assert_uint_eq(entry.connected_ms, 5);
	ck_assert_uint_eq(entry.buffers, 2);
	ck_assert_uint_eq(entry.bytes, 8192);
	ck_assert_uint_eq(entry.pid, 7);
	ck_assert_uint_eq(entry.uid, 1000);
	ck_assert_uint_eq(entry.gid, 50);
	entry_set_buffer(&shown, loan->buffers[1], session);
	ck_assert_uint_eq(shown.state, CONTIG_MSG_LENT);
	ck_assert_uint_eq(shown.owner_uid, 1000);

	(void)session_free(session);
	ck_assert_uint_eq(stage.lender->registry.n_buffers, 2);
	ck_assert_uint_eq(region->draining_bytes, 8192);
	session = connect_as(1001);
	entry_set_buffer(&shown, loan->buffers[1], session);
	ck_assert_uint_eq(shown.state, CONTIG_MSG_DRAINING);
	ck_assert_uint_eq(shown.owner_uid, 1000);
	(void)session_free(session);
	(void)loan_free(loan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = harness_case(suite, "session");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, ids_grow_and_are_not_used_again);
	tcase_add_test(tcase, rights_come_from_the_policy);
	tcase_add_test(tcase, its_buffers_survive_it);
	return harness_run(suite);
}
