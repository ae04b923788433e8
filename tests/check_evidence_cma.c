/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/treedir.h"

/* debugfs' cma, played by a directory. */

static char dir[TREEDIR_BYTES];
static struct evidence_answer answer;

static void setup(void)
{
	treedir_new(dir);
}

static void teardown(void)
{
	evidence_answer_deinit(&answer);
	treedir_remove(dir);
}

static void file(const char *name, const char *text)
{
	treedir_bytes(dir, name, text, strlen(text));
}

static void ask(const char *name, bool reusable)
{
	const struct evidence evidence = {.debugfs_cma = dir};
	const struct reserved_node node = {.name = (char *)name,
					   .reusable = reusable};

	evidence_answer_deinit(&answer);
	ck_assert_int_eq(evidence_cma.ask(&evidence, &node, &answer), 0);
}

START_TEST(test_area)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	treedir_node(dir, "linux,cma");
	file("linux,cma/base_pfn", "491520\n");
	file("linux,cma/count", "16384\n");
	ask("linux,cma", true);
	ck_assert_int_eq(answer.says, EVIDENCE_STATES);
	ck_assert_uint_eq(answer.n_ranges, 1);
	ck_assert_uint_eq(answer.ranges[0].base, 491520 * page);
	ck_assert_uint_eq(answer.ranges[0].size_bytes, 16384 * page);
	ask("linux,cma", false);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	ask("linux", true);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
}
END_TEST

START_TEST(test_old_prefix)
{
	treedir_node(dir, "cma-pool");
	file("cma-pool/base_pfn", "1\n");
	ask("pool", true);
	ck_assert_int_eq(answer.says, EVIDENCE_STATES);
	ck_assert_uint_eq(answer.ranges[0].size_bytes, 0);
}
END_TEST

/* The kernel keeps 63 characters of a name. */
START_TEST(test_long_name)
{
	char name[80], path[96];

	memset(name, 'n', sizeof(name));
	name[63] = '\0';
	treedir_node(dir, name);
	strcpy(path, name);
	strcat(path, "/base_pfn");
	file(path, "1\n");
	name[63] = 'n';
	name[79] = '\0';
	ask(name, true);
	ck_assert_int_eq(answer.says, EVIDENCE_STATES);
}
END_TEST

START_TEST(test_no_escape)
{
	treedir_node(dir, "a");
	file("base_pfn", "1\n");
	file("a/base_pfn", "1\n");
	ask(".", true);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	ask("a/../a", true);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	ask("", true);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
}
END_TEST

START_TEST(test_malformed)
{
	treedir_node(dir, "pool");
	file("pool/base_pfn", "x\n");
	ask("pool", true);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
	file("pool/base_pfn", "18446744073709551615\n");
	ask("pool", true);
	ck_assert_int_eq(answer.says, EVIDENCE_SILENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence_cma");
	TCase *tcase = harness_case(suite, "evidence_cma");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_area);
	tcase_add_test(tcase, test_old_prefix);
	tcase_add_test(tcase, test_long_name);
	tcase_add_test(tcase, test_no_escape);
	tcase_add_test(tcase, test_malformed);
	return harness_run(suite);
}
