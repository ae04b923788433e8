/* SPDX-License-Identifier: MIT */
#include "devicetree/reserved.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/treedir.h"

/* What the reader makes of each form of the binding, and of each defect. */

static struct error why;

static int read_fixture(const char *fixture, struct reserved **reservedp)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	char path[512];

	(void)snprintf(path, sizeof(path), FIXTURES "/%s.dtb", fixture);
	ck_assert_msg(tree_load_blob(&tree, path, &why) == 0, "%s", why.text);
	return reserved_read(reservedp, tree, &why);
}

static struct reserved *read_good(const char *fixture)
{
	struct reserved *reserved = NULL;

	ck_assert_msg(read_fixture(fixture, &reserved) == 0, "%s", why.text);
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

static void has_range(const struct reserved_range *ranges, size_t n, size_t i,
		      uint64_t base, uint64_t size_bytes)
{
	ck_assert_uint_lt(i, n);
	ck_assert_uint_eq(ranges[i].base, base);
	ck_assert_uint_eq(ranges[i].size_bytes, size_bytes);
}

START_TEST(test_static)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_good("board");
	const struct reserved_node *camera = node(reserved, "camera@90000000");
	const struct reserved_node *firmware =
		node(reserved, "firmware@c0000000");

	ck_assert_uint_eq(reserved->n_nodes, 7);
	ck_assert_str_eq(camera->path, "/reserved-memory/camera@90000000");
	ck_assert_uint_eq(camera->n_compatible, 2);
	ck_assert_str_eq(camera->compatible[0], "contiguous-memory");
	ck_assert_str_eq(camera->compatible[1], "reserved-memory");
	ck_assert(reserved_node_is_compatible(camera, "reserved-memory"));
	ck_assert(!reserved_node_is_compatible(camera, "reserved"));
	ck_assert(camera->no_map && !camera->reusable);
	ck_assert(camera->contiguous_default && !camera->cma_default);
	ck_assert_str_eq(camera->status, "okay");
	ck_assert(!camera->has_size && !camera->has_alignment);
	ck_assert_uint_eq(camera->n_reg, 1);
	has_range(camera->reg, camera->n_reg, 0, 0x90000000, 0x1000000);
	ck_assert_uint_eq(firmware->n_reg, 3);
	has_range(firmware->reg, 3, 1, 0x8c0000000, 0x1000000000);
	/* Ends exactly at 2^64. */
	has_range(firmware->reg, 3, 2, 0xfffffffffffff000, 0x1000);
	ck_assert_ptr_null(firmware->broken);
	ck_assert_uint_eq(firmware->n_compatible, 0);
	ck_assert(node(reserved, "dma-pool@a0000000")->dma_default);
	ck_assert_ptr_null(reserved->doubt);
}
END_TEST

START_TEST(test_dynamic)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_good("board");
	const struct reserved_node *cma = node(reserved, "cma");
	const struct reserved_node *dyn = node(reserved, "dyn-pool");

	ck_assert_uint_eq(cma->n_reg, 0);
	ck_assert(cma->has_size && cma->has_alignment);
	ck_assert_uint_eq(cma->size_bytes, 0x4000000);
	ck_assert_uint_eq(cma->alignment_bytes, 0x400000);
	ck_assert_uint_eq(cma->n_alloc_ranges, 2);
	has_range(cma->alloc_ranges, 2, 0, 0x40000000, 0x40000000);
	has_range(cma->alloc_ranges, 2, 1, 0x100000000, 0x80000000);
	ck_assert(cma->reusable && !cma->no_map && cma->cma_default);
	ck_assert(dyn->has_size && !dyn->has_alignment && dyn->no_map);
}
END_TEST

START_TEST(test_status)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_good("board");
	const struct reserved_node *spare = node(reserved, "spare@b8000000");

	ck_assert_str_eq(spare->status, "disabled");
	ck_assert(!reserved_node_is_enabled(spare));
	ck_assert(reserved_node_is_enabled(node(reserved, "cma")));
	ck_assert(
		reserved_node_is_enabled(node(reserved, "firmware@c0000000")));
}
END_TEST

START_TEST(test_memreserve)
{
	_cleanup_(reserved_freep) struct reserved *board = read_good("board");
	_cleanup_(reserved_freep) struct reserved *powerpc =
		read_good("reserved-ranges");

	ck_assert_uint_eq(board->n_memreserve, 2);
	has_range(board->memreserve, 2, 0, 0x40000000, 0x10000);
	has_range(board->memreserve, 2, 1, 0xfffffffffffff000, 0x1000);
	ck_assert_uint_eq(powerpc->n_memreserve, 3);
	has_range(powerpc->memreserve, 3, 0, 0x1000, 0x1000);
	has_range(powerpc->memreserve, 3, 1, 0x100000000, 0x1000);
	has_range(powerpc->memreserve, 3, 2, 0x200000000, 0x2000);
}
END_TEST

START_TEST(test_no_reserved_memory)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_good("no-reserved-memory");

	ck_assert_uint_eq(reserved->n_nodes, 0);
	ck_assert_uint_eq(reserved->n_memreserve, 1);
}
END_TEST

START_TEST(test_cells_1_1)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_good("cells-1-1");
	const struct reserved_node *camera = node(reserved, "camera@90000000");
	const struct reserved_node *cma = node(reserved, "cma");

	ck_assert_uint_eq(camera->n_reg, 2);
	has_range(camera->reg, 2, 0, 0x90000000, 0x1000000);
	has_range(camera->reg, 2, 1, 0xfffff000, 0x1000);
	ck_assert_uint_eq(cma->size_bytes, 0x2000000);
	ck_assert_uint_eq(cma->alignment_bytes, 0x2000);
	has_range(cma->alloc_ranges, 1, 0, 0x80000000, 0x10000000);
	ck_assert_ptr_null(reserved->doubt);
}
END_TEST

START_TEST(test_cells_mixed)
{
	_cleanup_(reserved_freep) struct reserved *two_one =
		read_good("cells-2-1");
	_cleanup_(reserved_freep) struct reserved *one_two =
		read_good("cells-1-2");

	has_range(node(two_one, "camera@890000000")->reg, 1, 0, 0x890000000,
		  0x1000000);
	ck_assert_uint_eq(node(two_one, "cma")->alignment_bytes, 0x2000);
	ck_assert_ptr_null(node(two_one, "cma")->broken);
	ck_assert_ptr_null(two_one->doubt);
	has_range(node(one_two, "camera@90000000")->reg, 1, 0, 0x90000000,
		  0x101000000);
	ck_assert_ptr_null(one_two->doubt);
}
END_TEST

static void cannot_read(const char *fixture, const char *reason)
{
	struct reserved *reserved = NULL;

	ck_assert_int_eq(read_fixture(fixture, &reserved), -EBADMSG);
	ck_assert_ptr_null(reserved);
	ck_assert_msg(strstr(why.text, "/reserved-memory") &&
			      strstr(why.text, reason),
		      "%s says: %s", fixture, why.text);
}

START_TEST(test_cells_wrong)
{
	cannot_read("cells-0", "#size-cells is 0");
	cannot_read("cells-3", "#address-cells is 3");
	cannot_read("cells-two-values", "#address-cells has 8 bytes");
}
END_TEST

/* Readable, but Linux will not honour the nodes. */
START_TEST(test_doubt)
{
	static const struct {
		const char *fixture;
		const char *reason;
	} cases[] = {{"cells-missing", "lacks #address-cells"},
		     {"cells-not-the-roots", "than the root"},
		     {"no-ranges", "no ranges"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(reserved_freep) struct reserved *reserved =
			read_good(cases[i].fixture);

		ck_assert_ptr_nonnull(reserved->doubt);
		ck_assert_ptr_nonnull(
			strstr(reserved->doubt, cases[i].reason));
		has_range(node(reserved, "camera@90000000")->reg, 1, 0,
			  0x90000000, 0x1000000);
	}
}
END_TEST

START_TEST(test_broken_nodes)
{
	static const struct {
		const char *name;
		const char *reason;
	} cases[] = {
		{"reg-length", "reg has 12 bytes, not a multiple of the 16"},
		{"reg-empty", "reg is empty"},
		{"reg-overflow", "goes beyond 2^64"},
		{"second-reg-overflow", "reg entry 0x8000000000000000"},
		{"no-reg-no-size", "neither reg nor size"},
		{"size-length", "size has 4 bytes"},
		{"alignment-length", "alignment has 12 bytes"},
		{"alignment-short", "alignment has 4 bytes"},
		{"alignment-three", "0x3000 is not a power of two"},
		{"alloc-ranges-length", "alloc-ranges has 4 bytes"},
		{"alloc-ranges-overflow", "alloc-ranges entry"},
		{"no-map-and-reusable", "both no-map and reusable"},
		{"compatible-no-strings", "compatible is not a list"},
		{"status-no-string", "status is not a string"},
	};
	_cleanup_(reserved_freep) struct reserved *reserved =
		read_good("broken-nodes");
	size_t n = sizeof(cases) / sizeof(cases[0]);

	ck_assert_uint_eq(reserved->n_nodes, n + 1);
	for (size_t i = 0; i < n; i++) {
		const char *broken = node(reserved, cases[i].name)->broken;

		ck_assert_msg(broken && strstr(broken, cases[i].reason),
			      "%s: %s", cases[i].name,
			      broken ? broken : "not broken");
	}
	ck_assert_ptr_null(node(reserved, "healthy@93000000")->broken);
	ck_assert_uint_eq(node(reserved, "reg-overflow")->n_reg, 1);
	ck_assert_str_eq(node(reserved, "status-no-string")->status, "ok");
	/* What could be read is kept. */
	ck_assert(node(reserved, "size-length")->has_size);
	ck_assert_uint_eq(node(reserved, "size-length")->size_bytes, 0x1000);
	ck_assert(!node(reserved, "alignment-length")->has_alignment);
	ck_assert(node(reserved, "alignment-short")->has_alignment);
}
END_TEST

START_TEST(test_range_end)
{
	struct reserved_range range = {0xfffffffffffff000, 0x1000};

	ck_assert(!reserved_range_overflows(&range));
	ck_assert_uint_eq(reserved_range_last(&range), UINT64_MAX);
	range.size_bytes++;
	ck_assert(reserved_range_overflows(&range));
	range = (struct reserved_range){UINT64_MAX, 1};
	ck_assert(!reserved_range_overflows(&range));
	range = (struct reserved_range){UINT64_MAX, 0};
	ck_assert(!reserved_range_overflows(&range));
	range = (struct reserved_range){0, UINT64_MAX};
	ck_assert(!reserved_range_overflows(&range));
}
END_TEST

START_TEST(test_5000_nodes)
{
	enum { NODES = 5000 };
	_cleanup_(tree_freep) struct tree *tree = NULL;
	_cleanup_(reserved_freep) struct reserved *reserved = NULL;
	char dir[TREEDIR_BYTES], path[128];

	treedir_new(dir);
	treedir_reserved_memory(dir);
	for (uint32_t i = 0; i < NODES; i++) {
		(void)snprintf(path, sizeof(path),
			       "reserved-memory/pool@%08x",
			       0x10000000 + i * 0x1000);
		treedir_node(dir, path);
		strcat(path, "/reg");
		TREEDIR_CELLS(dir, path, 0, 0x10000000 + i * 0x1000, 0, 0x1000);
	}
	ck_assert_int_eq(tree_load_directory(&tree, dir, &why), 0);
	treedir_remove(dir);
	ck_assert_int_eq(reserved_read(&reserved, tree, &why), 0);
	ck_assert_uint_eq(reserved->n_nodes, NODES);
	for (uint64_t i = 0; i < NODES; i++) {
		const struct reserved_node *pool = &reserved->nodes[i];
		char name[32];

		ck_assert_uint_eq(pool->n_reg, 1);
		(void)snprintf(name, sizeof(name), "pool@%08x",
			       (unsigned int)pool->reg[0].base);
		ck_assert_str_eq(pool->name, name);
	}
}
END_TEST

/* The name is kept as it is; nothing that is said repeats it raw. */
START_TEST(test_name_with_escape)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	_cleanup_(reserved_freep) struct reserved *reserved = NULL;
	char dir[TREEDIR_BYTES];

	treedir_new(dir);
	treedir_reserved_memory(dir);
	treedir_node(dir, "reserved-memory/evil\033[2J\n");
	TREEDIR_CELLS(dir, "reserved-memory/evil\033[2J\n/memory-region", 9);
	ck_assert_int_eq(tree_load_directory(&tree, dir, &why), 0);
	treedir_remove(dir);
	ck_assert_int_eq(reserved_read(&reserved, tree, &why), 0);
	ck_assert_str_eq(reserved->nodes[0].name, "evil\033[2J\n");
	ck_assert_uint_eq(reserved->n_complaints, 1);
	ck_assert_ptr_null(strpbrk(reserved->complaints[0], "\033\n"));
	ck_assert_ptr_nonnull(
		strstr(reserved->complaints[0], "evil\\x1b[2J\\x0a"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reserved");
	TCase *good = harness_case(suite, "good");
	TCase *broken = harness_case(suite, "broken");

	if (access(FIXTURES "/board.dtb", R_OK) < 0)
		harness_skip("the fixtures need dtc, the devicetree compiler");
	tcase_add_test(good, test_static);
	tcase_add_test(good, test_dynamic);
	tcase_add_test(good, test_status);
	tcase_add_test(good, test_memreserve);
	tcase_add_test(good, test_no_reserved_memory);
	tcase_add_test(good, test_cells_1_1);
	tcase_add_test(good, test_cells_mixed);
	tcase_add_test(good, test_range_end);
	tcase_add_test(good, test_5000_nodes);
	tcase_add_test(broken, test_cells_wrong);
	tcase_add_test(broken, test_doubt);
	tcase_add_test(broken, test_broken_nodes);
	tcase_add_test(broken, test_name_with_escape);
	return harness_run(suite);
}
