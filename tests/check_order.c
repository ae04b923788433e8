/* SPDX-License-Identifier: MIT */
#include "tools/order.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"

/* What contigctl alloc takes and refuses, at each limit and one beyond. */

static int check(const struct order *order, struct error *why)
{
	struct contig_request wanted;

	return order_check(order, &wanted, why);
}

START_TEST(everything_arrives)
{
	struct order order = ORDER_INIT;
	struct contig_request wanted;
	struct error why = ERROR_INIT;

	ck_assert_uint_eq(order.count, 1);
	order.size_bytes = 65536;
	ck_assert_int_eq(order_check(&order, &wanted, &why), 0);
	ck_assert_uint_eq(wanted.struct_bytes, sizeof(wanted));
	ck_assert_uint_eq(wanted.size_bytes, 65536);
	ck_assert_uint_eq(wanted.align_bytes, 0);
	ck_assert_uint_eq(wanted.max_phys, 0);
	ck_assert_uint_eq(wanted.boundary_bytes, 0);
	ck_assert_uint_eq(wanted.require, 0);
	ck_assert_ptr_null(wanted.region);
	ck_assert_ptr_null(wanted.name);

	order.align_bytes = UINT64_C(1) << 63;
	order.max_phys = UINT64_MAX;
	order.boundary_bytes = 65536;
	order.require = "isolated";
	order.region = "camera";
	order.name = "frame";
	order.hold = "0";
	ck_assert_int_eq(order_check(&order, &wanted, &why), 0);
	ck_assert_uint_eq(wanted.align_bytes, UINT64_C(1) << 63);
	ck_assert_uint_eq(wanted.max_phys, UINT64_MAX);
	ck_assert_uint_eq(wanted.boundary_bytes, 65536);
	ck_assert_uint_eq(wanted.require, CONTIG_ISOLATED);
	ck_assert_str_eq(wanted.region, "camera");
	ck_assert_str_eq(wanted.name, "frame");
	ck_assert_str_eq(why.text, "");
}
END_TEST

START_TEST(numbers)
{
	struct order order = ORDER_INIT;
	struct error why;

	ck_assert_int_eq(check(&order, &why), -EINVAL);
	ck_assert_str_eq(why.text, "SIZE: 0 bytes are nothing to lend");
	order.size_bytes = 4096;
	order.count = 0;
	ck_assert_int_eq(check(&order, &why), -ERANGE);
	order.count = ORDER_MAX_COUNT;
	ck_assert_int_eq(check(&order, &why), 0);
	order.count++;
	ck_assert_int_eq(check(&order, &why), -ERANGE);
	ck_assert_str_eq(why.text, "--count: 1 to 65536, not 65537");
	order.count = 1;

	order.align_bytes = 1;
	ck_assert_int_eq(check(&order, &why), 0);
	order.align_bytes = 3;
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	ck_assert_str_eq(why.text, "--align: 3 is not a power of two");
	order.align_bytes = 0;

	order.boundary_bytes = 4097;
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	ck_assert_str_eq(why.text, "--boundary: 4097 is not a power of two");
	order.boundary_bytes = 4096;
	ck_assert_int_eq(check(&order, &why), 0);
	order.size_bytes = 4097;
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	ck_assert_str_eq(why.text, "--boundary: a buffer of 4097 bytes always "
				   "crosses a multiple of 4096");
}
END_TEST

START_TEST(names)
{
	struct order order = ORDER_INIT;
	char name[CONTIG_NAME_BYTES + 1];
	struct error why;

	order.size_bytes = 1;
	order.name = name;
	memset(name, 'n', sizeof(name));
	name[CONTIG_NAME_BYTES - 1] = '\0';
	ck_assert_int_eq(check(&order, &why), 0);
	name[CONTIG_NAME_BYTES - 1] = 'n';
	name[CONTIG_NAME_BYTES] = '\0';
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	ck_assert_str_eq(why.text, "--name: more than 31 characters");
	order.name = "";
	ck_assert_int_eq(check(&order, &why), 0);
	order.name = " ~";
	ck_assert_int_eq(check(&order, &why), 0);
	order.name = "\x1f";
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	order.name = "\x7f";
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	order.name = "\xc3\xa9";
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	ck_assert_str_eq(why.text, "--name: only printable ASCII");
	order.name = NULL;
	order.region = "";
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	ck_assert_str_eq(why.text, "--region: the name is empty");
}
END_TEST

START_TEST(prefixes)
{
	struct order order = ORDER_INIT;
	struct error why;

	order.size_bytes = 1;
	order.hold = "x";
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	ck_assert_str_eq(why.text, "--hold: 'x' is not a number of seconds");
	order.hold = NULL;
	order.require = "fast";
	ck_assert_int_eq(check(&order, &why), -EINVAL);
	ck_assert_int_eq(
		strncmp(why.text, "--require: nothing gives 'fast'; ", 33), 0);
}
END_TEST

static const struct {
	const char *list;
	uint32_t guarantees; /* 0: refused */
} lists[] = {
	{"contiguous", CONTIG_CONTIGUOUS},
	{"isolated", CONTIG_ISOLATED},
	{"dma-buf", CONTIG_DMA_BUF},
	{"dma_buf", CONTIG_DMA_BUF},
	{"DMA-BUF", CONTIG_DMA_BUF},
	{"cached", CONTIG_CACHED},
	{"phys-known", CONTIG_PHYS_KNOWN},
	{"cached,isolated,cached", CONTIG_CACHED | CONTIG_ISOLATED},
	{"contiguous,isolated,dma-buf,cached,phys_known",
	 CONTIG_CONTIGUOUS | CONTIG_ISOLATED | CONTIG_DMA_BUF | CONTIG_CACHED |
		 CONTIG_PHYS_KNOWN},
	{"", 0},
	{",", 0},
	{"cached,", 0},
	{",cached", 0},
	{"cache", 0},
	{"cachedd", 0},
	{"cached isolated", 0},
};

START_TEST(require)
{
	struct error why = ERROR_INIT;
	uint32_t guarantees = 0;
	int r = order_parse_require(lists[_i].list, &guarantees, &why);

	ck_assert_int_eq(r, lists[_i].guarantees ? 0 : -EINVAL);
	ck_assert_uint_eq(guarantees, lists[_i].guarantees);
	ck_assert_int_eq(why.text[0] != '\0', r < 0);
}
END_TEST

static const struct {
	const char *text;
	int result;
	uint64_t ns;
} holds[] = {
	{"0", 0, 0},
	{"7", 0, 7000000000},
	{"2.5", 0, 2500000000},
	{"0.000000001", 0, 1},
	{"1.999999999", 0, 1999999999},
	{"0.0000000001", -EINVAL, 0},
	{"2147483647", 0, 2147483647000000000},
	{"0002147483647.999999999", 0, 2147483647999999999},
	{"2147483648", -ERANGE, 0},
	{"99999999999999999999999999", -ERANGE, 0},
	{"", -EINVAL, 0},
	{".", -EINVAL, 0},
	{".5", -EINVAL, 0},
	{"5.", -EINVAL, 0},
	{"1.5.5", -EINVAL, 0},
	{"-1", -EINVAL, 0},
	{" 1", -EINVAL, 0},
	{"1s", -EINVAL, 0},
	{"1e3", -EINVAL, 0},
};

START_TEST(hold)
{
	struct error why = ERROR_INIT;
	uint64_t ns = 0;

	ck_assert_int_eq(order_parse_hold(holds[_i].text, &ns, &why),
			 holds[_i].result);
	ck_assert_uint_eq(ns, holds[_i].ns);
	ck_assert_int_eq(why.text[0] != '\0', holds[_i].result < 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("order");
	TCase *tcase = harness_case(suite, "order");

	tcase_add_test(tcase, everything_arrives);
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, prefixes);
	tcase_add_loop_test(tcase, require, 0, sizeof(lists) / sizeof(*lists));
	tcase_add_loop_test(tcase, hold, 0, sizeof(holds) / sizeof(*holds));
	return harness_run(suite);
}
