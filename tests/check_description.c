/* SPDX-License-Identifier: MIT */
#include "config/description.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "util/cleanup.h"

#define _cleanup_region_ _cleanup_(config_region_deinit)

static struct config_region make(enum config_kind kind)
{
	struct config_region region;

	ck_assert_int_eq(config_region_init(&region, kind, "r", 7, NULL), 0);
	return region;
}

#define ck_assert_set(region, key, value, expected)                          \
	do {                                                                 \
		struct error why_ = ERROR_INIT;                              \
		int r_ = config_region_set((region), (key), (value), &why_); \
		ck_assert_msg(r_ == (expected), "%s = %s: %d (%s)", (key),   \
			      (value), r_, why_.text);                       \
		ck_assert_int_eq(r_ < 0, why_.text[0] != '\0');              \
	} while (0)

START_TEST(names)
{
	char name[CONFIG_NAME_BYTES + 1];

	memset(name, 'x', sizeof(name));
	name[CONFIG_NAME_BYTES] = '\0';
	ck_assert_int_eq(config_name_check(name, NULL), -EINVAL);
	name[CONFIG_NAME_BYTES - 1] = '\0';
	ck_assert_int_eq(config_name_check(name, NULL), 0);
	ck_assert_int_eq(config_name_check("", NULL), -EINVAL);
	ck_assert_int_eq(config_name_check("!~", NULL), 0);
	ck_assert_int_eq(config_name_check("a b", NULL), -EINVAL);
	ck_assert_int_eq(config_name_check("a\x7f", NULL), -EINVAL);
	ck_assert_int_eq(config_name_check("a\x80", NULL), -EINVAL);
	ck_assert_int_eq(config_name_check("\n", NULL), -EINVAL);
}
END_TEST

START_TEST(defaults)
{
	_cleanup_region_ struct config_region region = make(CONFIG_REGION);
	_cleanup_region_ struct config_region pool = make(CONFIG_POOL);
	_cleanup_region_ struct config_region bad = {.name = NULL};

	ck_assert_str_eq(region.name, "r");
	ck_assert_uint_eq(region.line, 7);
	ck_assert(region.adopt);
	ck_assert_ptr_null(region.node);
	ck_assert_ptr_null(region.backend);
	ck_assert_uint_eq(region.granule_bytes, 0);
	ck_assert_int_eq(config_region_check(&region, NULL), 0);
	ck_assert_uint_eq(pool.page_bytes, 2 << 20);
	ck_assert_int_eq(config_region_check(&pool, NULL), -EINVAL);
	ck_assert_int_eq(config_region_init(&bad, CONFIG_POOL, "", 1, NULL),
			 -EINVAL);
	ck_assert_ptr_null(bad.name);
}
END_TEST

START_TEST(region_keys)
{
	_cleanup_region_ struct config_region region = make(CONFIG_REGION);

	ck_assert_set(&region, "node", "", -EINVAL);
	ck_assert_set(&region, "node", "n", -EEXIST); /* even after a bad one */
	ck_assert_set(&region, "backend", "dma_heap", 0);
	ck_assert_set(&region, "adopt", "no", 0);
	ck_assert_set(&region, "size", "4K", -ENOENT);
	ck_assert_set(&region, "page-size", "4K", -ENOENT);
	ck_assert_set(&region, "", "", -ENOENT);
	ck_assert_str_eq(region.backend, "dma_heap");
	ck_assert(!region.adopt);
}
END_TEST

START_TEST(powers_of_two)
{
	static const struct {
		const char *text;
		int r;
		uint64_t bytes;
	} cases[] = {
		{"4K", 0, 4096},
		{"4095", -EINVAL, 0},
		{"2K", -EINVAL, 0},
		{"0", -EINVAL, 0},
		{"12K", -EINVAL, 0},
		{"9223372036854775808", 0, UINT64_C(1) << 63},
		{"18446744073709551616", -ERANGE, 0},
		{"four", -EINVAL, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_region_ struct config_region region =
			make(CONFIG_REGION);

		ck_assert_set(&region, "granule", cases[i].text, cases[i].r);
		ck_assert_uint_eq(region.granule_bytes, cases[i].bytes);
	}
}
END_TEST

START_TEST(sizes)
{
	_cleanup_region_ struct config_region even = make(CONFIG_POOL);
	_cleanup_region_ struct config_region odd = make(CONFIG_POOL);
	_cleanup_region_ struct config_region page = make(CONFIG_SIMULATE);
	_cleanup_region_ struct config_region granule = make(CONFIG_SIMULATE);

	ck_assert_set(&even, "size", "4M", 0);
	ck_assert_set(&even, "granule", "64K", 0);
	ck_assert_int_eq(config_region_check(&even, NULL), 0);
	ck_assert_set(&odd, "size", "3M", 0);
	ck_assert_int_eq(config_region_check(&odd, NULL), -EINVAL);
	ck_assert_set(&odd, "page-size", "1M", 0); /* the order is free */
	ck_assert_int_eq(config_region_check(&odd, NULL), 0);
	ck_assert_set(&page, "size", "4097", 0);
	ck_assert_int_eq(config_region_check(&page, NULL), -EINVAL);
	ck_assert_set(&granule, "size", "12K", 0);
	ck_assert_int_eq(config_region_check(&granule, NULL), 0);
	ck_assert_set(&granule, "granule", "8K", 0);
	ck_assert_int_eq(config_region_check(&granule, NULL), -EINVAL);
}
END_TEST

START_TEST(guards)
{
	static const struct {
		const char *text;
		int r;
		uint64_t bytes;
	} cases[] = {
		{"4K", 0, 4096},
		{"12K", 0, 12288}, /* granules, not a power of two */
		{"no", 0, 0},
		{"0", 0, 0},
		{"off", 0, 0},
		{"4095", -EINVAL, 0},
		{"1", -EINVAL, 0},
		{"yes", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"-4K", -EINVAL, 0},
		{"18446744073709551616", -ERANGE, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int kind = CONFIG_REGION; kind <= CONFIG_SIMULATE; kind++) {
			_cleanup_region_ struct config_region region =
				make((enum config_kind)kind);

			ck_assert_uint_eq(region.guard_bytes, 0);
			ck_assert_set(&region, "guard", cases[i].text,
				      cases[i].r);
			ck_assert_uint_eq(region.guard_bytes, cases[i].bytes);
		}
}
END_TEST

START_TEST(guards_are_of_granules_and_leave_room)
{
	_cleanup_region_ struct config_region node = make(CONFIG_REGION);
	_cleanup_region_ struct config_region sim = make(CONFIG_SIMULATE);
	struct error why = ERROR_INIT;

	ck_assert_set(&node, "guard", "96K", 0);
	ck_assert_int_eq(config_region_check(&node, NULL), 0);
	ck_assert_set(&node, "granule", "64K", 0);
	ck_assert_int_eq(config_region_check(&node, &why), -EINVAL);
	ck_assert_str_eq(why.text, "guard 98304 is not a multiple of the "
				   "granule 65536");
	ck_assert_set(&sim, "guard", "8K", 0);
	ck_assert_set(&sim, "size", "12K", 0);
	ck_assert_int_eq(config_region_check(&sim, NULL), 0);
	sim.size_bytes = 8192;
	ck_assert_int_eq(config_region_check(&sim, &why), -EINVAL);
	ck_assert_str_eq(why.text,
			 "guard 8192 leaves no room for a buffer in 8192");
}
END_TEST

START_TEST(appends)
{
	_cleanup_region_ struct config_region first = make(CONFIG_POOL);
	_cleanup_region_ struct config_region second = make(CONFIG_REGION);
	struct configuration config;

	config_init(&config);
	ck_assert_int_eq(config_append_region(&config, &first, NULL), 0);
	ck_assert_ptr_null(first.name);
	ck_assert_int_eq(config_append_region(&config, &second, NULL), -EEXIST);
	ck_assert_str_eq(second.name, "r");
	ck_assert_uint_eq(config.n_regions, 1);
	config_deinit(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("description");
	TCase *tcase = harness_case(suite, "description");

	tcase_add_test(tcase, names);
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, region_keys);
	tcase_add_test(tcase, powers_of_two);
	tcase_add_test(tcase, sizes);
	tcase_add_test(tcase, guards);
	tcase_add_test(tcase, guards_are_of_granules_and_leave_room);
	tcase_add_test(tcase, appends);
	return harness_run(suite);
}
