/* SPDX-License-Identifier: MIT */
#include "config/quotas.h"

#include <errno.h>

#include "tests/harness.h"

static struct configuration config;
static struct error why;

static int append(const char *name, unsigned int line)
{
	return config_quota_append(&config, name, line, &why);
}

static int set(const char *key, const char *value, unsigned int line)
{
	return config_quota_set(&config, key, value, line, &why);
}

/* The value that limits somebody; UINT64_MAX - 1: nothing is said. */
static uint64_t find(enum config_limit limit, uint32_t uid, uint32_t gid,
		     bool by_name_only)
{
	const struct config_subject subject = {
		.uid = uid,
		.gid = gid,
		.by_name_only = by_name_only,
	};
	const struct config_quota *quota =
		config_find_quota(&config, limit, &subject);

	return quota ? quota->limits[limit].value : UINT64_MAX - 1;
}

static void before(void)
{
	config_init(&config);
}

static void after(void)
{
	config_deinit(&config);
}

START_TEST(nothing_is_limited_at_first)
{
	ck_assert_uint_eq(find(CONFIG_BYTES, 1, 1, false), UINT64_MAX - 1);
	ck_assert_int_eq(append("*", 1), 0);
	ck_assert_uint_eq(find(CONFIG_BYTES, 1, 1, false), UINT64_MAX - 1);
	ck_assert_uint_eq(find(CONFIG_CONNECTIONS, 1, 1, false), UINT64_MAX - 1);
}
END_TEST

START_TEST(values)
{
	ck_assert_int_eq(append("*", 1), 0);
	ck_assert_int_eq(set("bytes", "64M", 2), 0);
	ck_assert_int_eq(set("buffers", "100", 3), 0);
	ck_assert_int_eq(set("connections", "unlimited", 4), 0);
	ck_assert_uint_eq(find(CONFIG_BYTES, 1, 1, false), 64 << 20);
	ck_assert_uint_eq(find(CONFIG_BUFFERS, 1, 1, false), 100);
	ck_assert_uint_eq(find(CONFIG_CONNECTIONS, 1, 1, false),
			  CONFIG_UNLIMITED);
	ck_assert_uint_eq(config.quotas[0].limits[CONFIG_BUFFERS].line, 3);
	ck_assert_int_eq(set("bytes", "1", 5), -EEXIST);
	ck_assert_str_eq(why.text, "bytes is given twice");
	ck_assert_int_eq(set("byte", "1", 5), -ENOENT);
	ck_assert_str_eq(why.text, "unknown key 'byte'");
	ck_assert_str_eq(config_limit_name(CONFIG_CONNECTIONS), "connections");
}
END_TEST

/* A mistake must not be how somebody gets more than was meant. */
START_TEST(wrong_values_limit_to_nothing)
{
	ck_assert_int_eq(append("*", 1), 0);
	ck_assert_int_eq(set("bytes", "64X", 2), -EINVAL);
	ck_assert_str_eq(why.text,
			 "bytes is 0 now: '64X' is not a size: a number, "
			 "optionally with K, M, G, T or P, is");
	ck_assert_int_eq(set("buffers", "1M", 3), -EINVAL);
	ck_assert_int_eq(set("connections", "-1", 4), -EINVAL);
	ck_assert_uint_eq(find(CONFIG_BYTES, 1, 1, false), 0);
	ck_assert_uint_eq(find(CONFIG_BUFFERS, 1, 1, false), 0);
	ck_assert_uint_eq(find(CONFIG_CONNECTIONS, 1, 1, false), 0);
}
END_TEST

START_TEST(names)
{
	ck_assert_int_eq(append("", 1), -EINVAL);
	ck_assert_int_eq(append("@", 1), -EINVAL);
	ck_assert_str_eq(why.text, "the name is missing");
	ck_assert_int_eq(append("no-such-user-here", 1), -ENOENT);
	ck_assert_int_eq(append("@no-such-group-here", 1), -ENOENT);
	ck_assert_int_eq(append("4294967295", 1), -ERANGE);
	ck_assert_uint_eq(config.n_quotas, 0);
	ck_assert_int_eq(append("root", 1), 0);
	ck_assert_int_eq(append("@root", 2), 0);
	ck_assert_int_eq(append("*", 3), 0);
	ck_assert_int_eq(append("0", 4), -EEXIST);
	ck_assert_str_eq(why.text,
			 "there is a quota of '0' already, from line 1");
	ck_assert_int_eq(append("@0", 4), -EEXIST);
	ck_assert_int_eq(append("*", 4), -EEXIST);
	ck_assert_uint_eq(config.n_quotas, 3);
}
END_TEST

START_TEST(order)
{
	ck_assert_int_eq(append("*", 1), 0);
	ck_assert_int_eq(set("bytes", "1", 2), 0);
	ck_assert_int_eq(set("buffers", "1", 2), 0);
	ck_assert_int_eq(append("@44", 3), 0);
	ck_assert_int_eq(set("bytes", "2", 4), 0);
	ck_assert_int_eq(append("1000", 5), 0);
	ck_assert_int_eq(set("bytes", "3", 6), 0);
	ck_assert_uint_eq(find(CONFIG_BYTES, 1000, 44, false), 3);
	ck_assert_uint_eq(find(CONFIG_BYTES, 1001, 44, false), 2);
	ck_assert_uint_eq(find(CONFIG_BYTES, 1001, 45, false), 1);
	ck_assert_uint_eq(find(CONFIG_BUFFERS, 1000, 44, false), 1);
	ck_assert_uint_eq(find(CONFIG_BYTES, 1000, 44, true), 3);
	ck_assert_uint_eq(find(CONFIG_BYTES, 1001, 44, true), UINT64_MAX - 1);
	ck_assert_uint_eq(find(CONFIG_BUFFERS, 1000, 44, true), UINT64_MAX - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quotas");
	TCase *tcase = harness_case(suite, "quotas");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, nothing_is_limited_at_first);
	tcase_add_test(tcase, values);
	tcase_add_test(tcase, wrong_values_limit_to_nothing);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, order);
	return harness_run(suite);
}
