/* SPDX-License-Identifier: MIT */
#include "config/identity.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"

static struct config_identity identity;
static struct error why;

START_TEST(root_is_everywhere)
{
	const struct passwd *root = getpwuid(0);

	ck_assert_ptr_nonnull(root);
	identity = (struct config_identity){1, 1};
	ck_assert_int_eq(config_identity_find("0", &identity, &why), 0);
	ck_assert_uint_eq(identity.uid, 0);
	ck_assert_uint_eq(identity.gid, root->pw_gid);
	identity = (struct config_identity){1, 1};
	ck_assert_int_eq(config_identity_find(root->pw_name, &identity, &why),
			 0);
	ck_assert_uint_eq(identity.uid, 0);
	ck_assert_uint_eq(identity.gid, root->pw_gid);
}
END_TEST

START_TEST(every_user_by_name_and_number)
{
	const struct passwd *entry;
	char number[16];
	int n = 0;

	setpwent();
	while ((entry = getpwent()) && n++ < 20) {
		struct passwd copy = *entry;
		char name[64];

		(void)snprintf(name, sizeof(name), "%s", entry->pw_name);
		(void)snprintf(number, sizeof(number), "%u", copy.pw_uid);
		ck_assert_int_eq(config_identity_find(name, &identity, &why), 0);
		ck_assert_uint_eq(identity.uid, copy.pw_uid);
		ck_assert_uint_eq(identity.gid, copy.pw_gid);
		ck_assert_int_eq(config_identity_find(number, &identity, &why),
				 0);
		ck_assert_uint_eq(identity.uid, copy.pw_uid);
	}
	endpwent();
	ck_assert_int_gt(n, 0);
}
END_TEST

START_TEST(nobody_else)
{
	ck_assert_int_eq(config_identity_find("no-such-user", &identity, &why),
			 -ENOENT);
	ck_assert_str_eq(why.text, "there is no user 'no-such-user'");
	ck_assert_int_eq(config_identity_find("", &identity, &why), -ENOENT);
	ck_assert_int_eq(config_identity_find("12x", &identity, &why), -EINVAL);
	ck_assert_ptr_eq(strstr(why.text, "user: "), why.text);
	/* the highest number that could be one, and one beyond */
	ck_assert_int_eq(config_identity_find("4294967294", &identity, &why),
			 -ENOENT);
	ck_assert_int_eq(config_identity_find("4294967295", &identity, &why),
			 -ERANGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identity");
	TCase *tcase = harness_case(suite, "identity");

	tcase_add_test(tcase, root_is_everywhere);
	tcase_add_test(tcase, every_user_by_name_and_number);
	tcase_add_test(tcase, nobody_else);
	return harness_run(suite);
}
