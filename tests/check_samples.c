/* SPDX-License-Identifier: MIT */
#include "tests/bench/samples.h"

#include <math.h>

#include "tests/harness.h"

START_TEST(quantiles_are_values_that_were_added)
{
	struct samples samples;

	samples_init(&samples, 100);
	for (int i = 100; i > 0; i--)
		samples_add(&samples, i);
	ck_assert(samples_quantile(&samples, 0) == 1);
	ck_assert(samples_quantile(&samples, 0.5) == 51);
	ck_assert(samples_quantile(&samples, 0.99) == 100);
	ck_assert(samples_quantile(&samples, 0.989) == 99);
	ck_assert(samples_quantile(&samples, 1) == 100);
	samples_deinit(&samples);
}
END_TEST

START_TEST(none_have_no_quantile_and_what_has_no_room_is_ignored)
{
	struct samples samples;

	samples_init(&samples, 1);
	ck_assert(isnan(samples_quantile(&samples, 0.5)));
	samples_add(&samples, 3);
	ck_assert_uint_eq(samples.n, 1);
	samples_add(&samples, 4);
	ck_assert_uint_eq(samples.n, 1);
	ck_assert(samples_quantile(&samples, 0.99) == 3);
	samples_deinit(&samples);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("samples");
	TCase *tcase = harness_case(suite, "samples");

	tcase_add_test(tcase, quantiles_are_values_that_were_added);
	tcase_add_test(tcase,
		       none_have_no_quantile_and_what_has_no_room_is_ignored);
	return harness_run(suite);
}
