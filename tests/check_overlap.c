/* SPDX-License-Identifier: MIT */
#include "devicetree/overlap.h"

#include <stdlib.h>

#include "tests/harness.h"

/* Overlaps at the exact limits, and against comparing each with each. */

static struct overlaps overlaps;

static void teardown(void)
{
	overlaps_deinit(&overlaps);
}

static void add(uint64_t base, uint64_t size_bytes, size_t owner)
{
	const struct reserved_range range = {base, size_bytes};

	ck_assert_int_eq(overlaps_add(&overlaps, &range, owner), 0);
}

static const struct overlap *find(uint64_t base, uint64_t size_bytes,
				  size_t owner)
{
	const struct reserved_range range = {base, size_bytes};

	return overlaps_find(&overlaps, &range, owner);
}

START_TEST(test_limits)
{
	add(0x1000, 0x1000, 0);
	add(0x3000, 0x1000, 1);
	ck_assert_int_eq(overlaps_seal(&overlaps), 0);
	ck_assert_ptr_null(find(0x2000, 0x1000, 9));
	ck_assert_uint_eq(find(0x2000, 0x1001, 9)->owner, 1);
	ck_assert_uint_eq(find(0x1fff, 0x1001, 9)->owner, 0);
	ck_assert_ptr_null(find(0x0, 0x1000, 9));
	ck_assert_uint_eq(find(0x0, 0x1001, 9)->owner, 0);
	ck_assert_ptr_null(find(0x4000, 0x1000, 9));
	ck_assert_ptr_null(find(0x1000, 0x1000, 0));
}
END_TEST

START_TEST(test_none)
{
	ck_assert_int_eq(overlaps_seal(&overlaps), 0);
	ck_assert_ptr_null(find(0, UINT64_MAX, 0));
}
END_TEST

START_TEST(test_end_of_address_space)
{
	add(0xfffffffffffff000, 0x1000, 0);
	add(0, 0x1000, 1);
	ck_assert_int_eq(overlaps_seal(&overlaps), 0);
	ck_assert_uint_eq(find(UINT64_MAX, 1, 9)->owner, 0);
	ck_assert_ptr_null(find(UINT64_MAX, 1, 0));
	ck_assert_ptr_null(find(0x1000, UINT64_MAX - 0x2000, 9));
}
END_TEST

/* One within another, and one range twice. */
START_TEST(test_within)
{
	add(0x0, 0x10000, 0);
	add(0x4000, 0x1000, 1);
	add(0x8000, 0x1000, 2);
	add(0x8000, 0x1000, 3);
	ck_assert_int_eq(overlaps_seal(&overlaps), 0);
	ck_assert_uint_eq(find(0x4000, 0x1000, 1)->owner, 0);
	ck_assert_ptr_nonnull(find(0x0, 0x10000, 0));
	ck_assert_uint_ne(find(0x8000, 0x1000, 2)->owner, 2);
	ck_assert_uint_ne(find(0x8000, 0x1000, 3)->owner, 3);
	ck_assert_uint_eq(find(0xf000, 0x1000, 9)->owner, 0);
}
END_TEST

/* A fixed sequence of numbers, the same in every run. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

START_TEST(test_against_naive)
{
	enum { RANGES = 60, ROUNDS = 200 };
	uint32_t state = 1;
	size_t found = 0, missed = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct reserved_range ranges[RANGES];

		for (size_t i = 0; i < RANGES; i++) {
			ranges[i].base = next_random(&state) % 4000;
			ranges[i].size_bytes = 1 + next_random(&state) % 80;
			add(ranges[i].base, ranges[i].size_bytes, i);
		}
		ck_assert_int_eq(overlaps_seal(&overlaps), 0);
		for (size_t i = 0; i < RANGES; i++) {
			bool expected = false;

			for (size_t k = 0; k < RANGES; k++)
				expected |= k != i &&
					    ranges[k].base <=
						    reserved_range_last(
							    &ranges[i]) &&
					    ranges[i].base <=
						    reserved_range_last(
							    &ranges[k]);
			ck_assert_int_eq(overlaps_find(&overlaps, &ranges[i],
						       i) != NULL,
					 expected);
			found += expected;
			missed += !expected;
		}
		overlaps_deinit(&overlaps);
	}
	ck_assert_uint_gt(found, 0);
	ck_assert_uint_gt(missed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("overlap");
	TCase *tcase = harness_case(suite, "overlap");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, test_limits);
	tcase_add_test(tcase, test_none);
	tcase_add_test(tcase, test_end_of_address_space);
	tcase_add_test(tcase, test_within);
	tcase_add_test(tcase, test_against_naive);
	return harness_run(suite);
}
