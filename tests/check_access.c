/* SPDX-License-Identifier: MIT */
#include "config/access.h"

#include <errno.h>

#include "tests/harness.h"

static int n_complaints;

static void count(void *data, const char *reason)
{
	(void)data;
	(void)reason;
	n_complaints++;
}

static int add(struct config_access *access, const char *key, const char *text,
	       unsigned int line)
{
	const struct config_list list = {
		.text = text,
		.line = line,
		.complain = count,
	};

	n_complaints = 0;
	return config_access_add(access, key, &list);
}

START_TEST(keys)
{
	struct config_access access = {0};

	ck_assert_int_eq(add(&access, "use", "1", 1), 0);
	ck_assert_int_eq(add(&access, "phys", "2", 2), 0);
	ck_assert_int_eq(add(&access, "admin", "3", 3), 0);
	ck_assert_int_eq(add(&access, "reserve", "4", 4), -ENOENT);
	ck_assert_int_eq(add(&access, "", "4", 4), -ENOENT);
	for (unsigned int i = 0; i < CONFIG_N_RIGHTS; i++) {
		ck_assert(access.rights[i].given);
		ck_assert_uint_eq(access.rights[i].line, i + 1);
		ck_assert_uint_eq(access.rights[i].n_uids, 1);
	}
	ck_assert_str_eq(config_right_name(CONFIG_USE), "use");
	ck_assert_str_eq(config_right_name(CONFIG_ADMIN), "admin");
	config_access_deinit(&access);
	ck_assert(!access.rights[CONFIG_USE].given);
}
END_TEST

START_TEST(lists_add_up_and_begin_with_the_first)
{
	struct config_access access = {0};

	ck_assert_int_eq(add(&access, "use", "1", 7), 0);
	ck_assert_int_eq(add(&access, "use", "2", 9), 0);
	ck_assert_uint_eq(access.rights[CONFIG_USE].n_uids, 2);
	ck_assert_uint_eq(access.rights[CONFIG_USE].line, 7);
	config_access_deinit(&access);
}
END_TEST

/* Neither an empty list nor a wrong one is the same as none. */
START_TEST(given_is_given)
{
	struct config_access access = {0};

	ck_assert(!access.rights[CONFIG_USE].given);
	ck_assert_int_eq(add(&access, "use", "", 1), 0);
	ck_assert(access.rights[CONFIG_USE].given);
	ck_assert_int_eq(n_complaints, 0);
	ck_assert_int_eq(add(&access, "phys", "no-such-user-here", 2), 0);
	ck_assert_int_eq(n_complaints, 1);
	ck_assert(access.rights[CONFIG_PHYS].given);
	ck_assert_uint_eq(access.rights[CONFIG_PHYS].n_uids, 0);
	config_access_deinit(&access);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("access");
	TCase *tcase = harness_case(suite, "access");

	tcase_add_test(tcase, keys);
	tcase_add_test(tcase, lists_add_up_and_begin_with_the_first);
	tcase_add_test(tcase, given_is_given);
	return harness_run(suite);
}
