/* SPDX-License-Identifier: MIT */
#include "daemon/setup_devicetree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/logged.h"
#include "tests/treedir.h"
#include "util/fd.h"

/*
 * From a tree directory to a region that lends, with a sparse memfd as
 * /dev/mem: far beyond the addresses where this machine has memory.
 */

#define HIGH  0x7f00 /* << 32: far beyond any memory of this machine */
#define BASE  ((uint64_t)HIGH << 32)
#define MIB   (UINT64_C(1) << 20)
#define NODES "reserved-memory/"

static struct loop *loop;
static struct lender *lender;
static struct probes probes;
static struct configuration config;
static struct backend_options options;
static struct setup setup;
static char dir[TREEDIR_BYTES];
static char mem_path[32];
static int mem_fd;

static void before(void)
{
	logged_begin(LOG_LEVEL_INFO);
	mem_fd = memfd_create("mem", MFD_CLOEXEC);
	ck_assert_int_ge(mem_fd, 0);
	ck_assert_int_eq(ftruncate(mem_fd, (off_t)(BASE + 64 * MIB)), 0);
	(void)snprintf(mem_path, sizeof(mem_path), "/proc/self/fd/%d", mem_fd);
	options.devmem_path = mem_path;
	config_init(&config);
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(lender_new(&lender, loop), 0);
	probes_run(&probes, &options);
	setup_init(&setup, &config, &options, &probes);
	treedir_new(dir);
	treedir_reserved_memory(dir);
}

static void after(void)
{
	setup_deinit(&setup);
	treedir_remove(dir);
	lender = lender_free(lender);
	loop = loop_free(loop);
	config_deinit(&config);
	mem_fd = fd_close(mem_fd);
	logged_end();
}

/* A no-map node of 1 MiB at BASE + offset; compatible may be NULL. */
static void add_node(const char *name, uint32_t offset, const char *compatible)
{
	char path[128];

	(void)snprintf(path, sizeof(path), NODES "%s", name);
	treedir_node(dir, path);
	(void)snprintf(path, sizeof(path), NODES "%s/reg", name);
	TREEDIR_CELLS(dir, path, HIGH, offset, 0, 0x100000);
	(void)snprintf(path, sizeof(path), NODES "%s/no-map", name);
	treedir_bytes(dir, path, "", 0);
	if (!compatible)
		return;
	(void)snprintf(path, sizeof(path), NODES "%s/compatible", name);
	treedir_bytes(dir, path, compatible, strlen(compatible) + 1);
}

static int run(void)
{
	const struct setup_tree which = {.tree = dir};
	struct error why = ERROR_INIT;
	int r = setup_devicetree(&setup, &which, &why);

	setup_open(&setup);
	setup_make_regions(&setup, lender);
	return r;
}

static void name_node(const char *section, const char *node, bool adopt)
{
	static struct config_region region;

	region = (struct config_region){
		.kind = CONFIG_REGION,
		.name = (char *)section,
		.node = (char *)node,
		.adopt = adopt,
		.granule_bytes = 65536,
		.guard_bytes = 131072,
	};
	config.regions = &region;
	config.n_regions = 1;
}

static void forget_sections(void)
{
	config.regions = NULL;
	config.n_regions = 0;
}

START_TEST(contiguous_memory_is_served)
{
	const struct region *region;

	add_node("plain@0", 0, "contiguous-memory");
	add_node("camera@200000", 0x200000, "contiguous-memory");
	treedir_bytes(dir, NODES "camera@200000/linux,default-contiguous-region",
		      "", 0);
	add_node("firmware@400000", 0x400000, NULL);
	ck_assert_int_eq(run(), 0);
	ck_assert_msg(lender->n_regions == 2, "%s", logged_text());
	region = lender_find_region(lender, "camera");
	ck_assert_ptr_nonnull(region);
	ck_assert_str_eq(region->memory->backend->name, "devmem");
	ck_assert_uint_eq(partitions_base(&region->partitions), BASE + 0x200000);
	ck_assert_uint_eq(region_size_bytes(region), MIB);
	ck_assert(region->is_default);
	ck_assert(region->public_base);
	ck_assert(!lender_find_region(lender, "plain")->is_default);
	ck_assert_ptr_null(region->section);
	ck_assert(
		logged_has("devicetree /reserved-memory/firmware@400000, "
			   "0x100000 bytes at 0x7f0000400000: not adopted: "));
	ck_assert(logged_has("devicetree /reserved-memory/plain@0, 0x100000 "
			     "bytes at 0x7f0000000000: adopted: "));
}
END_TEST

START_TEST(same_names_get_numbers)
{
	add_node("pool@0", 0, "contiguous-memory");
	add_node("pool@200000", 0x200000, "contiguous-memory");
	TREEDIR_CELLS(dir, NODES "pool@200000/reg", HIGH, 0x200000, 0, 0x1000,
		      HIGH, 0x204000, 0, 0x1000);
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(lender->n_regions, 3);
	ck_assert_ptr_nonnull(lender_find_region(lender, "pool"));
	ck_assert_ptr_nonnull(lender_find_region(lender, "pool-2"));
	ck_assert_uint_eq(
		partitions_base(
			&lender_find_region(lender, "pool-3")->partitions),
		BASE + 0x204000);
}
END_TEST

START_TEST(section_names_and_shapes_the_region)
{
	const struct region *region;

	add_node("firmware@400000", 0x400000, NULL);
	name_node("video", "firmware@400000", true);
	ck_assert_int_eq(run(), 0);
	region = lender_find_region(lender, "video");
	ck_assert_ptr_nonnull(region);
	ck_assert_uint_eq(region_granule_bytes(region), 65536);
	ck_assert_str_eq(region->section->name, "video");
	ck_assert_uint_eq(region->memory->guard_bytes, 131072);
	forget_sections();
}
END_TEST

START_TEST(section_can_forbid)
{
	add_node("camera@0", 0, "contiguous-memory");
	name_node("camera", NULL, false);
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(lender->n_regions, 0);
	ck_assert(logged_has("the configuration forbids it"));
	forget_sections();
}
END_TEST

START_TEST(section_without_node_is_told)
{
	name_node("ghost", "ghost@1", true);
	ck_assert_int_eq(run(), 0);
	ck_assert(logged_has("the configuration names "
			     "devicetree node 'ghost@1', but "
			     "there is none"));
	forget_sections();
}
END_TEST

START_TEST(tree_asked_for_must_be_there)
{
	const struct setup_tree blob = {.dtb = "/nonexistent"};
	const struct setup_tree none = {.tree = "/nonexistent"};
	struct error why = ERROR_INIT;

	ck_assert_int_eq(setup_devicetree(&setup, &blob, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "/nonexistent"));
	ck_assert_int_eq(setup_devicetree(&setup, &none, &why), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("setup_devicetree");
	TCase *tcase = harness_case(suite, "setup_devicetree");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, contiguous_memory_is_served);
	tcase_add_test(tcase, same_names_get_numbers);
	tcase_add_test(tcase, section_names_and_shapes_the_region);
	tcase_add_test(tcase, section_can_forbid);
	tcase_add_test(tcase, section_without_node_is_told);
	tcase_add_test(tcase, tree_asked_for_must_be_there);
	return harness_run(suite);
}
