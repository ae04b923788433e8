/* SPDX-License-Identifier: MIT */
#include "daemon/banner.h"

#include <stdio.h>
#include <string.h>

#include "daemon/session.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/lot.h"
#include "tests/stage.h"
#include "util/clock.h"

#define MIB (UINT64_C(1) << 20)

static struct stage stage;
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
	n_shown = 0;
	stage_init(&stage);
	stage_add_region(&stage, fake_region(&fake, 1, "test", 64 * MIB, true));
	ck_assert_int_eq(banner_new(&banner, stage.loop, &stage.service, show),
			 0);
}

static void after(void)
{
	banner = banner_free(banner);
	stage_deinit(&stage);
	fake_deinit(&fake);
}

static void wait_for_line(unsigned int n)
{
	while (n_shown < n)
		ck_assert_int_eq(loop_turn(stage.loop, true), 0);
	ck_assert_uint_eq(n_shown, n);
}

START_TEST(says_what_there_is)
{
	char text[BANNER_BYTES];
	struct session *one;

	banner_write(text, &stage.service);
	ck_assert_str_eq(text, "Serving 64M in 1 region: 0B lent in 0 buffers, "
			       "0 clients");
	one = stage_connect(&stage, 1);
	banner_write(text, &stage.service);
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
		some[i] = stage_connect(&stage, 1);
	ck_assert_uint_eq(n_shown, 0);
	wait_for_line(1);
	ck_assert_uint_ge(clock_ms() - start, BANNER_MS - 1);
	ck_assert_ptr_nonnull(strstr(shown, "8 clients"));

	(void)session_free(stage_connect(&stage, 1)); /* as before, in the end */
	for (size_t i = 0; i < 8; i++)
		some[i] = session_free(some[i]);
	some[0] = stage_connect(&stage, 1);
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
		registry_add(&stage.lender->registry, lot.buffers[i]);
	wait_for_line(1);
	ck_assert_ptr_nonnull(strstr(shown, "in 3 buffers,"));
	for (size_t i = 0; i < 3; i++)
		registry_remove(&stage.lender->registry, lot.buffers[i]);
	wait_for_line(2);
	ck_assert_ptr_nonnull(strstr(shown, "in 0 buffers,"));
	lot_deinit(&lot);
}
END_TEST

START_TEST(nobody_is_told_afterwards)
{
	banner = banner_free(banner);
	(void)session_free(stage_connect(&stage, 1));
	ck_assert_ptr_null(stage.service.changed);
	ck_assert_ptr_null(stage.lender->registry.changed);
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
