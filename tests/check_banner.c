/* SPDX-License-Identifier: MIT */
#include "daemon/banner.h"

#include <stdio.h>
#include <string.h>

#include "daemon/session.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/lot.h"
#include "util/clock.h"
#include "util/log.h"

#define MIB (UINT64_C(1) << 20)

static struct loop *loop;
static struct lender *lender;
static struct configuration config;
static struct policy policy;
static struct service service;
static struct banner *banner;
static struct fake fake;
static char shown[BANNER_BYTES];
static unsigned int n_shown;

static void show(const char *text)
{
	(void)snprintf(shown, sizeof(shown), "%s", text);
	n_shown++;
}

static void before(void)
{
	log_set_level(0);
	n_shown = 0;
	config_init(&config);
	policy_init(&policy, &config, 999);
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(lender_new(&lender, loop), 0);
	service_init(&service, lender, &policy);
	ck_assert_int_eq(
		lender_add_region_consume(
			lender, fake_region(&fake, 1, "test", 64 * MIB, true)),
		0);
	ck_assert_int_eq(banner_new(&banner, loop, &service, show), 0);
}

static void after(void)
{
	banner = banner_free(banner);
	lender = lender_free(lender);
	loop = loop_free(loop);
	fake_deinit(&fake);
}

static struct session *connect_as(uint32_t uid)
{
	struct credentials credentials = {.uid = uid, .gid = 50, .pid = 7};
	struct session *session;

	ck_assert_int_eq(session_new_consume(&session, &service, &credentials,
					     NULL, NULL),
			 0);
	return session;
}

static void wait_for_line(unsigned int n)
{
	while (n_shown < n)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert_uint_eq(n_shown, n);
}

START_TEST(says_what_there_is)
{
	char text[BANNER_BYTES];
	struct session *one;

	banner_write(text, &service);
	ck_assert_str_eq(text, "Serving 64M in 1 region: 0B lent in 0 buffers, "
			       "0 clients");
	one = connect_as(1);
	banner_write(text, &service);
	ck_assert_str_eq(text, "Serving 64M in 1 region: 0B lent in 0 buffers, "
			       "1 client");
	(void)session_free(one);
	ck_assert_uint_eq(n_shown, 0); /* not by being asked */
}
END_TEST

/* Many changes are one line, and none at all where they cancel out. */
START_TEST(changes_are_gathered)
{
	uint64_t start = clock_ms();
	struct session *some[8];

	for (size_t i = 0; i < 8; i++)
		some[i] = connect_as(1);
	ck_assert_uint_eq(n_shown, 0);
	wait_for_line(1);
	ck_assert_uint_ge(clock_ms() - start, BANNER_MS - 1);
	ck_assert_ptr_nonnull(strstr(shown, "8 clients"));

	(void)session_free(connect_as(1)); /* as before, in the end */
	for (size_t i = 0; i < 8; i++)
		some[i] = session_free(some[i]);
	some[0] = connect_as(1);
	wait_for_line(2);
	ck_assert_ptr_nonnull(strstr(shown, "1 client"));
	(void)session_free(some[0]);
	wait_for_line(3);
}
END_TEST

START_TEST(buffers_change_it_too)
{
	struct lot lot;

	lot_init(&lot, 3);
	for (size_t i = 0; i < 3; i++)
		registry_add(&lender->registry, lot.buffers[i]);
	wait_for_line(1);
	ck_assert_ptr_nonnull(strstr(shown, "in 3 buffers,"));
	for (size_t i = 0; i < 3; i++)
		registry_remove(&lender->registry, lot.buffers[i]);
	wait_for_line(2);
	ck_assert_ptr_nonnull(strstr(shown, "in 0 buffers,"));
	lot_deinit(&lot);
}
END_TEST

START_TEST(nobody_is_told_afterwards)
{
	banner = banner_free(banner);
	(void)session_free(connect_as(1));
	ck_assert_ptr_null(service.changed);
	ck_assert_ptr_null(lender->registry.changed);
	ck_assert_uint_eq(n_shown, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("banner");
	TCase *tcase = harness_case(suite, "banner");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, says_what_there_is);
	tcase_add_test(tcase, changes_are_gathered);
	tcase_add_test(tcase, buffers_change_it_too);
	tcase_add_test(tcase, nobody_is_told_afterwards);
	return harness_run(suite);
}
