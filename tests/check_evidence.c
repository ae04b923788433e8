/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include <string.h>

#include "tests/harness.h"

/* What the sources share, and that this machine can be asked at all. */

START_TEST(test_read)
{
	struct evidence evidence;

	ck_assert_int_eq(evidence_read(&evidence), 0);
	/* Whoever may read it or not, the file is there. */
	ck_assert_ptr_nonnull(evidence.iomem);
	evidence_deinit(&evidence);
	ck_assert_ptr_null(evidence.iomem);
	evidence_deinit(&evidence);
}
END_TEST

START_TEST(test_lines)
{
	const char *text = "one\n\nthree", *line;
	size_t len;

	ck_assert(evidence_next_line(&text, &line, &len));
	ck_assert_uint_eq(len, 3);
	ck_assert(evidence_next_line(&text, &line, &len));
	ck_assert_uint_eq(len, 0);
	ck_assert(evidence_next_line(&text, &line, &len));
	ck_assert(strncmp(line, "three", len) == 0 && len == 5);
	ck_assert(!evidence_next_line(&text, &line, &len));
}
END_TEST

static bool parses(const char *text, unsigned int radix, uint64_t expected,
		   const char *rest)
{
	uint64_t value = 0;

	return evidence_parse_number(&text, radix, &value) &&
	       value == expected && strcmp(text, rest) == 0;
}

START_TEST(test_numbers)
{
	const char *bad[] = {"", " 1", "-1", "+1", "g", "0x10000000000000000"};
	uint64_t value = 7;

	ck_assert(parses("7f800000-", 16, 0x7f800000, "-"));
	ck_assert(parses("0x7f800000..", 16, 0x7f800000, ".."));
	ck_assert(parses("0xffffffffffffffff", 16, UINT64_MAX, ""));
	ck_assert(parses("0x", 16, 0, "x"));
	ck_assert(parses("8192 KiB", 10, 8192, " KiB"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *text = bad[i];

		ck_assert(!evidence_parse_number(&text, 16, &value));
		ck_assert_ptr_eq(text, bad[i]);
	}
	ck_assert(!evidence_parse_number(&(const char *){"abc"}, 10, &value));
	ck_assert_uint_eq(value, 7);
}
END_TEST

START_TEST(test_join)
{
	struct evidence_answer answer = {0};

	ck_assert_int_eq(evidence_answer_join(&answer, 0x1000, 0x1000), 0);
	ck_assert_int_eq(evidence_answer_join(&answer, 0x2000, 0x1000), 0);
	ck_assert_uint_eq(answer.n_ranges, 1);
	ck_assert_uint_eq(answer.ranges[0].size_bytes, 0x2000);
	ck_assert_int_eq(evidence_answer_join(&answer, 0x3001, 0x1000), 0);
	ck_assert_uint_eq(answer.n_ranges, 2);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert_int_eq(
			evidence_answer_add(&answer, 0x10000 * i, 1), 0);
	ck_assert_uint_eq(answer.n_ranges, 102);
	ck_assert_uint_eq(answer.ranges[101].base, 0x10000 * 99);
	evidence_answer_deinit(&answer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence");
	TCase *tcase = harness_case(suite, "evidence");

	tcase_add_test(tcase, test_read);
	tcase_add_test(tcase, test_lines);
	tcase_add_test(tcase, test_numbers);
	tcase_add_test(tcase, test_join);
	return harness_run(suite);
}
