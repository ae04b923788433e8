/* SPDX-License-Identifier: MIT */
#include "devicetree/references.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/treedir.h"

/* memory-region: who uses what, and references that cannot be right. */

static struct error why;

static struct reserved *read_fixture(const char *fixture)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	struct reserved *reserved = NULL;
	char path[512];

	(void)snprintf(path, sizeof(path), FIXTURES "/%s.dtb", fixture);
	ck_assert_msg(tree_load_blob(&tree, path, &why) == 0, "%s", why.text);
	ck_assert_msg(reserved_read(&reserved, tree, &why) == 0, "%s",
		      why.text);
	return reserved;
}

static const struct reserved_node *node(const struct reserved *reserved,
					const char *name)
{
	for (size_t i = 0; i < reserved->n_nodes; i++)
		if (strcmp(reserved->nodes[i].name, name) == 0)
			return &reserved->nodes[i];
	ck_abort_msg("no node %s", name);
}

static void complains(const struct reserved *reserved, const char *node_path,
		      const char *reason)
{
	for (size_t i = 0; i < reserved->n_complaints; i++)
		if (strstr(reserved->complaints[i], node_path) &&
		    strstr(reserved->complaints[i], reason))
			return;
	ck_abort_msg("nothing says that %s %s", node_path, reason);
}

START_TEST(test_users)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_fixture("board");
	const struct reserved_node *firmware =
		node(reserved, "firmware@c0000000");
	const struct reserved_node *pool = node(reserved, "dma-pool@a0000000");

	ck_assert_uint_eq(firmware->n_users, 2);
	ck_assert_str_eq(firmware->users[0], "/soc/isp@1000");
	ck_assert_str_eq(firmware->users[1], "/soc/dsp/core");
	/* Named twice by one node. */
	ck_assert_uint_eq(pool->n_users, 1);
	ck_assert_uint_eq(node(reserved, "cma")->n_users, 0);
	ck_assert_uint_eq(reserved->n_complaints, 0);
}
END_TEST

START_TEST(test_duplicate)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_fixture("phandle-duplicate");

	/* Which one is meant is open: neither may look unused. */
	ck_assert_uint_eq(node(reserved, "first@90000000")->n_users, 1);
	ck_assert_uint_eq(node(reserved, "second@91000000")->n_users, 1);
	ck_assert_uint_eq(node(reserved, "old@92000000")->n_users, 1);
	ck_assert_uint_eq(reserved->n_complaints, 2);
	complains(reserved, "/reserved-memory/second@91000000",
		  "0x7 is also that of /reserved-memory/first@90000000");
	complains(reserved, "/reserved-memory/two-cells@93000000",
		  "phandle is not one cell");
}
END_TEST

START_TEST(test_unknown)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_fixture("phandle-unknown");

	complains(reserved, "/unknown", "phandle 0x77, which no node has");
	complains(reserved, "/odd-length", "not a list of phandles");
	/* Phandle 0 is an entry left empty. */
	ck_assert_uint_eq(reserved->n_complaints, 2);
	ck_assert_uint_eq(node(reserved, "pool@90000000")->n_users, 1);
}
END_TEST

START_TEST(test_circle)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_fixture("phandle-circle");
	static const char *const circle[] = {"self@90000000", "one@92000000",
					     "two@93000000", "three@94000000"};

	for (size_t i = 0; i < sizeof(circle) / sizeof(circle[0]); i++) {
		const char *broken = node(reserved, circle[i])->broken;

		ck_assert_ptr_nonnull(broken);
		ck_assert_ptr_nonnull(strstr(broken, "circle"));
	}
	ck_assert_ptr_null(node(reserved, "before@91000000")->broken);
	ck_assert_ptr_null(node(reserved, "behind@95000000")->broken);
	ck_assert_uint_eq(node(reserved, "one@92000000")->n_users, 2);
}
END_TEST

/* 5,000 nodes in one circle, each with one user more: nothing is followed one
 * by one, and nothing is searched from the start. */
START_TEST(test_many)
{
	enum { NODES = 5000 };
	_cleanup_(tree_freep) struct tree *tree = NULL;
	_cleanup_(reserved_freep) struct reserved *reserved = NULL;
	char dir[TREEDIR_BYTES], path[128];

	treedir_new(dir);
	treedir_reserved_memory(dir);
	treedir_node(dir, "soc");
	for (uint32_t i = 0; i < NODES; i++) {
		(void)snprintf(path, sizeof(path), "reserved-memory/n%u", i);
		treedir_node(dir, path);
		strcat(path, "/phandle");
		TREEDIR_CELLS(dir, path, i + 1);
		(void)snprintf(path, sizeof(path),
			       "reserved-memory/n%u/memory-region", i);
		TREEDIR_CELLS(dir, path, (i + 1) % NODES + 1);
		(void)snprintf(path, sizeof(path), "soc/u%u", i);
		treedir_node(dir, path);
		strcat(path, "/memory-region");
		TREEDIR_CELLS(dir, path, NODES - i, 1);
	}
	ck_assert_int_eq(tree_load_directory(&tree, dir, &why), 0);
	treedir_remove(dir);
	ck_assert_int_eq(reserved_read(&reserved, tree, &why), 0);
	ck_assert_uint_eq(reserved->n_nodes, NODES);
	for (size_t i = 0; i < NODES; i++)
		ck_assert_uint_eq(reserved->nodes[i].n_users,
				  i == 0 ? NODES + 1 : 2);
	ck_assert_str_eq(reserved->nodes[1].users[0], "/reserved-memory/n0");
	ck_assert_str_eq(reserved->nodes[1].users[1], "/soc/u4998");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("references");
	TCase *tcase = harness_case(suite, "references");

	if (access(FIXTURES "/board.dtb", R_OK) < 0)
		harness_skip("the fixtures need dtc, the devicetree compiler");
	tcase_add_test(tcase, test_users);
	tcase_add_test(tcase, test_duplicate);
	tcase_add_test(tcase, test_unknown);
	tcase_add_test(tcase, test_circle);
	tcase_add_test(tcase, test_many);
	return harness_run(suite);
}
