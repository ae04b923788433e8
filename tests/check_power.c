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

START_TEST(rounds_up)
{
	const struct {
		uint64_t value, unit, up;
	} rows[] = {
		{0, 4096, 0},
		{1, 4096, 4096},
		{4096, 4096, 4096},
		{4097, 4096, 8192},
		{7, 1, 7},
		{UINT64_MAX, 1, UINT64_MAX},
		{UINT64_MAX - 4095, 4096, UINT64_MAX - 4095},
		{1, HIGHEST, HIGHEST},
	};
	uint64_t value = UINT64_MAX - 4094;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t up = rows[i].value;

		ck_assert(round_up_to(&up, rows[i].unit));
		ck_assert_uint_eq(up, rows[i].up);
	}
	ck_assert(!round_up_to(&value, 4096));
	value = HIGHEST + 1;
	ck_assert(!round_up_to(&value, HIGHEST));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("power");
	TCase *tcase = harness_case(suite, "power");

	tcase_add_test(tcase, tells_powers_of_two);
	tcase_add_test(tcase, finds_the_next_one);
	tcase_add_test(tcase, rounds_up);
	return harness_run(suite);
}
