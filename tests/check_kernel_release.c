/* SPDX-License-Identifier: MIT */
#include "daemon/kernel_release.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "tests/harness.h"

static const struct {
	const char *text;
	unsigned int major, minor, patch;
} good[] = {
	{"6.12.107+deb13-arm64", 6, 12, 107},
	{"6.1.0-13-amd64", 6, 1, 0},
	{"7.2.12", 7, 2, 12},
	{"6.18-rc2", 6, 18, 0},
	{"6.18", 6, 18, 0},
	{"5.10.160-v8+", 5, 10, 160},
	{"4.19.0_custom", 4, 19, 0},
	{"0.0.0", 0, 0, 0},
	{"65535.65535.65535", 65535, 65535, 65535},
};

static const struct {
	const char *text;
	int error;
} bad[] = {
	{"", -EINVAL},
	{"6", -EINVAL},
	{"6.", -EINVAL},
	{"6.1.", -EINVAL},
	{"6..1", -EINVAL},
	{".6.1", -EINVAL},
	{"v6.1", -EINVAL},
	{" 6.1", -EINVAL},
	{"-6.1", -EINVAL},
	{"6.-1", -EINVAL},
	{"6.1.2.3", -EINVAL},
	{"6-rc1", -EINVAL},
	{"65536.0", -ERANGE},
	{"6.1.65536", -ERANGE},
	{"6.99999999999999999999", -ERANGE},
};

START_TEST(reads_releases)
{
	struct kernel_release r;

	ck_assert_int_eq(kernel_release_parse(good[_i].text, &r), 0);
	ck_assert_uint_eq(r.major, good[_i].major);
	ck_assert_uint_eq(r.minor, good[_i].minor);
	ck_assert_uint_eq(r.patch, good[_i].patch);
}
END_TEST

START_TEST(refuses_what_is_none)
{
	struct kernel_release r = {1, 2, 3};

	ck_assert_msg(kernel_release_parse(bad[_i].text, &r) == bad[_i].error,
		      "%s", bad[_i].text);
	ck_assert_uint_eq(r.major, 1);
	ck_assert_uint_eq(r.minor, 2);
	ck_assert_uint_eq(r.patch, 3);
}
END_TEST

START_TEST(before_is_strict)
{
	const struct kernel_release r = {6, 12, 7};

	ck_assert(!kernel_release_before(&r, 6, 12, 7));
	ck_assert(kernel_release_before(&r, 6, 12, 8));
	ck_assert(!kernel_release_before(&r, 6, 12, 6));
	ck_assert(kernel_release_before(&r, 6, 13, 0));
	ck_assert(!kernel_release_before(&r, 6, 11, 99));
	ck_assert(kernel_release_before(&r, 7, 0, 0));
	ck_assert(!kernel_release_before(&r, 5, 99, 99));
}
END_TEST

START_TEST(reads_the_running_kernel)
{
	struct kernel_release r;
	struct utsname name;
	char head[64];

	ck_assert_int_eq(kernel_release_get(&r), 0);
	ck_assert_int_eq(uname(&name), 0);
	(void)snprintf(head, sizeof(head), "%u.%u", r.major, r.minor);
	ck_assert_int_eq(strncmp(name.release, head, strlen(head)), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_release");
	TCase *parse = harness_case(suite, "parse");
	TCase *compare = harness_case(suite, "compare");

	tcase_add_loop_test(parse, reads_releases, 0,
			    sizeof(good) / sizeof(*good));
	tcase_add_loop_test(parse, refuses_what_is_none, 0,
			    sizeof(bad) / sizeof(*bad));
	tcase_add_test(compare, before_is_strict);
	tcase_add_test(compare, reads_the_running_kernel);
	return harness_run(suite);
}
