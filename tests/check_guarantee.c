/* SPDX-License-Identifier: MIT */
#include "daemon/guarantee.h"

#include "proto/message.h"
#include "tests/harness.h"

START_TEST(names)
{
	char buf[GUARANTEE_TEXT_BYTES];

	ck_assert_str_eq(guarantee_names(buf, 0), "nothing");
	ck_assert_str_eq(guarantee_names(buf, CONTIG_MSG_DMA_BUF), "dma-buf");
	ck_assert_str_eq(
		guarantee_names(buf, CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_CACHED),
		"contiguous, cached");
	ck_assert_str_eq(
		guarantee_names(buf, CONTIG_MSG_GUARANTEES),
		"contiguous, isolated, dma-buf, cached, known address");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guarantee");
	TCase *tcase = harness_case(suite, "guarantee");

	tcase_add_test(tcase, names);
	return harness_run(suite);
}
