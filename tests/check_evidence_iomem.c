/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include <errno.h>

#include "tests/harness.h"

/* /proc/iomem of an arm64 board, and of a process that may not see it. */

static const char iomem[] = "09000000-09000fff : pl011@9000000\n"
			    "40000000-7f7fffff : System RAM\n"
			    "  40200000-4131ffff : Kernel code\n"
			    "  41320000-4167ffff : reserved\n"
			    "  41680000-418fffff : Kernel data\n"
			    "  78000000-7bffffff : reserved\n"
			    "7f800000-7fffffff : reserved\n"
			    "80000000-80ffffff : reserved\n"
			    "90000000-90ffffff : System RAM (kmem)\n"
			    "fffffffffffff000-ffffffffffffffff : top\n";

static struct evidence_answer answer;

static void teardown(void)
{
	evidence_answer_deinit(&answer);
}

static void ask(const char *text, bool no_map, bool reusable)
{
	const struct evidence evidence = {.iomem = (char *)text};
	const struct reserved_node node = {
		.name = (char *)"dyn", .no_map = no_map, .reusable = reusable};

	ck_assert_int_eq(evidence_iomem.ask(&evidence, &node, &answer), 0);
}

static void allows(size_t i, uint64_t base, uint64_t last)
{
	ck_assert_int_eq(answer.says, EVIDENCE_ALLOWS);
	ck_assert_uint_lt(i, answer.n_ranges);
	ck_assert_uint_eq(answer.ranges[i].base, base);
	ck_assert_uint_eq(reserved_range_last(&answer.ranges[i]), last);
}

START_TEST(test_no_map)
{
	ask(iomem, true, false);
	ck_assert_uint_eq(answer.n_ranges, 1);
	allows(0, 0x7f800000, 0x80ffffff);
}
END_TEST

START_TEST(test_mapped)
{
	ask(iomem, false, false);
	ck_assert_uint_eq(answer.n_ranges, 3);
	allows(0, 0x41320000, 0x4167ffff);
	allows(1, 0x78000000, 0x7bffffff);
}
END_TEST

START_TEST(test_reusable)
{
	ask(iomem, false, true);
	ck_assert_uint_eq(answer.n_ranges, 2);
	allows(0, 0x40000000, 0x7f7fffff);
	allows(1, 0x90000000, 0x90ffffff);
}
END_TEST

START_TEST(test_silent)
{
	ask("40000000-7fffffff : System RAM\n", true, false);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	ask("00000000-00000000 : System RAM\n  00000000-00000000 : reserved\n",
	    false, false);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	ask("no lines of the kind\n1-: x\n-2 : y\n2-1 : reserved\n", false,
	    false);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	ask(NULL, true, false);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
}
END_TEST

START_TEST(test_system_ram)
{
	const struct evidence evidence = {.iomem = (char *)iomem};

	ck_assert_int_eq(evidence_is_system_ram(&evidence, 0x7f7ff000, 0x1000),
			 1);
	ck_assert_int_eq(evidence_is_system_ram(&evidence, 0x7f800000, 0x1000),
			 0);
	ck_assert_int_eq(evidence_is_system_ram(&evidence, 0x7f7fffff, 0x1001),
			 1);
	ck_assert_int_eq(evidence_is_system_ram(&evidence, 0x3ffff000, 0x1000),
			 0);
	ck_assert_int_eq(evidence_is_system_ram(&evidence, 0x3ffff000, 0x1001),
			 1);
	ck_assert_int_eq(evidence_is_system_ram(&evidence, 0, UINT64_MAX), 1);
	ck_assert_int_eq(evidence_is_system_ram(&evidence, 0x90ffffff, 1), 1);
	ck_assert_int_eq(evidence_is_system_ram(&evidence, 0x91000000, 1), 0);
	ck_assert_int_eq(evidence_is_system_ram(&evidence, 0x40000000, 0), 0);
	ck_assert_int_eq(
		evidence_is_system_ram(&evidence, 0xfffffffffffff000, 0x1000),
		0);
}
END_TEST

START_TEST(test_system_ram_unknown)
{
	const struct evidence hidden = {
		.iomem = (char *)"00000000-00000000 : System RAM\n"};
	const struct evidence none = {.iomem = NULL};

	ck_assert_int_eq(evidence_is_system_ram(&hidden, 0, 0x1000), -ENODATA);
	ck_assert_int_eq(evidence_is_system_ram(&none, 0, 0x1000), -ENODATA);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence_iomem");
	TCase *tcase = harness_case(suite, "evidence_iomem");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, test_no_map);
	tcase_add_test(tcase, test_mapped);
	tcase_add_test(tcase, test_reusable);
	tcase_add_test(tcase, test_silent);
	tcase_add_test(tcase, test_system_ram);
	tcase_add_test(tcase, test_system_ram_unknown);
	return harness_run(suite);
}
