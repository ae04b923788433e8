/* SPDX-License-Identifier: MIT */
#include "util/power.h"

#include "tests/harness.h"

#define HIGHEST (UINT64_C(1) << 63)

START_TEST(tells_powers_of_two)
{
	ck_assert(!is_power_of_two(0));
	ck_assert(is_power_of_two(1));
	ck_assert(is_power_of_two(2));
	ck_assert(!is_power_of_two(3));
	ck_assert(is_power_of_two(HIGHEST));
	ck_assert(!is_power_of_two(HIGHEST + 1));
	ck_assert(!is_power_of_two(UINT64_MAX));
}
END_TEST

START_TEST(finds_the_next_one)
{
	ck_assert_uint_eq(power_of_two_from(0), 1);
	ck_assert_uint_eq(power_of_two_from(1), 1);
	ck_assert_uint_eq(power_of_two_from(3), 4);
	ck_assert_uint_eq(power_of_two_from(4), 4);
	ck_assert_uint_eq(power_of_two_from(5), 8);
	ck_assert_uint_eq(power_of_two_from(HIGHEST / 2 + 1), HIGHEST);
	ck_assert_uint_eq(power_of_two_from(HIGHEST), HIGHEST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("power");
	TCase *tcase = harness_case(suite, "power");

	tcase_add_test(tcase, tells_powers_of_two);
	tcase_add_test(tcase, finds_the_next_one);
	return harness_run(suite);
}
