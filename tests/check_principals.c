/* SPDX-License-Identifier: MIT */
#include "config/principals.h"

#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "util/cleanup.h"

#define _cleanup_principals_ _cleanup_(config_principals_deinit)

static void append_complaint(void *data, const char *reason)
{
	char *text = data;

	(void)strcat(strcat(text, reason), "\n");
}

/* Adds a list; the complaints must be these. */
static void add(struct config_principals *principals, const char *list,
		const char *complaints)
{
	char text[1024] = "";
	const struct config_list written = {
		.text = list,
		.complain = append_complaint,
		.data = text,
	};

	ck_assert_int_eq(config_principals_add(principals, &written), 0);
	ck_assert_str_eq(text, complaints);
}

static bool match(const struct config_principals *principals, uint32_t uid,
		  uint32_t gid)
{
	return config_principals_match(principals, uid, gid, NULL, 0);
}

START_TEST(nobody)
{
	_cleanup_principals_ struct config_principals none = {0};

	ck_assert(!match(&none, 0, 0));
	add(&none, "", "");
	add(&none, " \t ", "");
	ck_assert(!match(&none, 0, 0));
	ck_assert_uint_eq(none.n_uids + none.n_gids, 0);
}
END_TEST

START_TEST(numbers)
{
	_cleanup_principals_ struct config_principals some = {0};
	const uint32_t groups[] = {5, 44, 60};

	add(&some, "1000, 0x10 ,@44", "");
	add(&some, "4294967294", "");
	ck_assert(match(&some, 1000, 1));
	ck_assert(match(&some, 16, 1));
	ck_assert(match(&some, UINT32_MAX - 1, 1));
	ck_assert(match(&some, 1, 44));
	ck_assert(!match(&some, 1001, 1));
	ck_assert(!match(&some, 44, 1000)); /* a uid is no gid */
	ck_assert(config_principals_match(&some, 1, 1, groups, 3));
	ck_assert(config_principals_match(&some, 1, 1, groups, 2));
	ck_assert(!config_principals_match(&some, 1, 1, groups, 1));
	ck_assert(config_principals_match(&some, 1, 1, groups + 1, 1));
	ck_assert(config_principals_match(&some, 1, 1, groups + 1, 2));
	ck_assert(!config_principals_match(&some, 1, 1, groups + 2, 1));
	ck_assert_uint_eq(some.n_uids, 3);
	ck_assert_uint_eq(some.n_gids, 1);
}
END_TEST

START_TEST(names)
{
	_cleanup_principals_ struct config_principals root = {0};

	add(&root, "root", "");
	ck_assert(match(&root, 0, 1));
	ck_assert(!match(&root, 1, 0));
	add(&root, "@root", "");
	ck_assert(match(&root, 1, 0));
}
END_TEST

START_TEST(everybody)
{
	_cleanup_principals_ struct config_principals all = {0};

	add(&all, "1, *", "");
	ck_assert(all.everybody);
	ck_assert(match(&all, 4711, 4711));
}
END_TEST

START_TEST(wrong_entries)
{
	_cleanup_principals_ struct config_principals some = {0};

	add(&some, "no-such-user-here,7,,@no-such-group-here,@,",
	    "there is no user 'no-such-user-here'\n"
	    "an entry of the list is empty\n"
	    "there is no group 'no-such-group-here'\n"
	    "an entry of the list is empty\n"
	    "an entry of the list is empty\n");
	add(&some, "4294967295", "user: '4294967295' is more than 4294967294\n");
	add(&some, "@4294967295",
	    "group: '4294967295' is more than 4294967294\n");
	add(&some, "1 2", "user: '1 2' is not a number\n");
	add(&some, "**", "there is no user '**'\n");
	ck_assert(!some.everybody);
	ck_assert_uint_eq(some.n_uids, 1);
	ck_assert_uint_eq(some.n_gids, 0);
	ck_assert(match(&some, 7, 1));
	config_principals_deinit(&some);
	ck_assert(!match(&some, 7, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("principals");
	TCase *tcase = harness_case(suite, "principals");

	tcase_add_test(tcase, nobody);
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, everybody);
	tcase_add_test(tcase, wrong_entries);
	return harness_run(suite);
}
