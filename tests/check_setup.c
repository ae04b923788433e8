/* SPDX-License-Identifier: MIT */
#include "daemon/setup.h"

#include <string.h>
#include <unistd.h>

#include "daemon/usable.h"
#include "tests/harness.h"
#include "tests/logged.h"

#define GIB (UINT64_C(1) << 30)

static struct loop *loop;
static struct lender *lender;
static struct probes probes;
static struct configuration config;
static struct backend_options options;
static struct setup setup;

static void before(void)
{
	logged_begin(LOG_LEVEL_WARNING);
	config_init(&config);
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(lender_new(&lender, loop), 0);
	options.devmem_path = "/nonexistent";
	options.udmabuf_path = "/nonexistent";
	probes_run(&probes, &options);
	setup_init(&setup, &config, &options, &probes);
}

static void after(void)
{
	setup_deinit(&setup);
	lender = lender_free(lender);
	loop = loop_free(loop);
	config_deinit(&config);
	logged_end();
}

static void simulate(const char *text)
{
	ck_assert_int_eq(config_add_simulated(&config, text, NULL), 0);
}

static void serve(void)
{
	setup_configured(&setup);
	setup_open(&setup);
	setup_make_regions(&setup, lender);
}

START_TEST(guards_as_the_configuration_says)
{
	simulate("a=64M");
	simulate("b=64M,granule=64K,guard=128K");
	serve();
	ck_assert_uint_eq(lender->n_regions, 2);
	ck_assert_uint_eq(lender_get_region(lender, 1)->memory->guard_bytes, 0);
	ck_assert_uint_eq(lender_get_region(lender, 2)->memory->guard_bytes,
			  128 << 10);
}
END_TEST

/* What a section reserves is cut off; what does not fit is reported. */
START_TEST(reservations_as_the_configuration_says)
{
	static uint32_t uid = 1000;
	const struct config_reservation items[] = {
		{.name = strdup("1000"),
		 .who = {.uids = malloc(sizeof(uid)), .n_uids = 1},
		 .size_bytes = 16 << 20,
		 .line = 3},
		{.name = strdup("@44"), .size_bytes = 49 << 20, .line = 4},
	};
	struct config_reservations *reserved;
	const struct region *region;

	simulate("a=64M");
	reserved = &config.regions[0].reservations;
	reserved->items = malloc(sizeof(items));
	memcpy(reserved->items, items, sizeof(items));
	memcpy(reserved->items[0].who.uids, &uid, sizeof(uid));
	reserved->n = 2;
	serve();
	region = lender_get_region(lender, 1);
	ck_assert_ptr_eq(region->section, &config.regions[0]);
	ck_assert_uint_eq(region->partitions.n, 2);
	ck_assert_uint_eq(usable_bytes(region, NULL), 48 << 20);
	ck_assert(logged_has(
		"region 'a': nothing is reserved for @44 (line 4 of the "
		"configuration), as its 49M do not fit: the longest run that "
		"is left is 48M"));
}
END_TEST

START_TEST(simulated_regions_lie_apart)
{
	const struct region *a, *b, *c;

	simulate("a=64M");
	simulate("b=3G,granule=64K");
	simulate("c=4K");
	serve();
	ck_assert_uint_eq(lender->n_regions, 3);
	a = lender_get_region(lender, 1);
	b = lender_get_region(lender, 2);
	c = lender_get_region(lender, 3);
	ck_assert_str_eq(a->name, "a");
	ck_assert_uint_eq(partitions_base(&a->partitions), 4 * GIB);
	ck_assert_uint_eq(partitions_base(&b->partitions), 5 * GIB);
	ck_assert_uint_eq(partitions_base(&c->partitions), 8 * GIB);
	ck_assert_uint_eq(region_granule_bytes(a),
			  (uint64_t)sysconf(_SC_PAGESIZE));
	ck_assert_uint_eq(region_granule_bytes(b), 65536);
	ck_assert(a->is_default && !b->is_default && !c->is_default);
	ck_assert(a->public_base);
	ck_assert_ptr_null(lender_get_region(lender, 4));
	ck_assert(logged_nothing());
}
END_TEST

START_TEST(configuration_chooses_the_default)
{
	simulate("a=1M");
	simulate("b=1M");
	config.default_region = strdup("b");
	serve();
	ck_assert_str_eq(lender_default_region(lender)->name, "b");
}
END_TEST

START_TEST(missing_default_is_no_other)
{
	simulate("a=1M");
	config.default_region = strdup("gone");
	serve();
	ck_assert_ptr_null(lender_default_region(lender));
	ck_assert(logged_has("default region 'gone' is not served"));
}
END_TEST

START_TEST(what_cannot_serve_does_not_stop_the_rest)
{
	const struct tract_description unknown = {
		.name = "odd",
		.backend = "floppy",
	};

	ck_assert_int_eq(config_add_pool(&config, "pool=4M", NULL), 0);
	simulate("a=1M");
	ck_assert(!setup_add(&setup, &unknown));
	serve();
	ck_assert_uint_eq(lender->n_regions, 1);
	ck_assert(logged_has("region 'odd' is not served: "
			     "there is no backend 'floppy'"));
	ck_assert(logged_has("region 'pool' is not served: "
			     "backend udmabuf: "));
}
END_TEST

START_TEST(no_memory_at_all_is_a_warning)
{
	serve();
	ck_assert_uint_eq(lender->n_regions, 0);
	ck_assert(logged_has("there is no memory to lend"));
}
END_TEST

START_TEST(bad_descriptions_leave_nothing_open)
{
	const struct tract_description odd = {
		.name = "odd",
		.backend = "simulated",
		.memory.base = 4 * GIB,
		.memory.size_bytes = 4096,
		.memory.granule_bytes = 3,
	};
	const struct tract_description fine = {
		.name = "fine",
		.backend = "simulated",
		.memory.base = 4 * GIB,
		.memory.size_bytes = 4096,
		.memory.granule_bytes = 4096,
	};

	ck_assert(setup_add(&setup, &odd));
	ck_assert(setup_add(&setup, &fine));
	ck_assert(!setup_add(&setup, &fine));
	serve();
	ck_assert(logged_has("region 'odd' is not served"));
	ck_assert(logged_has("there is another one of that name"));
	ck_assert_uint_eq(lender->n_regions, 1);
}
END_TEST

START_TEST(addresses_have_an_end)
{
	setup.next_simulated_base = UINT64_MAX - 2 * GIB + 1;
	simulate("a=1G");
	simulate("b=1G");
	serve();
	ck_assert_uint_eq(lender->n_regions, 1);
	ck_assert(logged_has("region 'b' is not served"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("setup");
	TCase *tcase = harness_case(suite, "setup");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, reservations_as_the_configuration_says);
	tcase_add_test(tcase, simulated_regions_lie_apart);
	tcase_add_test(tcase, guards_as_the_configuration_says);
	tcase_add_test(tcase, configuration_chooses_the_default);
	tcase_add_test(tcase, missing_default_is_no_other);
	tcase_add_test(tcase, what_cannot_serve_does_not_stop_the_rest);
	tcase_add_test(tcase, no_memory_at_all_is_a_warning);
	tcase_add_test(tcase, bad_descriptions_leave_nothing_open);
	tcase_add_test(tcase, addresses_have_an_end);
	return harness_run(suite);
}
