/* SPDX-License-Identifier: MIT */
#include "daemon/pattern.h"

#include <string.h>

#include "tests/harness.h"

#define BASE   UINT64_C(0x100000000)
#define LENGTH 65536

static unsigned char bytes[LENGTH];
static size_t first;

static void before(void)
{
	pattern_fill(bytes, BASE, LENGTH);
	first = 12345;
}

START_TEST(fits_its_own_address)
{
	ck_assert_uint_eq(pattern_compare(bytes, BASE, LENGTH, &first), 0);
	ck_assert_uint_eq(pattern_compare(bytes, BASE, 0, &first), 0);
	ck_assert_uint_eq(first, 12345);
}
END_TEST

START_TEST(parts_make_the_whole)
{
	static unsigned char parts[LENGTH];

	pattern_fill(parts, BASE, 8);
	pattern_fill(parts + 8, BASE + 8, 4096);
	pattern_fill(parts + 4104, BASE + 4104, LENGTH - 4104);
	ck_assert_mem_eq(parts, bytes, LENGTH);
}
END_TEST

START_TEST(writes_no_more_than_its_length)
{
	unsigned char room[24] = {0};

	pattern_fill(room + 8, BASE, 8);
	for (int i = 0; i < 8; i++) {
		ck_assert_uint_eq(room[i], 0);
		ck_assert_uint_eq(room[16 + i], 0);
	}
}
END_TEST

START_TEST(one_bit_anywhere_is_noticed)
{
	static const size_t places[] = {0, 1, 7, 8, 4095, 4096, LENGTH - 1};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		for (int bit = 0; bit < 8; bit++) {
			bytes[places[i]] ^= (unsigned char)(1 << bit);
			ck_assert_uint_eq(
				pattern_compare(bytes, BASE, LENGTH, &first), 1);
			ck_assert_uint_eq(first, places[i]);
			bytes[places[i]] ^= (unsigned char)(1 << bit);
		}
}
END_TEST

START_TEST(counts_bytes_and_finds_the_first)
{
	for (size_t i = 100; i < 300; i++)
		bytes[i] ^= 0x55;
	bytes[LENGTH - 1] ^= 1;
	ck_assert_uint_eq(pattern_compare(bytes, BASE, LENGTH, &first), 201);
	ck_assert_uint_eq(first, 100);
	ck_assert_uint_eq(pattern_compare(bytes, BASE, 104, &first), 4);
	ck_assert_uint_eq(pattern_compare(bytes, BASE, 96, &first), 0);
}
END_TEST

/* What an overrun mostly consists of is never what belongs there. */
START_TEST(zeroes_and_ones_are_all_noticed)
{
	memset(bytes, 0, LENGTH);
	ck_assert_uint_eq(pattern_compare(bytes, BASE, LENGTH, &first), LENGTH);
	ck_assert_uint_eq(first, 0);
	memset(bytes, 0xff, LENGTH);
	ck_assert_uint_eq(pattern_compare(bytes, BASE, LENGTH, &first), LENGTH);
}
END_TEST

/* The pattern of another place, moved here: hardly a byte is right. */
START_TEST(shifted_copies_are_noticed)
{
	static const int64_t shifts[] = {8,	  -8,	   64,
					 4096,	  -4096,   65536,
					 1 << 21, 1 << 30, INT64_C(1) << 40};

	for (size_t i = 0; i < sizeof(shifts) / sizeof(*shifts); i++) {
		pattern_fill(bytes, BASE + (uint64_t)shifts[i], LENGTH);
		ck_assert_uint_gt(pattern_compare(bytes, BASE, LENGTH, &first),
				  LENGTH - LENGTH / 64);
	}
}
END_TEST

/* Every value but the two appears about as often as every other. */
START_TEST(no_value_is_frequent)
{
	unsigned int counts[256] = {0};

	for (size_t i = 0; i < LENGTH; i++)
		counts[bytes[i]]++;
	ck_assert_uint_eq(counts[0x00], 0);
	ck_assert_uint_eq(counts[0xff], 0);
	for (int value = 0; value < 256; value++)
		ck_assert_uint_lt(counts[value], 2 * LENGTH / 128);
}
END_TEST

START_TEST(ends_of_the_address_space)
{
	unsigned char end[16];

	pattern_fill(end, UINT64_MAX - 15, 16);
	ck_assert_uint_eq(pattern_compare(end, UINT64_MAX - 15, 16, &first), 0);
	pattern_fill(end, 0, 16);
	ck_assert_uint_eq(pattern_compare(end, 0, 16, &first), 0);
	ck_assert_mem_ne(end, end + 8, 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pattern");
	TCase *tcase = harness_case(suite, "pattern");

	tcase_add_checked_fixture(tcase, before, NULL);
	tcase_add_test(tcase, fits_its_own_address);
	tcase_add_test(tcase, parts_make_the_whole);
	tcase_add_test(tcase, writes_no_more_than_its_length);
	tcase_add_test(tcase, one_bit_anywhere_is_noticed);
	tcase_add_test(tcase, counts_bytes_and_finds_the_first);
	tcase_add_test(tcase, zeroes_and_ones_are_all_noticed);
	tcase_add_test(tcase, shifted_copies_are_noticed);
	tcase_add_test(tcase, no_value_is_frequent);
	tcase_add_test(tcase, ends_of_the_address_space);
	return harness_run(suite);
}
