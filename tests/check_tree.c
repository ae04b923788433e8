/* SPDX-License-Identifier: MIT */
#include "devicetree/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/treedir.h"
#include "util/cleanup.h"
#include "util/fd.h"

/* Trees from blobs and directories, and every way in which a blob is none. */

static struct error why;

static struct tree *load(const char *fixture)
{
	char path[512];
	struct tree *tree = NULL;

	(void)snprintf(path, sizeof(path), FIXTURES "/%s.dtb", fixture);
	ck_assert_msg(tree_load_blob(&tree, path, &why) == 0, "%s", why.text);
	return tree;
}

static void read_fixture(const char *fixture, char **blobp, size_t *lenp)
{
	char path[512];

	(void)snprintf(path, sizeof(path), FIXTURES "/%s.dtb", fixture);
	ck_assert_int_eq(fd_read_file(path, 1 << 20, blobp, lenp), 0);
}

START_TEST(test_walk)
{
	static const char *const paths[] = {
		"/", "/reserved-memory", "/reserved-memory/camera@90000000",
		"/reserved-memory/dma-pool@a0000000", "/reserved-memory/cma",
		"/reserved-memory/dyn-pool",
		"/reserved-memory/trace@b0000000",
		"/reserved-memory/spare@b8000000",
		"/reserved-memory/firmware@c0000000", "/soc", "/soc/isp@1000",
		"/soc/dsp", "/soc/dsp/core"};
	_cleanup_(tree_freep) struct tree *tree = load("board");
	size_t i = 0;

	for (int node = 0; node >= 0; node = tree_next(tree, node), i++) {
		_cleanup_free_ char *path = tree_path(tree, node);

		ck_assert_uint_lt(i, sizeof(paths) / sizeof(paths[0]));
		ck_assert_str_eq(path, paths[i]);
		ck_assert_int_eq(tree_find(tree, path), node);
	}
	ck_assert_uint_eq(i, sizeof(paths) / sizeof(paths[0]));
}
END_TEST

START_TEST(test_family)
{
	_cleanup_(tree_freep) struct tree *tree = load("board");
	int soc = tree_find(tree, "/soc"), isp, dsp;

	ck_assert_int_eq(tree_next_sibling(tree, 0), -ENOENT);
	ck_assert_int_eq(tree_first_child(tree, 0),
			 tree_find(tree, "/reserved-memory"));
	ck_assert_int_eq(tree_next_sibling(tree, tree_first_child(tree, 0)),
			 soc);
	ck_assert_int_eq(tree_next_sibling(tree, soc), -ENOENT);
	isp = tree_first_child(tree, soc);
	ck_assert_str_eq(tree_name(tree, isp), "isp@1000");
	ck_assert_int_eq(tree_first_child(tree, isp), -ENOENT);
	dsp = tree_next_sibling(tree, isp);
	ck_assert_str_eq(tree_name(tree, dsp), "dsp");
	ck_assert_int_eq(tree_next_sibling(tree, dsp), -ENOENT);
	ck_assert_str_eq(tree_name(tree, 0), "");
}
END_TEST

START_TEST(test_find)
{
	_cleanup_(tree_freep) struct tree *tree = load("board");

	ck_assert_int_eq(tree_find(tree, ""), 0);
	ck_assert_int_eq(tree_find(tree, "/"), 0);
	ck_assert_int_eq(tree_find(tree, "/soc/isp"),
			 tree_find(tree, "/soc/isp@1000"));
	ck_assert_int_eq(tree_find(tree, "/soc/isp@100"), -ENOENT);
	ck_assert_int_eq(tree_find(tree, "/soc/is"), -ENOENT);
	ck_assert_int_eq(tree_find(tree, "/soc/isp@1000/x"), -ENOENT);
}
END_TEST

START_TEST(test_property)
{
	_cleanup_(tree_freep) struct tree *tree = load("board");
	int cma = tree_find(tree, "/reserved-memory/cma");
	size_t len = 99;

	ck_assert_str_eq(tree_property(tree, 0, "model", &len),
			 "contigd test board");
	ck_assert_uint_eq(len, sizeof("contigd test board"));
	ck_assert_ptr_nonnull(tree_property(tree, cma, "reusable", &len));
	ck_assert_uint_eq(len, 0);
	ck_assert_ptr_null(tree_property(tree, cma, "reg", &len));
}
END_TEST

START_TEST(test_memreserve)
{
	_cleanup_(tree_freep) struct tree *tree = load("board");
	uint64_t base, size;

	ck_assert_uint_eq(tree_memreserve_count(tree), 2);
	ck_assert_int_eq(tree_memreserve(tree, 1, &base, &size), 0);
	ck_assert_uint_eq(base, 0xfffffffffffff000);
	ck_assert_uint_eq(size, 0x1000);
	ck_assert_int_eq(tree_memreserve(tree, 2, &base, &size), -ENOENT);
}
END_TEST

/* Cut at every byte: never a tree, never a crash, always words. */
START_TEST(test_truncated)
{
	_cleanup_free_ char *blob = NULL;
	struct tree *tree = NULL;
	size_t len;

	read_fixture("board", &blob, &len);
	for (size_t cut = 0; cut < len; cut++) {
		why.text[0] = '\0';
		ck_assert_int_eq(tree_load_memory(&tree, blob, cut, &why),
				 -EBADMSG);
		ck_assert_str_ne(why.text, "");
	}
	ck_assert_ptr_null(tree);
	ck_assert_int_eq(tree_load_memory(&tree, blob, len - 1, &why),
			 -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, "truncated"));
	ck_assert_int_eq(tree_load_memory(&tree, blob, len, &why), 0);
	tree_free(tree);
}
END_TEST

/* Each byte in turn becomes wrong: refused or read, but in bounds. */
START_TEST(test_corrupt)
{
	_cleanup_free_ char *blob = NULL;
	size_t len, refused = 0;

	read_fixture("board", &blob, &len);
	for (size_t i = 0; i < len; i++) {
		_cleanup_(tree_freep) struct tree *tree = NULL;
		char kept = blob[i];

		blob[i] = (char)~kept;
		if (tree_load_memory(&tree, blob, len, &why) < 0)
			refused++;
		else
			for (int n = 0; n >= 0; n = tree_next(tree, n))
				free(tree_path(tree, n));
		blob[i] = kept;
	}
	ck_assert_uint_gt(refused, 0);
	ck_assert_uint_lt(refused, len);
}
END_TEST

START_TEST(test_no_devicetree)
{
	static const char text[] = "this is no devicetree, but a text that "
				   "is long enough for a header";
	struct tree *tree = NULL;

	ck_assert_int_eq(tree_load_memory(&tree, text, sizeof(text), &why),
			 -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, "no devicetree"));
	ck_assert_int_eq(tree_load_memory(&tree, text, 3, &why), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, "no devicetree"));
	ck_assert_int_eq(tree_load_memory(&tree, text, 0, &why), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, "empty"));
	ck_assert_int_eq(tree_load_blob(&tree, "/dev/null", &why), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, "/dev/null"));
}
END_TEST

START_TEST(test_no_file)
{
	char dir[TREEDIR_BYTES], path[TREEDIR_BYTES + 16];
	struct tree *tree = NULL;

	treedir_new(dir);
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	ck_assert_int_eq(tree_load_blob(&tree, path, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, path));
	ck_assert_int_eq(tree_load_blob(&tree, dir, &why), -EISDIR);
	treedir_bytes(dir, "file", "", 0);
	ck_assert_int_eq(truncate(path, (64 << 20) + 1), 0);
	ck_assert_int_eq(tree_load_blob(&tree, path, &why), -EFBIG);
	ck_assert_int_eq(truncate(path, 64 << 20), 0);
	ck_assert_int_eq(tree_load_blob(&tree, path, &why), -EBADMSG);
	treedir_remove(dir);
}
END_TEST

START_TEST(test_directory)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	char dir[TREEDIR_BYTES];
	const char *first;
	size_t len;
	int child;

	treedir_new(dir);
	treedir_reserved_memory(dir);
	treedir_node(dir, "reserved-memory/a@1000");
	TREEDIR_CELLS(dir, "reserved-memory/a@1000/reg", 1, 2, 3, 4);
	treedir_bytes(dir, "reserved-memory/a@1000/name", "a", 2);
	treedir_node(dir, "soc");
	ck_assert_msg(tree_load_directory(&tree, dir, &why) == 0, "%s",
		      why.text);
	treedir_remove(dir);
	child = tree_find(tree, "/reserved-memory/a");
	ck_assert_str_eq(tree_name(tree, child), "a@1000");
	ck_assert_ptr_nonnull(tree_property(tree, child, "reg", &len));
	ck_assert_uint_eq(len, 16);
	/* The kernel makes this one; no blob has it. */
	ck_assert_ptr_null(tree_property(tree, child, "name", &len));
	ck_assert_int_gt(tree_find(tree, "/soc"), child);
	ck_assert_uint_eq(tree_memreserve_count(tree), 0);
	ck_assert_uint_eq(tree_unread_count(tree, &first), 0);
	ck_assert_ptr_null(first);
}
END_TEST

/* Larger than any first buffer, with a name of each kind of growth. */
START_TEST(test_directory_grows)
{
	enum { BYTES = 300000 };
	_cleanup_(tree_freep) struct tree *tree = NULL;
	_cleanup_free_ char *bytes = malloc(BYTES);
	char dir[TREEDIR_BYTES], name[64];
	const char *found;
	size_t len;

	treedir_new(dir);
	treedir_reserved_memory(dir);
	for (int i = 0; i < 3; i++) {
		memset(bytes, 'a' + i, BYTES);
		(void)snprintf(name, sizeof(name), "property-%d", i);
		treedir_bytes(dir, name, bytes, BYTES);
	}
	ck_assert_msg(tree_load_directory(&tree, dir, &why) == 0, "%s",
		      why.text);
	treedir_remove(dir);
	for (int i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "property-%d", i);
		found = tree_property(tree, 0, name, &len);
		ck_assert_ptr_nonnull(found);
		ck_assert_uint_eq(len, BYTES);
		ck_assert_int_eq(found[0], 'a' + i);
		ck_assert_int_eq(found[BYTES - 1], 'a' + i);
	}
}
END_TEST

START_TEST(test_directory_unread)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	char dir[TREEDIR_BYTES], path[TREEDIR_BYTES + 16];
	const char *first;

	treedir_new(dir);
	treedir_reserved_memory(dir);
	treedir_bytes(dir, "huge\nname", "", 0);
	(void)snprintf(path, sizeof(path), "%s/huge\nname", dir);
	ck_assert_int_eq(truncate(path, (64 << 20) + 1), 0);
	ck_assert_int_eq(tree_load_directory(&tree, dir, &why), 0);
	treedir_remove(dir);
	ck_assert_uint_eq(tree_unread_count(tree, &first), 1);
	ck_assert_ptr_nonnull(strstr(first, "huge\\x0aname: "));
	ck_assert_int_gt(tree_find(tree, "/reserved-memory"), 0);
}
END_TEST

START_TEST(test_directory_refused)
{
	char dir[TREEDIR_BYTES];
	struct tree *tree = NULL;

	treedir_new(dir);
	ck_assert_int_eq(tree_load_directory(&tree, dir, &why), -EBADMSG);
	treedir_remove(dir);
	ck_assert_int_eq(tree_load_directory(&tree, dir, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, dir));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tree");
	TCase *blob = harness_case(suite, "blob");
	TCase *broken = harness_case(suite, "broken");
	TCase *directory = harness_case(suite, "directory");

	if (access(FIXTURES "/board.dtb", R_OK) < 0)
		harness_skip("the fixtures need dtc, the devicetree compiler");
	tcase_add_test(blob, test_walk);
	tcase_add_test(blob, test_family);
	tcase_add_test(blob, test_find);
	tcase_add_test(blob, test_property);
	tcase_add_test(blob, test_memreserve);
	tcase_add_test(broken, test_truncated);
	tcase_add_test(broken, test_corrupt);
	tcase_add_test(broken, test_no_devicetree);
	tcase_add_test(broken, test_no_file);
	tcase_add_test(directory, test_directory);
	tcase_add_test(directory, test_directory_grows);
	tcase_add_test(directory, test_directory_unread);
	tcase_add_test(directory, test_directory_refused);
	return harness_run(suite);
}
