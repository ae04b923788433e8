/* SPDX-License-Identifier: MIT */
#include "daemon/policy.h"

#include "config/principals.h"
#include "tests/harness.h"
#include "util/cleanup.h"

#define OWN_UID 990

static void refuse_complaint(void *data, const char *reason)
{
	(void)data;
	ck_abort_msg("%s", reason);
}

/* A configuration with these lists. */
static void make(struct configuration *config, const char *phys,
		 const char *admin)
{
	config_init(config);
	ck_assert_int_eq(config_principals_add(&config->phys, phys,
					       refuse_complaint, NULL),
			 0);
	ck_assert_int_eq(config_principals_add(&config->admin, admin,
					       refuse_complaint, NULL),
			 0);
}

/* "-", "p", "a" or "pa": the rights of somebody. */
static const char *rights(const struct configuration *config, uint32_t uid,
			  uint32_t gid, uint32_t group)
{
	static const char *const names[] = {"-", "p", "a", "pa"};
	const struct credentials somebody = {
		.uid = uid,
		.gid = gid,
		.groups = &group,
		.n_groups = 1,
	};
	struct policy policy;

	policy_init(&policy, config, OWN_UID);
	return names[policy_may_see_phys(&policy, &somebody) +
		     2 * policy_is_admin(&policy, &somebody)];
}

START_TEST(by_default)
{
	_cleanup_(config_deinit) struct configuration config;

	make(&config, "", "");
	ck_assert_str_eq(rights(&config, 0, 1, 1), "pa");
	ck_assert_str_eq(rights(&config, OWN_UID, 1, 1), "pa");
	ck_assert_str_eq(rights(&config, OWN_UID + 1, 0, 0), "-");
	ck_assert_str_eq(rights(&config, UINT32_MAX, OWN_UID, OWN_UID), "-");
}
END_TEST

START_TEST(by_lists)
{
	_cleanup_(config_deinit) struct configuration config;

	make(&config, "1000, @44", "1001, 1002, @27");
	ck_assert_str_eq(rights(&config, 1000, 1, 1), "p");
	ck_assert_str_eq(rights(&config, 1001, 1, 1), "a");
	ck_assert_str_eq(rights(&config, 1000, 27, 1), "pa");
	ck_assert_str_eq(rights(&config, 1002, 1, 44), "pa");
	ck_assert_str_eq(rights(&config, 1, 44, 1), "p");
	ck_assert_str_eq(rights(&config, 1, 1, 27), "a");
	ck_assert_str_eq(rights(&config, 44, 1000, 1001), "-");
	ck_assert_str_eq(rights(&config, 0, 1, 1), "pa");
}
END_TEST

START_TEST(everybody)
{
	_cleanup_(config_deinit) struct configuration config;

	make(&config, "*", "");
	ck_assert_str_eq(rights(&config, 4711, 1, 1), "p");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = harness_case(suite, "policy");

	tcase_add_test(tcase, by_default);
	tcase_add_test(tcase, by_lists);
	tcase_add_test(tcase, everybody);
	return harness_run(suite);
}
