/* SPDX-License-Identifier: MIT */
#include "daemon/refusal.h"

#include <string.h>

#include "tests/fake.h"
#include "tests/harness.h"

#define MIB (UINT64_C(1) << 20)

static struct fake fake;
static struct region *region;
static struct refusal refusal;
static struct want want;

static void before(void)
{
	region = fake_region(&fake, 1, "video", 16 * MIB, true);
	want = (struct want){
		.run.size_bytes = 5 * MIB + 4096,
		.run.max_phys = UINT64_MAX,
		.count = 1,
	};
}

static void after(void)
{
	(void)region_free(region);
}

static void claim(uint64_t offset, uint64_t size_bytes)
{
	const struct run run = {FAKE_BASE + offset, size_bytes};

	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
}

START_TEST(says_all_it_knows)
{
	claim(0, 4 * MIB);
	claim(8 * MIB, MIB);
	region->draining_bytes = 4 * MIB;
	refusal_set_space(&refusal, &want, region, SPACE_E_FRAGMENTED, 0);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_FRAGMENTED);
	ck_assert_uint_eq(refusal.requested_bytes, 5 * MIB + 4096);
	ck_assert_uint_eq(refusal.free_bytes, 11 * MIB);
	ck_assert_uint_eq(refusal.largest_free_bytes, 7 * MIB);
	ck_assert_uint_eq(refusal.draining_bytes, 4 * MIB);
	ck_assert_str_eq(refusal.text,
			 "region 'video': 5M requested, 11M free, longest run "
			 "7M; 4M draining");
	ck_assert_ptr_null(strstr(refusal.text, "quarantined"));
	region->draining_bytes = 0;
	region->quarantined_bytes = MIB;
	refusal_set_space(&refusal, &want, region, SPACE_E_FULL, 0);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_FULL);
	ck_assert_ptr_null(strstr(refusal.text, "draining"));
	ck_assert_ptr_nonnull(strstr(refusal.text, "; 1M quarantined"));
}
END_TEST

START_TEST(what_is_dirty_counts_as_free)
{
	const struct run run = {FAKE_BASE, 4 * MIB};

	claim(0, 4 * MIB);
	region_soil_consume(region, stain_new(&run));
	refusal_set_space(&refusal, &want, region, SPACE_E_FULL, 0);
	ck_assert_uint_eq(refusal.free_bytes, 16 * MIB);
	ck_assert_uint_eq(refusal.largest_free_bytes, 16 * MIB);
}
END_TEST

START_TEST(names_what_stood_in_the_way)
{
	want.run.align_bytes = 2 * MIB;
	want.run.max_phys = 0xffffffff;
	want.run.boundary_bytes = 8 * MIB;
	refusal_set_space(&refusal, &want, region, SPACE_E_CONSTRAINT,
			  SPACE_MAX_PHYS);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_CONSTRAINT);
	ck_assert_str_eq(refusal.text,
			 "region 'video': 5M requested, 16M free, longest run "
			 "16M, but none up to address 0xffffffff");
	refusal_set_space(&refusal, &want, region, SPACE_E_CONSTRAINT, 0);
	ck_assert_ptr_nonnull(strstr(refusal.text,
				     "but none at a multiple of 2M and up to "
				     "address 0xffffffff and within a boundary "
				     "of 8M"));
}
END_TEST

START_TEST(too_large_for_ever)
{
	want.run.size_bytes = 17 * MIB;
	refusal_set_space(&refusal, &want, region, SPACE_E_TOO_LARGE, 0);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_TOO_LARGE);
	ck_assert_str_eq(refusal.text, "region 'video': 17M requested, it "
				       "never holds more than 16M in a run");
	refusal_set_space(&refusal, &want, region, SPACE_E_INVALID, 0);
	ck_assert_uint_eq(refusal.reason, CONTIG_MSG_R_ARGUMENT);
}
END_TEST

/* Without the guards the figures would contradict the refusal. */
START_TEST(guards_take_room)
{
	fake.memory.guard_bytes = 65536;
	want.run.size_bytes = 16 * MIB;
	refusal_set_space(&refusal, &want, region, SPACE_E_TOO_LARGE, 0);
	ck_assert_uint_eq(refusal.requested_bytes, 16 * MIB + 65536);
	ck_assert_str_eq(refusal.text,
			 "region 'video': 16M requested (and a guard of 64K "
			 "behind), it never holds more than 16M in a run");
	want.run.size_bytes = MIB;
	want.count = 16;
	refusal_set_space(&refusal, &want, region, SPACE_E_FULL, 0);
	ck_assert_uint_eq(refusal.requested_bytes, 17 * MIB);
	ck_assert_str_eq(refusal.text,
			 "region 'video': 16 x 1M requested (and a guard of "
			 "64K behind each), 16M free, longest run 16M");
	want.run.size_bytes = UINT64_MAX & ~UINT64_C(4095);
	want.count = 1;
	ck_assert_uint_eq(want_total_bytes(&want, region), UINT64_MAX);
	refusal_set_space(&refusal, &want, region, SPACE_E_INVALID, 0);
	ck_assert_ptr_null(strstr(refusal.text, "guard"));
}
END_TEST

START_TEST(totals_are_in_granules_and_do_not_overflow)
{
	want.count = 3;
	want.run.size_bytes = 1;
	ck_assert_uint_eq(want_total_bytes(&want, region), 3 * 4096);
	want.run.size_bytes = 4096;
	ck_assert_uint_eq(want_total_bytes(&want, region), 3 * 4096);
	want.run.size_bytes = 4097;
	ck_assert_uint_eq(want_total_bytes(&want, region), 6 * 4096);
	want.run.size_bytes = UINT64_MAX;
	ck_assert_uint_eq(want_total_bytes(&want, region), UINT64_MAX);
	want.run.size_bytes = UINT64_C(1) << 63;
	ck_assert_uint_eq(want_total_bytes(&want, region), UINT64_MAX);
	want.run.size_bytes = MIB;
	refusal_set_space(&refusal, &want, region, SPACE_E_FULL, 0);
	ck_assert_ptr_nonnull(strstr(refusal.text, "3 x 1M requested"));
	ck_assert_uint_eq(refusal.requested_bytes, 3 * MIB);
}
END_TEST

START_TEST(closest_is_what_helps_most)
{
	static const uint32_t order[] = {
		CONTIG_MSG_R_TOO_LARGE,	 CONTIG_MSG_R_FULL,
		CONTIG_MSG_R_FRAGMENTED, CONTIG_MSG_R_CONSTRAINT,
		CONTIG_MSG_R_BACKEND,
	};
	int last = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		ck_assert_int_gt(refusal_closeness(order[i]), last);
		last = refusal_closeness(order[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusal");
	TCase *tcase = harness_case(suite, "refusal");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, says_all_it_knows);
	tcase_add_test(tcase, what_is_dirty_counts_as_free);
	tcase_add_test(tcase, names_what_stood_in_the_way);
	tcase_add_test(tcase, too_large_for_ever);
	tcase_add_test(tcase, guards_take_room);
	tcase_add_test(tcase, totals_are_in_granules_and_do_not_overflow);
	tcase_add_test(tcase, closest_is_what_helps_most);
	return harness_run(suite);
}
