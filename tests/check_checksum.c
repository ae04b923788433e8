/* SPDX-License-Identifier: MIT */
#include "util/checksum.h"

#include "tests/harness.h"

#define BYTES 67 /* words, and the start of one */

static unsigned char bytes[BYTES + 1];

static void fill(void)
{
	for (size_t i = 0; i <= BYTES; i++)
		bytes[i] = (unsigned char)(i * 37);
}

START_TEST(every_bit_counts)
{
	uint64_t sum;

	fill();
	sum = checksum64(bytes, BYTES);
	for (size_t bit = 0; bit < 8 * BYTES; bit++) {
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		ck_assert_uint_ne(checksum64(bytes, BYTES), sum);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	ck_assert_uint_eq(checksum64(bytes, BYTES), sum);
	bytes[BYTES]++; /* one beyond */
	ck_assert_uint_eq(checksum64(bytes, BYTES), sum);
}
END_TEST

START_TEST(length_counts)
{
	memset(bytes, 0, sizeof(bytes));
	for (size_t n = 0; n < BYTES; n++)
		ck_assert_uint_ne(checksum64(bytes, n),
				  checksum64(bytes, n + 1));
}
END_TEST

START_TEST(order_counts)
{
	uint64_t words[2] = {1, 2}, swapped[2] = {2, 1};

	ck_assert_uint_ne(checksum64(words, sizeof(words)),
			  checksum64(swapped, sizeof(swapped)));
}
END_TEST

START_TEST(alignment_does_not)
{
	uint64_t sum;

	fill();
	sum = checksum64(bytes, BYTES);
	memmove(bytes + 1, bytes, BYTES);
	ck_assert_uint_eq(checksum64(bytes + 1, BYTES), sum);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("checksum");
	TCase *tcase = harness_case(suite, "checksum");

	tcase_add_test(tcase, every_bit_counts);
	tcase_add_test(tcase, length_counts);
	tcase_add_test(tcase, order_counts);
	tcase_add_test(tcase, alignment_does_not);
	return harness_run(suite);
}
