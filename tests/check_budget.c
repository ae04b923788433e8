/* SPDX-License-Identifier: MIT */
#include "daemon/budget.h"

#include "tests/harness.h"

/* Ten thousandths of a core: 10 us each ms; 80 ms of it, 800 us, are saved. */
static struct budget ten(void)
{
	struct budget budget;

	budget_init(&budget, 10, 80);
	ck_assert(budget_has(&budget, 1000));
	return budget;
}

START_TEST(full_at_the_start_and_never_fuller)
{
	struct budget budget = ten();

	ck_assert_int_eq(budget.left_ns, 800000);
	ck_assert(budget_has(&budget, 1000000));
	ck_assert_int_eq(budget.left_ns, 800000);
	ck_assert(budget_has(&budget, UINT64_MAX));
	ck_assert_int_eq(budget.left_ns, 800000);
}
END_TEST

START_TEST(a_nanosecond_decides)
{
	struct budget budget = ten();

	budget_spend(&budget, 799999);
	ck_assert(budget_has(&budget, 1000));
	ck_assert_uint_eq(budget_wait_ms(&budget, 1000), 0);
	budget_spend(&budget, 1);
	ck_assert(!budget_has(&budget, 1000));
	ck_assert_uint_eq(budget_wait_ms(&budget, 1000), 1);
	ck_assert(budget_has(&budget, 1001));
	ck_assert_int_eq(budget.left_ns, 10000);
}
END_TEST

START_TEST(debts_are_paid_first)
{
	struct budget budget = ten();

	budget_spend(&budget, 800000 + 25000); /* 2.5 ms of it are owed */
	ck_assert_uint_eq(budget_wait_ms(&budget, 1000), 3);
	ck_assert(!budget_has(&budget, 1002));
	ck_assert_uint_eq(budget_wait_ms(&budget, 1002), 1);
	ck_assert(budget_has(&budget, 1003));
	ck_assert_int_eq(budget.left_ns, 5000);
}
END_TEST

START_TEST(the_wait_is_exact)
{
	for (uint64_t ns = 0; ns < 100000; ns += 777) {
		struct budget budget = ten();
		uint64_t wait;

		budget_spend(&budget, 800000 + ns);
		wait = budget_wait_ms(&budget, 1000);
		ck_assert_uint_gt(wait, 0);
		ck_assert(!budget_has(&budget, 1000 + wait - 1));
		ck_assert(budget_has(&budget, 1000 + wait));
	}
}
END_TEST

/* Pieces of 90 us for an hour: what was spent is the share and no more. */
START_TEST(in_the_long_run_it_is_the_share)
{
	const uint64_t hour_ms = 3600000;
	struct budget budget = ten();
	uint64_t now = 1000, spent = 0;

	while (now < 1000 + hour_ms) {
		while (budget_has(&budget, now)) {
			budget_spend(&budget, 90000);
			spent += 90000;
		}
		now += budget_wait_ms(&budget, now);
	}
	ck_assert_uint_ge(spent, hour_ms * 10000);
	ck_assert_uint_le(spent, hour_ms * 10000 + 800000 + 90000);
}
END_TEST

START_TEST(time_never_runs_backwards)
{
	struct budget budget = ten();

	budget_spend(&budget, 800000);
	ck_assert(!budget_has(&budget, 999));
	ck_assert(!budget_has(&budget, 1000));
	ck_assert(budget_has(&budget, 1001));
	ck_assert_int_eq(budget.left_ns, 10000);
}
END_TEST

START_TEST(an_absurd_price_is_paid_in_the_end)
{
	struct budget budget = ten();

	budget_spend(&budget, UINT64_MAX);
	ck_assert(!budget_has(&budget, 1000 + 80 * 1000));
	ck_assert(budget_has(&budget, 1000 + 80 * 1024));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("budget");
	TCase *tcase = harness_case(suite, "budget");

	tcase_add_test(tcase, full_at_the_start_and_never_fuller);
	tcase_add_test(tcase, a_nanosecond_decides);
	tcase_add_test(tcase, debts_are_paid_first);
	tcase_add_test(tcase, the_wait_is_exact);
	tcase_add_test(tcase, in_the_long_run_it_is_the_share);
	tcase_add_test(tcase, time_never_runs_backwards);
	tcase_add_test(tcase, an_absurd_price_is_paid_in_the_end);
	return harness_run(suite);
}
