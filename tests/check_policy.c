/* SPDX-License-Identifier: MIT */
#include "daemon/policy.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/rules.h"

#define MIB (UINT64_C(1) << 20)

static struct rules rules;
static struct fake fake;
static struct region *region; /* of the section [region camera], or NULL */

/* A daemon with this configuration, in a file called "f". */
static void make(const char *text)
{
	rules_init(&rules, text);
	region = fake_region(&fake, 1, "camera", MIB, true);
	region->section = config_find_region(&rules.config, "camera");
}

static void done(void)
{
	(void)region_free(region);
	fake_deinit(&fake);
	rules_deinit(&rules);
}

/* "upa" or those of them that somebody has. */
static const char *rights(const struct region *where, uint32_t uid,
			  uint32_t gid, uint32_t group)
{
	static char names[4];
	const struct credentials somebody = {
		.uid = uid,
		.gid = gid,
		.groups = &group,
		.n_groups = 1,
	};
	size_t n = 0;

	if (policy_allows(&rules.policy, CONFIG_USE, where, &somebody))
		names[n++] = 'u';
	if (policy_allows(&rules.policy, CONFIG_PHYS, where, &somebody))
		names[n++] = 'p';
	if (policy_allows(&rules.policy, CONFIG_ADMIN, where, &somebody))
		names[n++] = 'a';
	names[n] = '\0';
	return names;
}

START_TEST(by_default)
{
	make("");
	ck_assert_str_eq(rights(NULL, 0, 1, 1), "upa");
	ck_assert_str_eq(rights(NULL, RULES_OWN_UID, 1, 1), "upa");
	ck_assert_str_eq(rights(NULL, RULES_OWN_UID + 1, 0, 0), "u");
	ck_assert_str_eq(
		rights(region, UINT32_MAX, RULES_OWN_UID, RULES_OWN_UID), "u");
	done();
}
END_TEST

START_TEST(by_lists)
{
	make("[access]\nphys = 1000, @44\nadmin = 1001, 1002, @27\nuse = 1000,"
	     "@27\n");
	ck_assert_str_eq(rights(NULL, 1000, 1, 1), "up");
	ck_assert_str_eq(rights(NULL, 1001, 1, 1), "a");
	ck_assert_str_eq(rights(NULL, 1000, 27, 1), "upa");
	ck_assert_str_eq(rights(NULL, 1002, 1, 44), "pa");
	ck_assert_str_eq(rights(NULL, 1, 44, 1), "p");
	ck_assert_str_eq(rights(NULL, 1, 1, 27), "ua");
	ck_assert_str_eq(rights(NULL, 44, 1000, 1001), "");
	ck_assert_str_eq(rights(NULL, 0, 1, 1), "upa");
	ck_assert_str_eq(rights(region, 1000, 1, 1), "up"); /* has no section */
	done();
}
END_TEST

START_TEST(everybody)
{
	make("[access]\nphys = *\n");
	ck_assert_str_eq(rights(NULL, 4711, 1, 1), "up");
	done();
}
END_TEST

/* Right by right: where the region has a list, it alone counts. */
START_TEST(a_region_s_list_replaces_the_daemon_s)
{
	make("[access]\nphys = 1000\nadmin = 1001\n"
	     "[region camera]\nuse = 1002\nphys = @44\nphys = 1003\n");
	ck_assert_str_eq(rights(NULL, 1000, 1, 1), "up");
	ck_assert_str_eq(rights(region, 1000, 1, 1), "");
	ck_assert_str_eq(rights(region, 1001, 1, 1), "a");
	ck_assert_str_eq(rights(region, 1002, 1, 1), "u");
	ck_assert_str_eq(rights(region, 1002, 1, 44), "up");
	ck_assert_str_eq(rights(region, 1003, 1, 1), "p");
	ck_assert_str_eq(rights(NULL, 1002, 1, 44), "u");
	ck_assert_str_eq(rights(region, 0, 1, 1), "upa");
	ck_assert_str_eq(rights(region, RULES_OWN_UID, 1, 1), "upa");
	done();
}
END_TEST

/* An empty list is a list. */
START_TEST(nobody)
{
	make("[region camera]\nuse =\n");
	ck_assert_str_eq(rights(region, 1000, 1, 1), "");
	ck_assert_str_eq(rights(NULL, 1000, 1, 1), "u");
	ck_assert_str_eq(rights(region, 0, 1, 1), "upa");
	done();
}
END_TEST

START_TEST(a_region_opens_what_the_daemon_closes)
{
	make("[access]\nuse = 1\n[region camera]\nuse = *\n");
	ck_assert_str_eq(rights(region, 1000, 1, 1), "u");
	ck_assert_str_eq(rights(NULL, 1000, 1, 1), "");
	done();
}
END_TEST

START_TEST(rules_have_a_place)
{
	char rule[POLICY_RULE_BYTES];

	make("[access]\nphys = 1\n\n[region camera]\nnode = x\nuse = 1\n");
	ck_assert_str_eq(policy_rule(&rules.policy, rule, CONFIG_USE, region),
			 "[region camera] use, f:6");
	ck_assert_str_eq(policy_rule(&rules.policy, rule, CONFIG_PHYS, region),
			 "[access] phys, f:2");
	ck_assert_str_eq(policy_rule(&rules.policy, rule, CONFIG_ADMIN, region),
			 "by default");
	ck_assert_str_eq(policy_rule(&rules.policy, rule, CONFIG_USE, NULL),
			 "by default");
	done();
}
END_TEST

START_TEST(reservations_of_others_are_named)
{
	const struct credentials camera = {.uid = 1000, .gid = 1};
	const struct credentials other = {.uid = 1001, .gid = 1};
	const struct run segment = {FAKE_BASE, MIB};
	struct refusal refusal;
	struct region *cut;
	struct fake second;

	make("[region camera]\nreserve = 1000:256K\n\nreserve = @44:4K\n");
	fake_init(&second, &segment, 1, true);
	ck_assert_int_eq(region_new_consume(&cut,
					    &(struct region_spec){
						    .name = "cut",
						    .granule_bytes = 4096,
						    .section = region->section,
						    .ticketp = &second.ticket,
					    },
					    &second.memory, NULL),
			 0);
	refusal_set(&refusal, 1, "no");
	policy_name_reservations(&rules.policy, region, &other, &refusal);
	ck_assert_str_eq(refusal.text, "no");
	policy_name_reservations(&rules.policy, cut, &camera, &refusal);
	ck_assert_str_eq(refusal.text, "no; 4K reserved for @44 (f:4)");
	refusal_set(&refusal, 1, "no");
	policy_name_reservations(&rules.policy, cut, &other, &refusal);
	ck_assert_str_eq(refusal.text, "no; 260K reserved for others (f:2)");
	(void)region_free(cut);
	fake_deinit(&second);
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = harness_case(suite, "policy");

	tcase_add_test(tcase, by_default);
	tcase_add_test(tcase, by_lists);
	tcase_add_test(tcase, everybody);
	tcase_add_test(tcase, a_region_s_list_replaces_the_daemon_s);
	tcase_add_test(tcase, nobody);
	tcase_add_test(tcase, a_region_opens_what_the_daemon_closes);
	tcase_add_test(tcase, rules_have_a_place);
	tcase_add_test(tcase, reservations_of_others_are_named);
	return harness_run(suite);
}
