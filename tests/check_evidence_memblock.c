/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include "tests/harness.h"

/* memblock/reserved as older and newer kernels write it. */

static struct evidence_answer answer;

static void teardown(void)
{
	evidence_answer_deinit(&answer);
}

static void ask(const char *text)
{
	const struct evidence evidence = {.memblock = (char *)text};
	const struct reserved_node node = {.name = (char *)"dyn"};

	evidence_answer_deinit(&answer);
	ck_assert_int_eq(evidence_memblock.ask(&evidence, &node, &answer), 0);
}

static void allows_both(void)
{
	ck_assert_int_eq(answer.says, EVIDENCE_ALLOWS);
	ck_assert_uint_eq(answer.n_ranges, 2);
	ck_assert_uint_eq(answer.ranges[0].base, 0x40210000);
	ck_assert_uint_eq(answer.ranges[0].size_bytes, 0x15f0000);
	ck_assert_uint_eq(answer.ranges[1].base, 0x7f800000);
	ck_assert_uint_eq(answer.ranges[1].size_bytes, 0x800000);
}

START_TEST(test_old)
{
	ask("   0: 0x0000000040210000..0x00000000417fffff\n"
	    "   1: 0x000000007f800000..0x000000007fffffff\n");
	allows_both();
}
END_TEST

/* Split by flags, but one piece of memory. */
START_TEST(test_new)
{
	ask("   0: 0x0000000040210000..0x0000000040ffffff    0 NONE\n"
	    "   1: 0x0000000041000000..0x00000000417fffff    0 RSV_KERN\n"
	    "  99: 0x000000007f800000..0x000000007fffffff    0 NOMAP\n");
	allows_both();
}
END_TEST

START_TEST(test_silent)
{
	static const char *const texts[] = {
		"", "\n", "0: x..y\n", "0: 0x2..0x1\n", "0 0x1..0x2\n",
		"   0: 0x0000000000000000..0xffffffffffffffff\n", NULL};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ask(texts[i]);
		ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence_memblock");
	TCase *tcase = harness_case(suite, "evidence_memblock");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, test_old);
	tcase_add_test(tcase, test_new);
	tcase_add_test(tcase, test_silent);
	return harness_run(suite);
}
