/* SPDX-License-Identifier: MIT */
#include "config/configuration.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"
#include "util/cleanup.h"

#define _cleanup_config_ _cleanup_(config_deinit)
#define M		 (UINT64_C(1) << 20)

typedef int add_fn(struct configuration *config, const char *text,
		   struct error *why);

/* Is refused, in words that name the option; config stays as it was. */
static void refuse(struct configuration *config, add_fn *add, const char *text,
		   int expected)
{
	const char *option =
		add == config_add_pool ? "--pool: " : "--simulate: ";
	struct error why = ERROR_INIT;
	size_t n = config->n_regions;
	int r = add(config, text, &why);

	ck_assert_msg(r == expected, "%s: %d (%s)", text, r, why.text);
	ck_assert_int_eq(strncmp(why.text, option, strlen(option)), 0);
	ck_assert_uint_gt(strlen(why.text), strlen(option));
	ck_assert_uint_eq(config->n_regions, n);
}

START_TEST(simulated)
{
	_cleanup_config_ struct configuration config;
	const struct config_region *region;

	config_init(&config);
	ck_assert_int_eq(config_add_simulated(&config, "a=64M", NULL), 0);
	ck_assert_int_eq(config_add_simulated(
				 &config, "b=1M,granule=64K,guard=64K", NULL),
			 0);
	region = config_find_region(&config, "a");
	ck_assert_ptr_nonnull(region);
	ck_assert_int_eq(region->kind, CONFIG_SIMULATE);
	ck_assert_uint_eq(region->line, 0);
	ck_assert_uint_eq(region->size_bytes, 64 * M);
	ck_assert_uint_eq(region->granule_bytes, 0);
	region = config_find_region(&config, "b");
	ck_assert_ptr_nonnull(region);
	ck_assert_uint_eq(region->granule_bytes, 65536);
	ck_assert_uint_eq(region->guard_bytes, 65536);
	refuse(&config, config_add_simulated, "a=4K", -EEXIST);
	refuse(&config, config_add_simulated, "c=8K,guard=8K", -EINVAL);
	refuse(&config, config_add_simulated, "", -EINVAL);
	refuse(&config, config_add_simulated, "=4K", -EINVAL);
	refuse(&config, config_add_simulated, "c=", -EINVAL);
	refuse(&config, config_add_simulated, "c=0", -EINVAL);
	refuse(&config, config_add_simulated, "c=d=4K", -EINVAL);
	refuse(&config, config_add_simulated, "c=16385P", -ERANGE);
	refuse(&config, config_add_simulated, "c=4K,", -EINVAL);
	refuse(&config, config_add_simulated, "c=4K,granule", -EINVAL);
	refuse(&config, config_add_simulated, "c=4K,size=8K", -EEXIST);
	refuse(&config, config_add_simulated, "c=4K,page-size=2M", -EINVAL);
	refuse(&config, config_add_simulated, "c=4K,granule=8K", -EINVAL);
}
END_TEST

START_TEST(unnamed)
{
	_cleanup_config_ struct configuration config;

	config_init(&config);
	ck_assert_int_eq(config_add_simulated(&config, "simulated2=4K", NULL),
			 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(config_add_simulated(&config, "4K", NULL), 0);
	ck_assert_uint_eq(config.n_regions, 4);
	ck_assert_str_eq(config.regions[1].name, "simulated");
	ck_assert_str_eq(config.regions[2].name, "simulated3");
	ck_assert_str_eq(config.regions[3].name, "simulated4");
}
END_TEST

START_TEST(pools)
{
	_cleanup_config_ struct configuration config;
	const struct config_region *region;

	config_init(&config);
	ck_assert_int_eq(
		config_add_pool(&config, "p=64M,granule=64K,page-size=32M", NULL),
		0);
	ck_assert_int_eq(config_add_pool(&config, "q=2M", NULL), 0);
	region = config_find_region(&config, "p");
	ck_assert_ptr_nonnull(region);
	ck_assert_int_eq(region->kind, CONFIG_POOL);
	ck_assert_uint_eq(region->size_bytes, 64 * M);
	ck_assert_uint_eq(region->page_bytes, 32 * M);
	ck_assert_uint_eq(region->granule_bytes, 65536);
	ck_assert_uint_eq(config_find_region(&config, "q")->page_bytes, 2 * M);
	refuse(&config, config_add_pool, "64M", -EINVAL);
	refuse(&config, config_add_pool, "p=64M", -EEXIST);
	refuse(&config, config_add_pool, "r=3M", -EINVAL);
	refuse(&config, config_add_pool, "r=2M,adopt=yes", -EINVAL);
	/* Both sorts share their names. */
	refuse(&config, config_add_simulated, "p=64M", -EEXIST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arguments");
	TCase *tcase = harness_case(suite, "arguments");

	tcase_add_test(tcase, simulated);
	tcase_add_test(tcase, unnamed);
	tcase_add_test(tcase, pools);
	return harness_run(suite);
}
