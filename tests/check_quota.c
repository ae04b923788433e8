/* SPDX-License-Identifier: MIT */
#include "daemon/quota.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"
#include "tests/rules.h"

#define MIB (UINT64_C(1) << 20)

static struct rules rules;
static struct account account;
static struct error why;

static void make(const char *text)
{
	rules_init(&rules, text);
	account = (struct account){.uid = 1000};
}

static int check_as(uint32_t uid, uint32_t group, uint64_t bytes,
		    uint64_t buffers, uint64_t connections)
{
	const struct credentials who = {
		.uid = uid,
		.gid = 1,
		.groups = &group,
		.n_groups = 1,
	};
	const struct quota_charge charge = {bytes, buffers, connections};

	why.text[0] = '\0';
	return quota_check(&rules.policy, &who, &account, &charge, &why);
}

static int check(uint64_t bytes, uint64_t buffers, uint64_t connections)
{
	return check_as(1000, 1, bytes, buffers, connections);
}

START_TEST(no_quota_no_limit)
{
	make("");
	account.bytes = UINT64_MAX - 1;
	ck_assert_int_eq(check(UINT64_MAX, UINT64_MAX, UINT64_MAX), 0);
	ck_assert_str_eq(why.text, "");
	rules_deinit(&rules);
}
END_TEST

START_TEST(bytes_up_to_the_limit_and_one_beyond)
{
	make("[quota *]\n\nbytes = 64M\n");
	account.bytes = 60 * MIB;
	ck_assert_int_eq(check(4 * MIB, 1, 0), 0);
	ck_assert_int_eq(check(4 * MIB + 1, 1, 0), QUOTA_E_FULL);
	account.bytes = 0;
	ck_assert_int_eq(check(64 * MIB, 1, 0), 0);
	ck_assert_int_eq(check(64 * MIB + 1, 1, 0), QUOTA_E_NEVER);
	account.bytes = 60 * MIB;
	ck_assert_int_eq(check(UINT64_MAX, 1, 0), QUOTA_E_NEVER);
	ck_assert_int_eq(check(8 * MIB, 1, 0), QUOTA_E_FULL);
	ck_assert_str_eq(why.text, "quota of uid 1000 ([quota *] bytes, f:3): "
				   "60M of 64M in use, 8M requested");
	account.draining_bytes = 3 * MIB;
	ck_assert_int_eq(check(8 * MIB, 1, 0), QUOTA_E_FULL);
	ck_assert_str_eq(why.text, "quota of uid 1000 ([quota *] bytes, f:3): "
				   "60M of 64M in use, 8M requested; 3M "
				   "draining");
	rules_deinit(&rules);
}
END_TEST

START_TEST(buffers_up_to_the_limit_and_one_beyond)
{
	make("[quota *]\nbuffers = 10\n");
	account.n_buffers = 7;
	ck_assert_int_eq(check(UINT64_MAX, 3, 0), 0);
	ck_assert_int_eq(check(1, 4, 0), QUOTA_E_FULL);
	ck_assert_str_eq(why.text,
			 "quota of uid 1000 ([quota *] buffers, f:2): 7 of 10 "
			 "buffers in use, 4 requested");
	ck_assert_int_eq(check(1, 11, 0), QUOTA_E_NEVER);
	rules_deinit(&rules);
}
END_TEST

START_TEST(connections_up_to_the_limit_and_one_beyond)
{
	const struct credentials who = {.uid = 1000};
	const struct quota_charge one = {.connections = 1};

	make("[quota *]\nconnections = 1\nbytes = 0\n");
	ck_assert_int_eq(check(0, 0, 1), 0);
	ck_assert_int_eq(quota_check(&rules.policy, &who, NULL, &one, NULL), 0);
	account.n_clients = 1;
	ck_assert_int_eq(check(0, 0, 1), QUOTA_E_FULL);
	ck_assert_str_eq(why.text,
			 "quota of uid 1000 ([quota *] connections, f:2): 1 of "
			 "1 connection in use, 1 requested");
	ck_assert_int_eq(check(1, 1, 0), QUOTA_E_NEVER);
	rules_deinit(&rules);
}
END_TEST

/* More may be in use than a new configuration allows. */
START_TEST(beyond_the_limit_already)
{
	make("[quota *]\nbytes = 1M\n");
	account.bytes = 2 * MIB;
	ck_assert_int_eq(check(1, 1, 0), QUOTA_E_FULL);
	ck_assert_int_eq(check(0, 1, 0), 0);
	rules_deinit(&rules);
}
END_TEST

/* Limit by limit: user, then the first group of the file, then each. */
START_TEST(the_closest_section_decides)
{
	make("[quota *]\nbytes = 1\nbuffers = 1\nconnections = 1\n"
	     "[quota @44]\nbytes = 2\nbuffers = 2\n"
	     "[quota @1]\nbuffers = 9\n"
	     "[quota 1000]\nbytes = 3\n");
	ck_assert_int_eq(check_as(1000, 44, 3, 2, 1), 0);
	ck_assert_int_eq(check_as(1000, 44, 4, 2, 1), QUOTA_E_NEVER);
	ck_assert_ptr_nonnull(strstr(why.text, "([quota 1000] bytes, f:11)"));
	ck_assert_int_eq(check_as(1000, 44, 3, 3, 1), QUOTA_E_NEVER);
	ck_assert_ptr_nonnull(strstr(why.text, "([quota @44] buffers, f:7)"));
	ck_assert_int_eq(check_as(1000, 44, 3, 2, 2), QUOTA_E_NEVER);
	ck_assert_ptr_nonnull(strstr(why.text, "([quota *] connections, f:4)"));
	ck_assert_int_eq(check_as(1001, 44, 2, 2, 1), 0);
	ck_assert_int_eq(check_as(1001, 44, 3, 2, 1), QUOTA_E_NEVER);
	ck_assert_int_eq(check_as(1001, 45, 1, 9, 1), 0); /* its gid is 1 */
	ck_assert_int_eq(check_as(1001, 45, 1, 10, 1), QUOTA_E_NEVER);
	ck_assert_int_eq(check_as(1001, 45, 2, 9, 1), QUOTA_E_NEVER);
	rules_deinit(&rules);
}
END_TEST

START_TEST(a_section_can_lift_a_limit)
{
	make("[quota *]\nbytes = 0\n[quota 1000]\nbytes = unlimited\n");
	ck_assert_int_eq(check(UINT64_MAX, 1, 0), 0);
	ck_assert_int_eq(check_as(1001, 1, 1, 1, 0), QUOTA_E_NEVER);
	rules_deinit(&rules);
}
END_TEST

/* The operator is not locked out, unless he says so by name. */
START_TEST(root_and_the_daemon_are_bound_by_name_alone)
{
	make("[quota *]\nbytes = 0\nconnections = 0\n[quota @1]\nbuffers = 0\n"
	     "[quota 0]\nconnections = 5\n");
	ck_assert_int_eq(check_as(0, 1, 1, 1, 5), 0);
	ck_assert_int_eq(check_as(0, 1, 1, 1, 6), QUOTA_E_NEVER);
	ck_assert_int_eq(check_as(RULES_OWN_UID, 1, 1, 1, 6), 0);
	ck_assert_int_eq(check_as(1000, 1, 1, 0, 0), QUOTA_E_NEVER);
	rules_deinit(&rules);
}
END_TEST

/* The one that no waiting can meet is told. */
START_TEST(the_worst_is_told)
{
	make("[quota *]\nbytes = 10\nbuffers = 10\n");
	account.bytes = 10;
	ck_assert_int_eq(check(1, 11, 0), QUOTA_E_NEVER);
	ck_assert_ptr_nonnull(strstr(why.text, "11 requested"));
	rules_deinit(&rules);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quota");
	TCase *tcase = harness_case(suite, "quota");

	tcase_add_test(tcase, no_quota_no_limit);
	tcase_add_test(tcase, bytes_up_to_the_limit_and_one_beyond);
	tcase_add_test(tcase, buffers_up_to_the_limit_and_one_beyond);
	tcase_add_test(tcase, connections_up_to_the_limit_and_one_beyond);
	tcase_add_test(tcase, beyond_the_limit_already);
	tcase_add_test(tcase, the_closest_section_decides);
	tcase_add_test(tcase, a_section_can_lift_a_limit);
	tcase_add_test(tcase, root_and_the_daemon_are_bound_by_name_alone);
	tcase_add_test(tcase, the_worst_is_told);
	return harness_run(suite);
}
