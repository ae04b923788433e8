/* SPDX-License-Identifier: MIT */
#include "daemon/token.h"

#include <string.h>

#include "tests/harness.h"

START_TEST(none_is_zero_or_another)
{
	uint64_t tokens[64];

	for (size_t i = 0; i < 64; i++) {
		ck_assert_int_eq(token_make(&tokens[i]), 0);
		ck_assert_uint_ne(tokens[i], 0);
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(tokens[i], tokens[j]);
	}
}
END_TEST

START_TEST(name_is_cut_and_the_token_is_not)
{
	char name[64], small[TOKEN_NAME_BYTES + 1];

	token_write_name(name, sizeof(name), 0xfedcba9876543210, "frame");
	ck_assert_str_eq(name, "contig-fedcba9876543210-frame");
	token_write_name(name, sizeof(name), 1, "");
	ck_assert_str_eq(name, "contig-0000000000000001-");
	ck_assert_uint_eq(strlen(name), TOKEN_NAME_BYTES);
	token_write_name(small, sizeof(small), UINT64_MAX, "frame");
	ck_assert_str_eq(small, "contig-ffffffffffffffff-");
	token_write_name(name, 32, 1, "a-long-name");
	ck_assert_str_eq(name, "contig-0000000000000001-a-long-");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("token");
	TCase *tcase = harness_case(suite, "token");

	tcase_add_test(tcase, none_is_zero_or_another);
	tcase_add_test(tcase, name_is_cut_and_the_token_is_not);
	return harness_run(suite);
}
