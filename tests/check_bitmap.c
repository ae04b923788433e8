/* SPDX-License-Identifier: MIT */
#include "daemon/bitmap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/harness.h"
#include "util/cleanup.h"

DEFINE_CLEANUP(struct bitmap *, bitmap_free)

static struct bitmap *make(uint64_t n_bits)
{
	struct bitmap *bitmap = NULL;

	ck_assert_int_eq(bitmap_new(&bitmap, n_bits), 0);
	return bitmap;
}

START_TEST(sizes)
{
	_cleanup_(bitmap_freep) struct bitmap *bitmap = NULL;

	ck_assert_int_eq(bitmap_new(&bitmap, 0), -EINVAL);
	ck_assert_int_eq(bitmap_new(&bitmap, UINT64_MAX), -ENOMEM);
	ck_assert_ptr_null(bitmap);
	bitmap = make(1);
	ck_assert_uint_eq(bitmap_size(bitmap), 1);
	ck_assert(bitmap_all_clear(bitmap, 0, 1));
	ck_assert(!bitmap_all_set(bitmap, 0, 1));
	ck_assert(bitmap_all_set(bitmap, 1, 0) && bitmap_all_clear(bitmap, 1, 0));
}
END_TEST

/* Every run of a map of two whole words and a bit changes its own bits and no
 * other. */
START_TEST(every_run)
{
	const uint64_t n = 129;
	_cleanup_(bitmap_freep) struct bitmap *bitmap = make(n);

	for (uint64_t first = 0; first < n; first++)
		for (uint64_t count = 1; count <= n - first; count++) {
			uint64_t end = first + count;

			ck_assert(bitmap_set(bitmap, first, count));
			ck_assert(!bitmap_set(bitmap, first, count));
			ck_assert(bitmap_all_set(bitmap, first, count));
			ck_assert(bitmap_all_clear(bitmap, 0, first));
			ck_assert(bitmap_all_clear(bitmap, end, n - end));
			ck_assert(bitmap_clear(bitmap, first, count));
			ck_assert(!bitmap_clear(bitmap, first, count));
			ck_assert(bitmap_all_clear(bitmap, 0, n));
		}
}
END_TEST

/* One bit that differs is seen wherever it is. */
START_TEST(one_bit)
{
	const uint64_t n = 200;
	_cleanup_(bitmap_freep) struct bitmap *bitmap = make(n);

	for (uint64_t bit = 0; bit < n; bit++) {
		ck_assert(bitmap_set(bitmap, bit, 1));
		ck_assert(!bitmap_all_clear(bitmap, 0, n));
		ck_assert(!bitmap_all_clear(bitmap, bit, 1));
		ck_assert(bitmap_all_clear(bitmap, bit + 1, n - bit - 1));
		ck_assert(!bitmap_set(bitmap, 0, n));
		ck_assert(bitmap_clear(bitmap, bit, 1));
		ck_assert(!bitmap_all_set(bitmap, 0, n));
		ck_assert(bitmap_all_set(bitmap, 0, bit));
		ck_assert(bitmap_all_set(bitmap, bit + 1, n - bit - 1));
		ck_assert(!bitmap_clear(bitmap, 0, n));
		bitmap_expect(bitmap, bit, n - bit);
		ck_assert(bitmap_all_clear(bitmap, 0, n));
	}
	bitmap_expect(bitmap, n, 0); /* there is none */
	ck_assert(bitmap_set(bitmap, n, 0) && bitmap_clear(bitmap, n, 0));
}
END_TEST

START_TEST(set_beyond)
{
	bitmap_set(make(64), 63, 2);
}
END_TEST

START_TEST(test_beyond)
{
	(void)bitmap_all_set(make(64), 65, 0);
}
END_TEST

START_TEST(sum_overflows)
{
	bitmap_clear(make(64), 2, UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bitmap");
	TCase *tcase = harness_case(suite, "bitmap");

	tcase_add_test(tcase, sizes);
	tcase_add_test(tcase, every_run);
	tcase_add_test(tcase, one_bit);
	tcase_add_test_raise_signal(tcase, set_beyond, SIGABRT);
	tcase_add_test_raise_signal(tcase, test_beyond, SIGABRT);
	tcase_add_test_raise_signal(tcase, sum_overflows, SIGABRT);
	return harness_run(suite);
}
