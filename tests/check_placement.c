/* SPDX-License-Identifier: MIT */
#include "devicetree/placement.h"

#include <string.h>

#include "tests/harness.h"

/* Witnesses that agree, that disagree, and that know nothing. */

#define LOG_AT(base, last)                                                     \
	"OF: reserved mem: " base ".." last " (8192 KiB) nomap non-reusable "  \
	"dyn\n"
#define LOG_GOOD LOG_AT("0x7f800000", "0x7fffffff")

static const char iomem_good[] = "40000000-7f7fffff : System RAM\n"
				 "7f800000-7fffffff : reserved\n";
static const char iomem_other[] = "40000000-7f7fffff : System RAM\n"
				  "a0000000-a07fffff : reserved\n";
static const char memblock_good[] = "   0: 0x40210000..0x417fffff\n"
				    "   1: 0x7f000000..0x7fffffff    0 NONE\n";
static const char memblock_other[] = "   0: 0x40210000..0x417fffff\n"
				     "   1: 0x7f800000..0x7ffffffe\n";

static struct reserved_node node;
static struct placement placement;

static void setup(void)
{
	node = (struct reserved_node){.name = (char *)"dyn",
				      .no_map = true,
				      .has_size = true,
				      .size_bytes = 0x800000};
}

static void teardown(void)
{
	placement_deinit(&placement);
}

static void find(const char *log, const char *iomem, const char *memblock)
{
	const struct evidence evidence = {.kernel_log = (char *)log,
					  .iomem = (char *)iomem,
					  .memblock = (char *)memblock};

	placement_deinit(&placement);
	ck_assert_int_eq(placement_find(&placement, &node, &evidence), 0);
	ck_assert_ptr_nonnull(placement.reason);
}

static void known(const char *reason)
{
	ck_assert_msg(placement.known, "%s", placement.reason);
	ck_assert_uint_eq(placement.base, 0x7f800000);
	ck_assert_str_eq(placement.reason, reason);
}

static void unknown(const char *reason)
{
	ck_assert(!placement.known);
	ck_assert_str_eq(placement.reason, reason);
}

START_TEST(test_known)
{
	find(LOG_GOOD, NULL, NULL);
	known("placed there according to the kernel log");
	find(LOG_GOOD, iomem_good, NULL);
	known("placed there according to the kernel log, confirmed by "
	      "/proc/iomem");
	find(LOG_GOOD, iomem_good, memblock_good);
	known("placed there according to the kernel log, confirmed by "
	      "/proc/iomem and debugfs' memblock/reserved");
}
END_TEST

START_TEST(test_not_named)
{
	find(NULL, NULL, NULL);
	unknown("where the kernel placed it is not known: no source names it");
	/* One range that fits, even exactly, is not taken for the node's. */
	find("some log\n", iomem_good, memblock_good);
	unknown("where the kernel placed it is not known: no source names it; "
		"in /proc/iomem, ranges without a name that could hold it: 1; "
		"in debugfs' memblock/reserved, ranges without a name that "
		"could hold it: 2");
}
END_TEST

START_TEST(test_denied)
{
	find("OF: reserved mem: failed to allocate memory for node 'dyn': size "
	     "8 MiB\n",
	     iomem_good, NULL);
	unknown("according to the kernel log the kernel did not place it");
}
END_TEST

START_TEST(test_disagreement)
{
	find(LOG_GOOD LOG_AT("0x80000000", "0x807fffff"), NULL, NULL);
	unknown("sources disagree: the kernel log places it at 0x7f800000, "
		"the kernel log at 0x80000000");
	find(LOG_GOOD, iomem_other, NULL);
	unknown("sources disagree: the kernel log places it at 0x7f800000, but "
		"/proc/iomem does not show it reserved there");
	/* One byte short. */
	find(LOG_GOOD, iomem_good, memblock_other);
	unknown("sources disagree: the kernel log places it at 0x7f800000, but "
		"debugfs' memblock/reserved does not show it reserved there");
	find(LOG_AT("0x7f800000", "0x7fffefff"), NULL, NULL);
	unknown("sources disagree: the kernel log gives it 0x7ff000 bytes, the "
		"devicetree 0x800000");
}
END_TEST

START_TEST(test_node_disagrees)
{
	struct reserved_range allowed[] = {{0, 0}, {0x7f800000, 0x7fffff}};

	node.has_alignment = true;
	node.alignment_bytes = 0x800000;
	find(LOG_GOOD, NULL, NULL);
	ck_assert(placement.known);
	node.alignment_bytes = 0x1000000;
	find(LOG_GOOD, NULL, NULL);
	unknown("the kernel log places it at 0x7f800000, but its alignment is "
		"0x1000000");
	node.has_alignment = false;
	node.alloc_ranges = allowed;
	node.n_alloc_ranges = 2;
	find(LOG_GOOD, NULL, NULL);
	unknown("the kernel log places it at 0x7f800000, outside its "
		"alloc-ranges");
	allowed[1].size_bytes++;
	find(LOG_GOOD, NULL, NULL);
	ck_assert(placement.known);
}
END_TEST

START_TEST(test_beyond_the_end)
{
	find("Reserved memory: created DMA memory pool at 0xffffffffffff0000, "
	     "size 8 MiB\n"
	     "OF: reserved mem: initialized node dyn, compatible id x\n",
	     NULL, NULL);
	unknown("the kernel log places it at 0xffffffffffff0000, where its "
		"size goes beyond 2^64");
	node.size_bytes = 0;
	find(LOG_GOOD, NULL, NULL);
	unknown("its size is 0");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("placement");
	TCase *tcase = harness_case(suite, "placement");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_known);
	tcase_add_test(tcase, test_not_named);
	tcase_add_test(tcase, test_denied);
	tcase_add_test(tcase, test_disagreement);
	tcase_add_test(tcase, test_node_disagrees);
	tcase_add_test(tcase, test_beyond_the_end);
	return harness_run(suite);
}
