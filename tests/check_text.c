/* SPDX-License-Identifier: MIT */
#include "proto/text.h"

#include <string.h>

#include "tests/harness.h"

/*
 * Text fields: the longest that fits, one character beyond, and every byte
 * value at the borders of what may be printed.
 */

START_TEST(judges_termination)
{
	char field[8] = "";

	ck_assert_int_eq(text_check(field, sizeof(field)), 0);
	memcpy(field, "1234567", 8);
	ck_assert_int_eq(text_check(field, sizeof(field)), 0);
	field[7] = '8';
	ck_assert_int_eq(text_check(field, sizeof(field)), TEXT_E_OPEN);
	memcpy(field, "12\0\0\0\0\0x", 8);
	ck_assert_int_eq(text_check(field, sizeof(field)), TEXT_E_OPEN);
	memcpy(field, "\0\0\0\0\0\0\0x", 8);
	ck_assert_int_eq(text_check(field, sizeof(field)), TEXT_E_OPEN);
}
END_TEST

START_TEST(judges_characters)
{
	for (int c = 1; c < 256; c++) {
		char field[4] = {'a', (char)c, 0, 0};

		ck_assert_int_eq(text_check(field, sizeof(field)),
				 c >= ' ' && c <= '~' ? 0 : TEXT_E_UNPRINTABLE);
	}
}
END_TEST

START_TEST(an_open_field_is_worse_than_a_control_character)
{
	char field[2] = {'\n', 'x'};

	ck_assert_int_eq(text_check(field, sizeof(field)), TEXT_E_OPEN);
}
END_TEST

START_TEST(puts_cut_repaired_and_zero_filled)
{
	char field[8];

	memset(field, 'z', sizeof(field));
	text_put(field, sizeof(field), "a\nb\x7f\xc3");
	ck_assert_mem_eq(field, "a?b??\0\0\0", 8);
	text_put(field, sizeof(field), "1234567");
	ck_assert_mem_eq(field, "1234567\0", 8);
	text_put(field, sizeof(field), "12345678");
	ck_assert_mem_eq(field, "1234567\0", 8);
	text_put(field, sizeof(field), "");
	ck_assert_mem_eq(field, "\0\0\0\0\0\0\0\0", 8);
	text_put(field, 1, "x");
	ck_assert_int_eq(field[0], 0);
}
END_TEST

START_TEST(fits_agrees_with_put)
{
	ck_assert(text_fits("", 1));
	ck_assert(text_fits("1234567", 8));
	ck_assert(!text_fits("12345678", 8));
	ck_assert(!text_fits("a\tb", 8));
	ck_assert(text_fits("~ ~", 8));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = harness_case(suite, "text");

	tcase_add_test(tcase, judges_termination);
	tcase_add_test(tcase, judges_characters);
	tcase_add_test(tcase, an_open_field_is_worse_than_a_control_character);
	tcase_add_test(tcase, puts_cut_repaired_and_zero_filled);
	tcase_add_test(tcase, fits_agrees_with_put);
	return harness_run(suite);
}
