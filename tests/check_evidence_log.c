/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include <string.h>

#include "tests/harness.h"

/* The wordings of several kernels, and lines that only look like them. */

static struct evidence_answer answer;

static void teardown(void)
{
	evidence_answer_deinit(&answer);
}

static void ask(const char *log, const char *name)
{
	const struct evidence evidence = {.kernel_log = (char *)log};
	const struct reserved_node node = {.name = (char *)name,
					   .has_size = true,
					   .size_bytes = 0x800000};

	evidence_answer_deinit(&answer);
	ck_assert_int_eq(evidence_log.ask(&evidence, &node, &answer), 0);
}

static void states(uint64_t base, uint64_t size_bytes)
{
	ck_assert_int_eq(answer.says, EVIDENCE_STATES);
	ck_assert_uint_eq(answer.n_ranges, 1);
	ck_assert_uint_eq(answer.ranges[0].base, base);
	ck_assert_uint_eq(answer.ranges[0].size_bytes, size_bytes);
}

static const char new_log[] =
	"<5>[    0.000000] Linux version 7.2.12\n"
	"<6>[    0.000000] Reserved memory: created CMA memory pool at "
	"0x0000000078000000, size 64 MiB\n"
	"<6>[    0.000000] OF: reserved mem: initialized node cma, compatible "
	"id shared-dma-pool\n"
	"<6>[    0.000000] OF: reserved mem: 0x0000000078000000.."
	"0x000000007bffffff (65536 KiB) map reusable cma\n"
	"<6>[    0.000000] OF: reserved mem: 0x000000007f800000.."
	"0x000000007fffffff (8192 KiB) nomap non-reusable dyn-pool\n";

START_TEST(test_new_kernel)
{
	ask(new_log, "dyn-pool");
	states(0x7f800000, 0x800000);
	ask(new_log, "cma");
	/* Said twice, the same. */
	ck_assert_int_eq(answer.says, EVIDENCE_STATES);
	ck_assert_uint_eq(answer.n_ranges, 2);
	ck_assert_uint_eq(answer.ranges[0].base, 0x78000000);
	ck_assert_uint_eq(answer.ranges[0].size_bytes, 0);
	ck_assert_uint_eq(answer.ranges[1].base, 0x78000000);
	ck_assert_uint_eq(answer.ranges[1].size_bytes, 0x4000000);
	ask(new_log, "dyn");
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	ask(new_log, "pool");
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
}
END_TEST

/* As dmesg prints it, without priorities; no line for a plain node. */
static const char old_log[] =
	"[    0.000000] Reserved memory: created DMA memory pool at 0x78000000,"
	" size 8 MiB\n"
	"[    0.000000] OF: reserved mem: initialized node dma@78000000, "
	"compatible id shared-dma-pool\n"
	"Reserved memory: created restricted DMA pool at 0x0000000079000000, "
	"size 4 MiB\n"
	"OF: reserved mem: initialized node wifi, compatible id "
	"restricted-dma-pool\n"
	"OF: reserved mem: initialized node late, compatible id ramoops\n";

START_TEST(test_old_kernel)
{
	ask(old_log, "dma@78000000");
	states(0x78000000, 0);
	ask(old_log, "wifi");
	states(0x79000000, 0);
	/* The pool above was another node's. */
	ask(old_log, "late");
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
}
END_TEST

START_TEST(test_denied)
{
	ask("OF: reserved mem: failed to allocate memory for node 'big': size "
	    "4096 MiB\n",
	    "big");
	ck_assert_int_eq(answer.says, EVIDENCE_DENIES);
	ask("OF: reserved mem: failed to allocate memory for node 'bigger': "
	    "size 4096 MiB\n",
	    "big");
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	ask("Reserved memory: bypass cma node, using cmdline CMA params "
	    "instead\n"
	    "OF: reserved mem: node cma compatible matching fail\n",
	    "cma");
	ck_assert_int_eq(answer.says, EVIDENCE_DENIES);
	/* Given up after it was placed. */
	ask("OF: reserved mem: 0x1000..0x1fff (4 KiB) map reusable cma\n"
	    "OF: reserved mem: node cma compatible matching fail\n",
	    "cma");
	ck_assert_int_eq(answer.says, EVIDENCE_DENIES);
}
END_TEST

/* Whoever may write to /dev/kmsg must not place memory. */
START_TEST(test_user_space_line)
{
	static const char line[] = "OF: reserved mem: 0x1000..0x800fff (8192 "
				   "KiB) nomap non-reusable dyn\n";
	char log[256] = "<12>[  100.000000] ";

	strcat(log, line);
	ask(log, "dyn");
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	log[1] = ' ';
	ask(log, "dyn");
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	ask(line, "dyn");
	states(0x1000, 0x800000);
}
END_TEST

START_TEST(test_malformed)
{
	static const char *const lines[] = {
		"",
		"\n",
		"[",
		"<",
		"<6",
		"OF: reserved mem: ",
		"OF: reserved mem: 0x2000..0x1fff (0 KiB) map reusable dyn",
		"OF: reserved mem: 0x1000.0x1fff (4 KiB) map reusable dyn",
		"OF: reserved mem: 0x1000..0x1fff (4 KiB) reusable dyn",
		"OF: reserved mem: 0x1000..0x1fff (4 KiB) map reusable",
		"OF: reserved mem: 0x1000..0x1fff (4 KiB) map reusable dyn2",
		"OF: reserved mem: 0x1000..0x1fff (4 KiB) map reusable dyn\x01",
		"OF: reserved mem: 0x10000000000000000..0x1ffff000000000000f (4 "
		"KiB) map reusable dyn",
		"Reserved memory: created CMA memory pool at dyn, size 4 MiB\n"
		"OF: reserved mem: initialized node dyn, compatible id x",
		"OF: reserved mem: initialized node dyn, compatible id x",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		ask(lines[i], "dyn");
		ck_assert_msg(answer.says == EVIDENCE_SILENT, "%s", lines[i]);
	}
	ask(NULL, "dyn");
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence_log");
	TCase *tcase = harness_case(suite, "evidence_log");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, test_new_kernel);
	tcase_add_test(tcase, test_old_kernel);
	tcase_add_test(tcase, test_denied);
	tcase_add_test(tcase, test_user_space_line);
	tcase_add_test(tcase, test_malformed);
	return harness_run(suite);
}
