/* SPDX-License-Identifier: MIT */
#include "daemon/setup_custody.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/custody.h"
#include "tests/custodian.h"
#include "tests/harness.h"
#include "tests/logged.h"

/*
 * One start after the other, as simulated memory allows on every machine: what
 * the first one opened the later ones keep, whatever they are told.
 */

static struct custodian custodian;
static struct inheritance inheritance;
static struct configuration config;
static struct probes probes;
static struct setup setup;
static struct error why;
static const struct backend_options options = {
	.devmem_path = "/nonexistent",
	.udmabuf_path = "/nonexistent",
};

static void before(void)
{
	logged_begin(LOG_LEVEL_WARNING);
	custodian_init(&custodian, 64);
}

static void after(void)
{
	custodian_deinit(&custodian);
}

/* A start with these regions, as in main.c; true: it was prepared for. */
static bool start(const char *const *simulated)
{
	int prepared;

	logged_forget();
	config_init(&config);
	for (; *simulated; simulated++)
		ck_assert_int_eq(
			config_add_simulated(&config, *simulated, &why), 0);
	probes = (struct probes){.n = 0};
	setup_init(&setup, &config, &options, &probes);
	custodian_bequeath(&custodian, &inheritance);
	prepared = setup_claim(&setup, &inheritance, &probes, &why);
	ck_assert_msg(prepared >= 0, "%s", why.text);
	inheritance_deinit(&inheritance);
	if (prepared)
		return true;
	probes_run(&probes, &options);
	setup_configured(&setup);
	setup_compare(&setup);
	setup_open(&setup);
	ck_assert_msg(setup_leave(&setup, &why) == 0, "%s", why.text);
	return false;
}

#define START(...) start((const char *const[]){__VA_ARGS__, NULL})

static void end(void)
{
	setup_deinit(&setup);
	config_deinit(&config);
}

static void expect(const char *name, uint32_t id, uint64_t base,
		   uint64_t size_bytes)
{
	const struct tract *tract = setup_find(&setup, name);

	ck_assert_ptr_nonnull(tract);
	ck_assert_ptr_nonnull(tract->memory);
	ck_assert_uint_eq(tract->id, id);
	ck_assert_uint_eq(tract->memory->segments[0].phys, base);
	ck_assert_uint_eq(tract->memory->segments[0].size_bytes, size_bytes);
}

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

START_TEST(next_start_keeps_what_there_was)
{
	for (int i = 0; i < 3; i++) {
		ck_assert(!START("a=1M", "b=2M"));
		expect("a", 1, 4 * GIB, MIB);
		expect("b", 2, 5 * GIB, 2 * MIB);
		ck_assert(setup_find(&setup, "a")->kept == (i > 0));
		ck_assert_msg(!logged_has("region"), "%s", logged_text());
		end();
		ck_assert_uint_eq(custodian_count(&custodian, "region-a.deed"),
				  1);
	}
}
END_TEST

START_TEST(changes_wait_for_a_stop)
{
	ck_assert(!START("a=1M", "b=2M"));
	end();
	/* one is new and comes first, one is gone, one has another size */
	ck_assert(!START("c=4M", "b=8M"));
	expect("a", 1, 4 * GIB, MIB);
	expect("b", 2, 5 * GIB, 2 * MIB);
	expect("c", 3, 6 * GIB, 4 * MIB);
	ck_assert(logged_has(
		"region 'b' is described differently now; it stays as "
		"it was until the service is stopped"));
	ck_assert(logged_has("region 'a' is no longer described; it stays "
			     "until the service is stopped"));
	ck_assert(!logged_has("region 'c'"));
	end();
	/* stopped */
	custodian_replace(&custodian, "region-a.deed", -1);
	custodian_replace(&custodian, "region-b.deed", -1);
	custodian_replace(&custodian, "region-c.deed", -1);
	ck_assert(!START("c=4M", "b=8M"));
	expect("c", 1, 4 * GIB, 4 * MIB);
	expect("b", 2, 5 * GIB, 8 * MIB);
	ck_assert_uint_eq(list_empty(&setup.tracts), 0);
	ck_assert_ptr_null(setup_find(&setup, "a"));
	end();
}
END_TEST

START_TEST(other_granule_is_a_change)
{
	ck_assert(!START("a=1M"));
	end();
	ck_assert(!START("a=1M,granule=64K"));
	ck_assert(logged_has("described differently"));
	ck_assert_uint_ne(setup_find(&setup, "a")->spec.granule_bytes, 65536);
	end();
}
END_TEST

START_TEST(prepared_is_all_there_is)
{
	ck_assert(!START("a=1M"));
	ck_assert_int_eq(custody_leave_probes(&probes, &why), 0);
	end();
	ck_assert(START("a=1M", "b=2M"));
	expect("a", 1, 4 * GIB, MIB);
	ck_assert_ptr_null(setup_find(&setup, "b"));
	ck_assert_uint_gt(probes.n, 0);
	ck_assert(probes_find(&probes, &backend_simulated)->serves);
	end();
}
END_TEST

/* What is damaged is told, and does not stop the rest. */
START_TEST(one_bad_deed_is_one_region_less)
{
	ck_assert(!START("a=1M", "b=2M"));
	end();
	custodian_replace(&custodian, "region-a.deed",
			  open("/dev/null", O_RDONLY | O_CLOEXEC));
	ck_assert(!START("b=2M"));
	expect("b", 2, 5 * GIB, 2 * MIB);
	ck_assert(logged_has("region-a.deed"));
	end();
	custodian_replace(&custodian, "probes",
			  open("/dev/null", O_RDONLY | O_CLOEXEC));
	ck_assert(START("b=2M")); /* somebody prepared something */
	ck_assert(logged_has("probes from the service manager"));
	end();
}
END_TEST

START_TEST(twins_are_told_apart)
{
	static const struct tract_description twins[] = {
		{.id = 1, .name = "one", .backend = "simulated"},
		{.id = 1, .name = "two", .backend = "simulated"},
		{.id = 2, .name = "one", .backend = "simulated"},
	};

	setup_init(&setup, &config, &options, &probes);
	for (size_t i = 0; i < 3; i++) {
		struct tract *tract;

		ck_assert_int_eq(tract_new(&tract, &twins[i], &why), 0);
		setup_keep_consume(&setup, tract);
	}
	ck_assert_ptr_nonnull(setup_find(&setup, "one"));
	ck_assert_uint_eq(setup_find(&setup, "one")->id, 1);
	ck_assert_ptr_null(setup_find(&setup, "two"));
	ck_assert(logged_has("only the first is served"));
	setup_deinit(&setup);
}
END_TEST

START_TEST(without_a_manager)
{
	char socket[64];

	(void)strcpy(socket, getenv("NOTIFY_SOCKET"));
	setup_init(&setup, &config, &options, &probes);
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(setup_leave(&setup, &why), -ENOENT);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", socket, 1), 0);
	setup_deinit(&setup);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("setup_custody");
	TCase *tcase = harness_case(suite, "setup_custody");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, next_start_keeps_what_there_was);
	tcase_add_test(tcase, changes_wait_for_a_stop);
	tcase_add_test(tcase, other_granule_is_a_change);
	tcase_add_test(tcase, prepared_is_all_there_is);
	tcase_add_test(tcase, one_bad_deed_is_one_region_less);
	tcase_add_test(tcase, twins_are_told_apart);
	tcase_add_test(tcase, without_a_manager);
	return harness_run(suite);
}
