/* SPDX-License-Identifier: MIT */
#include "daemon/round.h"

#include "tests/harness.h"

/* A hundredth of a core, 10 us each ms and 800 us in a period, of which 10 ms
 * are saved. */
static const struct round_terms terms = {
	.permille = 10,
	.period_ms = 80,
	.rest_ms = 1000,
};

#define BURST_NS 10000000

static struct round wheel;
static struct list members[10];

/* Of so many members, which join at 1000 ms and are due at 1080. */
static void begin(size_t n)
{
	round_init(&wheel, &terms);
	for (size_t i = 0; i < n; i++)
		round_join(&wheel, &members[i], 1000);
}

/* Whose turn it is, who stays; -1: nobody's. */
static int take_turn(uint64_t look_ns, uint64_t now_ms)
{
	struct list *link = round_next(&wheel, look_ns, now_ms);

	if (!link)
		return -1;
	round_leave(&wheel, link);
	round_join(&wheel, link, now_ms);
	return (int)(link - members);
}

START_TEST(empty_is_never_due)
{
	begin(0);
	ck_assert_uint_eq(round_due_ms(&wheel, 1, 1000), UINT64_MAX);
	ck_assert_ptr_null(round_next(&wheel, 1, 1000));
	round_join(&wheel, &members[0], 1000);
	round_leave(&wheel, &members[0]);
	ck_assert_uint_eq(round_due_ms(&wheel, 1, 2000), UINT64_MAX);
	ck_assert_ptr_null(round_next(&wheel, 1, 2000));
}
END_TEST

START_TEST(first_turn_comes_after_a_period)
{
	begin(1);
	round_join(&wheel, &members[1], 1079);
	ck_assert_uint_eq(round_due_ms(&wheel, 1, 1079), 1080);
	ck_assert_int_eq(take_turn(1, 1079), -1);
	ck_assert_int_eq(take_turn(1, 1080), 0);
	ck_assert_int_eq(take_turn(1, 1080), 1);
	ck_assert_int_eq(take_turn(1, 1080), -1);
}
END_TEST

/* The next one begins a period after this one did, however long it took. */
START_TEST(pass_looks_at_each_once)
{
	begin(3);
	ck_assert_int_eq(take_turn(1, 1085), 0);
	round_join(&wheel, &members[3], 1085);
	ck_assert_int_eq(take_turn(1, 1090), 1);
	ck_assert_uint_eq(round_due_ms(&wheel, 1, 1095), 1095);
	ck_assert_int_eq(take_turn(1, 1095), 2);
	ck_assert_uint_eq(round_due_ms(&wheel, 1, 1095), 1165);
	ck_assert_int_eq(take_turn(1, 1164), -1);
	ck_assert_int_eq(take_turn(1, 1165), 0);
	ck_assert_int_eq(take_turn(1, 1165), 3);
}
END_TEST

START_TEST(pass_is_never_longer_than_the_round)
{
	begin(5);
	ck_assert_int_eq(take_turn(1, 1080), 0);
	round_leave(&wheel, &members[1]);
	round_leave(&wheel, &members[2]);
	round_leave(&wheel, &members[4]);
	ck_assert_int_eq(take_turn(1, 1080), 3);
	ck_assert_int_eq(take_turn(1, 1080), 0); /* two looks for two */
	ck_assert_int_eq(take_turn(1, 1080), -1);
	/* who comes into an empty round begins anew, in the midst of a pass */
	ck_assert_int_eq(take_turn(1, 1160), 3);
	round_leave(&wheel, &members[0]);
	round_leave(&wheel, &members[3]);
	round_join(&wheel, &members[0], 1170);
	round_join(&wheel, &members[3], 1170);
	ck_assert_int_eq(take_turn(1, 1249), -1);
	ck_assert_int_eq(take_turn(1, 1250), 0);
	ck_assert_int_eq(take_turn(1, 1250), 3);
	ck_assert_int_eq(take_turn(1, 1250), -1);
}
END_TEST

START_TEST(room_is_what_can_be_paid)
{
	begin(1);
	ck_assert_uint_eq(round_room(&wheel, 999999, 1080, 0), 0);
	ck_assert_uint_eq(round_room(&wheel, 999999, 1080, 9), 9);
	ck_assert_uint_eq(round_room(&wheel, 999999, 1080, 11), 10);
	ck_assert_uint_eq(round_room(&wheel, 1000000, 1080, 11), 9);
	ck_assert_uint_eq(round_room(&wheel, BURST_NS - 1, 1080, 11), 1);
	/* more than is ever saved: one */
	ck_assert_uint_eq(round_room(&wheel, 2 * BURST_NS, 1080, 11), 1);
	round_pay(&wheel, 1, BURST_NS - 1, 0, 1080);
	ck_assert_uint_eq(round_room(&wheel, 1, 1080, 11), 1);
	round_pay(&wheel, 1, 1, 0, 1080);
	ck_assert_uint_eq(round_room(&wheel, 1, 1080, 11), 0);
	ck_assert_uint_eq(round_room(&wheel, 9999, 1081, 11), 1);
	ck_assert_uint_eq(round_room(&wheel, 4999, 1081, 11), 2);
}
END_TEST

START_TEST(crowd_pays_for_waking_up)
{
	begin(8);
	(void)budget_has(&wheel.budget, 1080);
	round_pay(&wheel, 100000, 300, 70000, 1080); /* 800 us for all */
	ck_assert_int_eq(wheel.budget.left_ns, BURST_NS - 300);
	round_pay(&wheel, 100001, 300, 70000, 1080);
	ck_assert_int_eq(wheel.budget.left_ns, BURST_NS - 600 - 70000);
}
END_TEST

/* When a round of so many has to wait until, whose look costs so much, which
 * has just spent what it had and owes so much besides. */
static uint64_t rest_until(size_t n, uint64_t look_ns, uint64_t debt_ns)
{
	begin(n);
	ck_assert_int_eq(take_turn(look_ns, 1080), 0);
	round_pay(&wheel, look_ns, BURST_NS + debt_ns, 0, 1080);
	return round_due_ms(&wheel, look_ns, 1080);
}

/* Of what going round takes, an eighth, between a period and a second. */
START_TEST(rest_is_a_part_of_going_round)
{
	const uint64_t ns = ROUND_RESTS * 10000; /* a look for 1 ms of rest */

	ck_assert_uint_eq(rest_until(2, 1, 0), 1160);
	ck_assert_uint_eq(rest_until(2, 40 * ns, 0), 1160);
	ck_assert_uint_eq(rest_until(2, 41 * ns, 0), 1162);
	ck_assert_uint_eq(rest_until(10, 99 * ns, 0), 2070);
	ck_assert_uint_eq(rest_until(10, 100 * ns, 0), 2080);
	ck_assert_uint_eq(rest_until(10, 101 * ns, 0), 2080);
}
END_TEST

START_TEST(rest_lasts_until_debts_are_paid)
{
	ck_assert_uint_eq(rest_until(2, 1, 799999), 1160);
	ck_assert_uint_eq(rest_until(2, 1, 800000), 1161);
	ck_assert_uint_eq(rest_until(2, 1, 20000000), 3081);
	ck_assert_int_eq(take_turn(1, 3080), -1);
	ck_assert_int_eq(take_turn(1, 3081), 1);
}
END_TEST

/* Who has anything left does not rest. */
START_TEST(a_nanosecond_decides)
{
	const uint64_t look_ns = ROUND_RESTS * 10000 * 100;

	begin(10);
	ck_assert_int_eq(take_turn(look_ns, 1080), 0);
	round_pay(&wheel, look_ns, BURST_NS - 1, 0, 1080);
	ck_assert_uint_eq(round_due_ms(&wheel, look_ns, 1080), 1080);
	round_pay(&wheel, look_ns, 1, 0, 1080);
	ck_assert_uint_eq(round_due_ms(&wheel, look_ns, 1080), 2080);
}
END_TEST

START_TEST(rest_is_decided_by_who_is_left)
{
	const uint64_t look_ns = ROUND_RESTS * 10000 * 100;

	ck_assert_uint_eq(rest_until(10, look_ns, 0), 2080);
	for (size_t i = 2; i < 10; i++)
		round_leave(&wheel, &members[i]);
	ck_assert_uint_eq(round_due_ms(&wheel, look_ns, 1080), 1280);
	ck_assert_uint_eq(round_due_ms(&wheel, look_ns / 2, 1080), 1180);
	ck_assert_int_eq(take_turn(look_ns, 1279), -1);
	ck_assert_int_eq(take_turn(look_ns, 1280), 1);
	/* once over it stays over, whatever looks cost from now on */
	ck_assert_uint_eq(round_due_ms(&wheel, 10 * look_ns, 1280), 1280);
}
END_TEST

/* Of so many, of whom three are a few. */
static void begin_with_few(size_t n)
{
	begin(n);
	wheel.terms.few = 3;
}

START_TEST(few_neither_need_a_budget_nor_spend_it)
{
	begin_with_few(3);
	(void)budget_has(&wheel.budget, 1080);
	ck_assert_uint_eq(round_room(&wheel, BURST_NS, 1080, 64), 64);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(take_turn(BURST_NS, 1080), i);
		round_pay(&wheel, BURST_NS, BURST_NS, 70000, 1080);
	}
	ck_assert_int_eq(wheel.budget.left_ns, BURST_NS);
	ck_assert_uint_eq(round_due_ms(&wheel, BURST_NS, 1080), 1160);
	/* the room is the caller's limit, and holds */
	ck_assert_uint_eq(round_room(&wheel, 1, 1160, 0), 0);

	begin_with_few(4);
	(void)budget_has(&wheel.budget, 1080);
	ck_assert_uint_eq(round_room(&wheel, BURST_NS, 1080, 64), 1);
	ck_assert_int_eq(take_turn(BURST_NS, 1080), 0);
	round_pay(&wheel, BURST_NS, BURST_NS, 70000, 1080);
	ck_assert_int_eq(wheel.budget.left_ns, -70000);
	ck_assert_uint_eq(round_due_ms(&wheel, BURST_NS, 1080), 1580);
}
END_TEST

START_TEST(few_do_not_pay_what_a_crowd_owes)
{
	begin_with_few(4);
	ck_assert_int_eq(take_turn(BURST_NS, 1080), 0);
	round_pay(&wheel, BURST_NS, 3 * BURST_NS, 0, 1080);
	ck_assert_uint_eq(round_due_ms(&wheel, BURST_NS, 1080), 3081);
	ck_assert_uint_eq(round_room(&wheel, BURST_NS, 1080, 64), 0);
	round_leave(&wheel, &members[0]);
	ck_assert_uint_eq(round_due_ms(&wheel, BURST_NS, 1081), 1080);
	ck_assert_uint_eq(round_room(&wheel, BURST_NS, 1081, 64), 64);
	ck_assert_int_eq(take_turn(BURST_NS, 1081), 1);
	ck_assert_int_eq(take_turn(BURST_NS, 1081), 2);
	ck_assert_int_eq(take_turn(BURST_NS, 1081), 3);
	ck_assert_uint_eq(round_due_ms(&wheel, BURST_NS, 1081), 1160);
	/* it is remembered for the next crowd */
	round_join(&wheel, &members[0], 1081);
	ck_assert_uint_eq(round_due_ms(&wheel, BURST_NS, 1081), 3081);
	ck_assert_uint_eq(round_room(&wheel, BURST_NS, 1081, 64), 0);
}
END_TEST

START_TEST(without_exemption_one_is_too_many)
{
	begin(1);
	ck_assert_int_eq(take_turn(BURST_NS, 1080), 0);
	round_pay(&wheel, BURST_NS, 2 * BURST_NS, 0, 1080);
	ck_assert_int_eq(wheel.budget.left_ns, -BURST_NS);
	ck_assert_uint_eq(round_room(&wheel, BURST_NS, 1080, 64), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("round");
	TCase *tcase = harness_case(suite, "round");

	tcase_add_test(tcase, empty_is_never_due);
	tcase_add_test(tcase, first_turn_comes_after_a_period);
	tcase_add_test(tcase, pass_looks_at_each_once);
	tcase_add_test(tcase, pass_is_never_longer_than_the_round);
	tcase_add_test(tcase, room_is_what_can_be_paid);
	tcase_add_test(tcase, crowd_pays_for_waking_up);
	tcase_add_test(tcase, rest_is_a_part_of_going_round);
	tcase_add_test(tcase, rest_lasts_until_debts_are_paid);
	tcase_add_test(tcase, a_nanosecond_decides);
	tcase_add_test(tcase, rest_is_decided_by_who_is_left);
	tcase_add_test(tcase, few_neither_need_a_budget_nor_spend_it);
	tcase_add_test(tcase, few_do_not_pay_what_a_crowd_owes);
	tcase_add_test(tcase, without_exemption_one_is_too_many);
	return harness_run(suite);
}
