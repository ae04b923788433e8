/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/supervisor.h"

/*
 * A service manager prepares the daemon's memory, and the daemon serves it, as
 * often as it is started.
 */

#define MIB (UINT64_C(1) << 20)

static const char *const arguments[] = {"--config", "/dev/null", "--simulate",
					"a=1M",	    "--simulate", "b=2M",
					NULL};
static struct supervisor supervisor;

static void before(void)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.store_limit = 64,
		.prepare = true,
	};

	supervisor_init(&supervisor, &spec);
}

static void after(void)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/prepared", supervisor.runtime);
	(void)unlink(path);
	supervisor_deinit(&supervisor);
}

/* The regions, as clients see them. */
static void expect_regions(void)
{
	struct contig_region_info *regions;
	struct contig *contig;
	size_t n;

	ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
	ck_assert_int_eq(contig_list_regions(contig, &regions, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(regions[0].name, "a");
	ck_assert_uint_eq(regions[0].size_bytes, MIB);
	ck_assert_str_eq(regions[1].name, "b");
	ck_assert_uint_eq(regions[1].size_bytes, 2 * MIB);
	free(regions);
	(void)contig_close(contig);
}

START_TEST(prepared_once_and_served_ever_after)
{
	size_t n;

	supervisor_start(&supervisor);
	expect_regions();
	ck_assert_uint_eq(supervisor_count(&supervisor, "probes"), 1);
	ck_assert_uint_eq(supervisor_count(&supervisor, "roll-"), 1);
	ck_assert_uint_eq(supervisor_count(&supervisor, "region-a."), 1);
	ck_assert_uint_eq(supervisor_count(&supervisor, "region-b."), 1);
	supervisor_stop(&supervisor);
	n = supervisor_count(&supervisor, "region-");
	supervisor_start(&supervisor);
	expect_regions();
	supervisor_kill(&supervisor);
	supervisor_start(&supervisor);
	expect_regions();
	ck_assert_uint_eq(supervisor_count(&supervisor, "region-"), n);
	supervisor_stop(&supervisor);
}
END_TEST

/* The directory stays, and with it the list of what was prepared. */
START_TEST(lost_store_is_prepared_anew)
{
	size_t n;

	supervisor_start(&supervisor);
	n = supervisor_count(&supervisor, "");
	supervisor_stop(&supervisor);
	supervisor_forget(&supervisor, NULL);
	ck_assert_uint_eq(supervisor_count(&supervisor, ""), 0);
	supervisor_start(&supervisor);
	expect_regions();
	ck_assert_uint_eq(supervisor_count(&supervisor, ""), n);
	supervisor_stop(&supervisor);
}
END_TEST

/* What was prepared cannot be prepared again while any of it may be in use. */
START_TEST(region_lost_alone_is_not_served)
{
	struct contig_region_info *regions;
	struct contig *contig;
	size_t n;

	supervisor_start(&supervisor);
	supervisor_stop(&supervisor);
	supervisor_forget(&supervisor, "region-a.deed");
	for (int life = 0; life < 2; life++) {
		supervisor_start(&supervisor);
		ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
		ck_assert_int_eq(contig_list_regions(contig, &regions, &n), 0);
		ck_assert_uint_eq(n, 1);
		ck_assert_str_eq(regions[0].name, "b");
		free(regions);
		(void)contig_close(contig);
		supervisor_stop(&supervisor);
	}
	supervisor_forget(&supervisor, NULL);
	supervisor_start(&supervisor);
	expect_regions();
	supervisor_stop(&supervisor);
}
END_TEST

START_TEST(full_store_does_not_start)
{
	supervisor.store.limit = 2;
	ck_assert(!supervisor_launch(&supervisor));
	ck_assert(WIFEXITED(supervisor.code) &&
		  WEXITSTATUS(supervisor.code) == 1);
	ck_assert(supervisor_has_logged(&supervisor, "FileDescriptorStoreMax="));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("prepare");
	TCase *tcase = harness_case(suite, "prepare");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, prepared_once_and_served_ever_after);
	tcase_add_test(tcase, lost_store_is_prepared_anew);
	tcase_add_test(tcase, region_lost_alone_is_not_served);
	tcase_add_test(tcase, full_store_does_not_start);
	return harness_run(suite);
}
