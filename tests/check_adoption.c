/* SPDX-License-Identifier: MIT */
#include "devicetree/adoption.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/cleanup.h"
#include "util/fd.h"

/* Each reason to adopt or to refuse, from a tree that has a node for each. */

static struct error why;
static struct reserved *reserved;
static struct adoptions *adoptions;

static void load(const char *fixture)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	char path[512];

	(void)snprintf(path, sizeof(path), FIXTURES "/%s.dtb", fixture);
	ck_assert_msg(tree_load_blob(&tree, path, &why) == 0, "%s", why.text);
	ck_assert_msg(reserved_read(&reserved, tree, &why) == 0, "%s",
		      why.text);
}

static void setup(void)
{
	load("adoption");
}

static void teardown(void)
{
	adoptions = adoptions_free(adoptions);
	reserved = reserved_free(reserved);
}

static void decide(const struct adoption_rule *rules, size_t n_rules,
		   const struct evidence *evidence)
{
	adoptions = adoptions_free(adoptions);
	ck_assert_int_eq(adoptions_decide(&adoptions, reserved, rules, n_rules,
					  evidence),
			 0);
}

static const struct adoption *entry(const char *name, size_t nth)
{
	for (size_t i = 0; i < adoptions->n_entries; i++)
		if (strcmp(adoptions->entries[i].node->name, name) == 0 &&
		    nth-- == 0)
			return &adoptions->entries[i];
	ck_abort_msg("no entry %s", name);
}

static void adopts(const char *name, const char *reason)
{
	const struct adoption *found = entry(name, 0);

	ck_assert_msg(found->adopted, "%s: %s", name, found->reason);
	ck_assert_str_eq(found->reason, reason);
}

static void refuses(const char *name, const char *reason)
{
	const struct adoption *found = entry(name, 0);

	ck_assert_msg(!found->adopted, "%s: %s", name, found->reason);
	ck_assert_str_eq(found->reason, reason);
}

START_TEST(test_by_default)
{
	static const char mapped[] = "mapped by the kernel, for lack of "
				     "no-map: System RAM is never lent through "
				     "/dev/mem";

	decide(NULL, 0, NULL);
	adopts("good@90000000", "compatible with contiguous-memory");
	adopts("beside@95000000", "compatible with contiguous-memory");
	adopts("top@fffffffffffff000", "compatible with contiguous-memory");
	refuses("mapped@94000000", mapped);
	refuses("used@91000000", "in use by /isp and others: adopted only "
				 "where the configuration names it");
	refuses("memory@92000000",
		"compatible with shared-dma-pool, not contiguous-memory: "
		"adopted only where the configuration names it");
	refuses("memory@93000000",
		"not compatible with anything: adopted only where the "
		"configuration names it");
	refuses("reusable", "reusable: the kernel itself uses the memory while "
			    "it is not allocated");
	refuses("disabled@95000000", "its status is \"reserved\"");
	refuses("empty@96000000", "empty: its size is 0");
	refuses("base@97000800",
		"not in whole pages: its base is not a multiple of 4096");
	refuses("size@98000000",
		"not in whole pages: its size is not a multiple of 4096");
	refuses("overlap@99000000",
		"overlaps firmware@99001000 at 0x99001000-0x99001fff");
	refuses("reservation@41000000",
		"overlaps the memory reservation 0x41000000-0x41000fff");
	refuses("broken", "broken: its reg has 8 bytes, not a multiple of the "
			  "16 that #address-cells 2 and #size-cells 2 make");
	refuses("dynamic", "placed by the kernel at boot: where, shows only on "
			   "the running machine itself");
}
END_TEST

START_TEST(test_entries)
{
	const struct adoption *second, *dynamic, *broken;

	decide(NULL, 0, NULL);
	ck_assert_uint_eq(adoptions->n_entries, reserved->n_nodes + 1);
	second = entry("good@90000000", 1);
	ck_assert(second->adopted && second->has_base && second->has_size);
	ck_assert_uint_eq(second->base, 0x90200000);
	ck_assert_uint_eq(second->size_bytes, 0x100000);
	ck_assert_ptr_null(second->rule);
	dynamic = entry("dynamic", 0);
	ck_assert(!dynamic->has_base && dynamic->has_size);
	ck_assert_uint_eq(dynamic->size_bytes, 0x100000);
	broken = entry("broken", 0);
	ck_assert(!broken->has_base && !broken->has_size);
}
END_TEST

START_TEST(test_named)
{
	const struct adoption_rule rules[] = {
		{"memory@92000000", ADOPTION_NAMED},
		{"/reserved-memory/memory@93000000", ADOPTION_NAMED},
		{"used", ADOPTION_NAMED},
		{"mapped", ADOPTION_NAMED},
		{"disabled", ADOPTION_NAMED},
		{"firmware@99001000", ADOPTION_NAMED},
	};

	decide(rules, 6, NULL);
	adopts("memory@92000000", "named by the configuration");
	adopts("memory@93000000", "named by the configuration");
	adopts("used@91000000", "named by the configuration");
	ck_assert_ptr_eq(entry("used@91000000", 0)->rule, &rules[2]);
	/* No rule makes memory fit that is not. */
	ck_assert(!entry("mapped@94000000", 0)->adopted);
	ck_assert(!entry("disabled@95000000", 0)->adopted);
	refuses("firmware@99001000",
		"overlaps overlap@99000000 at 0x99000000-0x99001fff");
}
END_TEST

START_TEST(test_ambiguous)
{
	const struct adoption_rule rules[] = {{"memory", ADOPTION_NAMED}};
	const struct adoption_rule forbids[] = {{"memory", ADOPTION_FORBIDDEN}};

	decide(rules, 1, NULL);
	refuses("memory@92000000",
		"the configuration names memory, but 2 nodes answer to that: "
		"name it with its unit address or its path");
	decide(forbids, 1, NULL);
	refuses("memory@92000000", "the configuration forbids it");
	refuses("memory@93000000", "the configuration forbids it");
}
END_TEST

START_TEST(test_forbidden)
{
	const struct adoption_rule rules[] = {
		{"good", ADOPTION_NAMED},
		{"good@90000000", ADOPTION_FORBIDDEN},
		{"beside", ADOPTION_BY_DEFAULT},
		{"used", ADOPTION_BY_DEFAULT},
	};

	decide(rules, 4, NULL);
	refuses("good@90000000", "the configuration forbids it");
	ck_assert(!entry("good@90000000", 1)->adopted);
	adopts("beside@95000000", "compatible with contiguous-memory");
	ck_assert_ptr_eq(entry("beside@95000000", 0)->rule, &rules[2]);
	ck_assert(!entry("used@91000000", 0)->adopted);
}
END_TEST

START_TEST(test_unmatched)
{
	const struct adoption_rule rules[] = {
		{"goo", ADOPTION_NAMED},
		{"good", ADOPTION_NAMED},
		{"good@9000000", ADOPTION_NAMED},
		{"/reserved-memory/good", ADOPTION_NAMED},
		{"good@90000000", ADOPTION_FORBIDDEN},
	};
	size_t i = 0;

	decide(rules, 5, NULL);
	ck_assert_ptr_eq(adoption_unmatched_rule(adoptions, rules, 5, &i),
			 &rules[0]);
	ck_assert_ptr_eq(adoption_unmatched_rule(adoptions, rules, 5, &i),
			 &rules[2]);
	ck_assert_ptr_eq(adoption_unmatched_rule(adoptions, rules, 5, &i),
			 &rules[3]);
	ck_assert_ptr_null(adoption_unmatched_rule(adoptions, rules, 5, &i));
}
END_TEST

START_TEST(test_with_evidence)
{
	const struct evidence evidence = {
		.kernel_log = (char *)"OF: reserved mem: 0x7ff00000..0x7fffffff "
				      "(1024 KiB) nomap non-reusable "
				      "dynamic\n",
		.iomem = (char *)"40000000-7fefffff : System RAM\n"
				 "7ff00000-7fffffff : reserved\n"
				 "90000000-900fffff : reserved\n"
				 "90200000-902fffff : System RAM\n"};

	decide(NULL, 0, &evidence);
	adopts("good@90000000", "compatible with contiguous-memory");
	ck_assert(!entry("good@90000000", 1)->adopted);
	ck_assert_str_eq(entry("good@90000000", 1)->reason,
			 "/proc/iomem shows System RAM there, so the kernel "
			 "did not reserve it");
	adopts("dynamic",
	       "compatible with contiguous-memory; placed there according to "
	       "the kernel log, confirmed by /proc/iomem");
	ck_assert(entry("dynamic", 0)->has_base);
	ck_assert_uint_eq(entry("dynamic", 0)->base, 0x7ff00000);
}
END_TEST

START_TEST(test_evidence_disagrees)
{
	const struct evidence evidence = {
		.kernel_log = (char *)"OF: reserved mem: 0x7ff00000..0x7fffffff "
				      "(1024 KiB) nomap non-reusable "
				      "dynamic\n",
		.iomem = (char *)"80000000-800fffff : reserved\n"};

	decide(NULL, 0, &evidence);
	refuses("dynamic",
		"sources disagree: the kernel log places it at 0x7ff00000, but "
		"/proc/iomem does not show it reserved there");
	ck_assert(!entry("dynamic", 0)->has_base);
}
END_TEST

/* Placed where a static node is: neither may be lent. */
START_TEST(test_placed_on_another)
{
	const struct evidence evidence = {
		.kernel_log = (char *)"OF: reserved mem: 0x90000000..0x900fffff "
				      "(1024 KiB) nomap non-reusable "
				      "dynamic\n"};

	decide(NULL, 0, &evidence);
	refuses("dynamic",
		"overlaps good@90000000 at 0x90000000-0x900fffff");
	refuses("good@90000000", "overlaps dynamic at 0x90000000-0x900fffff");
}
END_TEST

START_TEST(test_hidden_addresses)
{
	const struct evidence evidence = {
		.iomem = (char *)"00000000-00000000 : System RAM\n"};

	decide(NULL, 0, &evidence);
	adopts("good@90000000",
	       "compatible with contiguous-memory; /proc/iomem shows no "
	       "addresses to this process, so that it is not System RAM is "
	       "taken on trust");
}
END_TEST

/* Linux ignores these nodes: then only evidence can tell. */
START_TEST(test_doubt)
{
	const struct evidence hidden = {.iomem = NULL};
	const struct evidence shown = {
		.iomem = (char *)"40000000-7fffffff : System RAM\n"};

	teardown();
	load("no-ranges");
	decide(NULL, 0, &hidden);
	refuses("camera@90000000", "/reserved-memory has no ranges property, "
				   "so Linux ignores its nodes");
	decide(NULL, 0, &shown);
	adopts("camera@90000000", "compatible with contiguous-memory");
	decide(NULL, 0, NULL);
	adopts("camera@90000000",
	       "compatible with contiguous-memory; there only if it is not "
	       "System RAM, for /reserved-memory has no ranges property, so "
	       "Linux ignores its nodes");
}
END_TEST

START_TEST(test_no_nodes)
{
	teardown();
	load("no-reserved-memory");
	decide(NULL, 0, NULL);
	ck_assert_uint_eq(adoptions->n_entries, 0);
}
END_TEST

/* A range that overflows is broken, and yet others must keep off it. */
START_TEST(test_overflow_overlaps)
{
	struct reserved_range reg[2] = {{0xffffffff00000000, UINT64_MAX},
					{0xfffffffffffff000, 0x1000}};
	struct reserved_node nodes[2] = {
		{.name = (char *)"big",
		 .path = (char *)"/reserved-memory/big",
		 .status = (char *)"okay",
		 .reg = &reg[0],
		 .n_reg = 1,
		 .broken = (char *)"it overflows"},
		{.name = (char *)"small",
		 .path = (char *)"/reserved-memory/small",
		 .compatible = (char *[]){(char *)"contiguous-memory"},
		 .n_compatible = 1,
		 .status = (char *)"okay",
		 .no_map = true,
		 .reg = &reg[1],
		 .n_reg = 1}};
	struct reserved both = {.nodes = nodes, .n_nodes = 2};

	ck_assert_int_eq(adoptions_decide(&adoptions, &both, NULL, 0, NULL), 0);
	refuses("big", "broken: it overflows");
	refuses("small",
		"overlaps big at 0xffffffff00000000-0xffffffffffffffff");
}
END_TEST

/* Every byte of a blob wrong in turn, in two ways: whatever is still accepted
 * as a devicetree is read and decided upon, with a reason for every range. */
START_TEST(test_corrupt)
{
	_cleanup_free_ char *blob = NULL;
	size_t len, decided = 0;

	teardown();
	ck_assert_int_eq(fd_read_file(FIXTURES "/adoption.dtb", 1 << 20, &blob,
				      &len),
			 0);
	for (size_t i = 0; i < 2 * len; i++) {
		_cleanup_(tree_freep) struct tree *tree = NULL;
		char kept = blob[i / 2];

		blob[i / 2] = (char)(i % 2 ? kept + 1 : ~kept);
		if (tree_load_memory(&tree, blob, len, &why) == 0 &&
		    reserved_read(&reserved, tree, &why) == 0) {
			decide(NULL, 0, NULL);
			for (size_t k = 0; k < adoptions->n_entries; k++)
				ck_assert_str_ne(adoptions->entries[k].reason,
						 "");
			decided++;
		}
		teardown();
		blob[i / 2] = kept;
	}
	ck_assert_uint_gt(decided, len / 2);
	ck_assert_uint_lt(decided, 2 * len);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("adoption");
	TCase *tcase = harness_case(suite, "adoption");

	if (access(FIXTURES "/board.dtb", R_OK) < 0)
		harness_skip("the fixtures need dtc, the devicetree compiler");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_by_default);
	tcase_add_test(tcase, test_entries);
	tcase_add_test(tcase, test_named);
	tcase_add_test(tcase, test_ambiguous);
	tcase_add_test(tcase, test_forbidden);
	tcase_add_test(tcase, test_unmatched);
	tcase_add_test(tcase, test_with_evidence);
	tcase_add_test(tcase, test_evidence_disagrees);
	tcase_add_test(tcase, test_placed_on_another);
	tcase_add_test(tcase, test_hidden_addresses);
	tcase_add_test(tcase, test_doubt);
	tcase_add_test(tcase, test_no_nodes);
	tcase_add_test(tcase, test_overflow_overlaps);
	tcase_add_test(tcase, test_corrupt);
	return harness_run(suite);
}
