/* SPDX-License-Identifier: MIT */
#include "config/reservations.h"

#include <string.h>

#include "tests/harness.h"

#define MIB (UINT64_C(1) << 20)

static struct config_reservations reservations;

static void append_complaint(void *data, const char *reason)
{
	char *text = data;

	(void)strcat(strcat(text, reason), "\n");
}

/* Adds a list; the complaints must be these. */
static void add(const char *text, const char *complaints)
{
	char seen[1024] = "";
	const struct config_list list = {
		.text = text,
		.line = 5,
		.complain = append_complaint,
		.data = seen,
	};

	ck_assert_int_eq(config_reservations_add(&reservations, &list), 0);
	ck_assert_str_eq(seen, complaints);
}

START_TEST(users_and_groups)
{
	const struct config_reservation *items;

	add(" root:64M,@44 : 32M below 4G , 1000:1\tbelow\t0x1000", "");
	items = reservations.items;
	ck_assert_uint_eq(reservations.n, 3);
	ck_assert_str_eq(items[0].name, "root");
	ck_assert_uint_eq(items[0].size_bytes, 64 * MIB);
	ck_assert_uint_eq(items[0].below, 0);
	ck_assert_uint_eq(items[0].line, 5);
	ck_assert_uint_eq(items[0].who.n_uids, 1);
	ck_assert_uint_eq(items[0].who.uids[0], 0);
	ck_assert_str_eq(items[1].name, "@44");
	ck_assert_uint_eq(items[1].who.gids[0], 44);
	ck_assert_uint_eq(items[1].size_bytes, 32 * MIB);
	ck_assert_uint_eq(items[1].below, UINT64_C(4) << 30);
	ck_assert_uint_eq(items[2].size_bytes, 1);
	ck_assert_uint_eq(items[2].below, 0x1000);
	add("@0:1K", "");
	ck_assert_uint_eq(reservations.n, 4); /* lists add up */
	config_reservations_deinit(&reservations);
	ck_assert_uint_eq(reservations.n, 0);
	ck_assert_ptr_null(reservations.items);
}
END_TEST

START_TEST(nothing)
{
	add("", "");
	add(" \t", "");
	ck_assert_uint_eq(reservations.n, 0);
}
END_TEST

/* What is wrong is left out, the rest stays. */
START_TEST(wrong_entries)
{
	add("1000,:1M,*:1M,@:1M,,no-such-user-here:1M,1000:,1000:0,1000:x,"
	    "7:1M,1000:1M above 4G,1000:1M below,1000:1M below 0,1000:1:2",
	    "'1000' is not NAME:SIZE\n"
	    "the name is missing\n"
	    "what is for everybody is not reserved\n"
	    "an entry of the list is empty\n"
	    "an entry of the list is empty\n"
	    "there is no user 'no-such-user-here'\n"
	    "'' is not a number\n"
	    "a size of 0 reserves nothing\n"
	    "'x' is not a number\n"
	    "'above 4G' is not 'below ADDRESS'\n"
	    "'' is not a number\n"
	    "there is nothing below address 0\n"
	    "'1:2' is not a size: a number, optionally with K, M, G, T or P, "
	    "is\n");
	ck_assert_uint_eq(reservations.n, 1);
	ck_assert_str_eq(reservations.items[0].name, "7");
	config_reservations_deinit(&reservations);
}
END_TEST

START_TEST(largest_size)
{
	add("7:18446744073709551615,8:18446744073709551616",
	    "'18446744073709551616' exceeds 2^64-1\n");
	ck_assert_uint_eq(reservations.n, 1);
	ck_assert_uint_eq(reservations.items[0].size_bytes, UINT64_MAX);
	config_reservations_deinit(&reservations);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reservations");
	TCase *tcase = harness_case(suite, "reservations");

	tcase_add_test(tcase, users_and_groups);
	tcase_add_test(tcase, nothing);
	tcase_add_test(tcase, wrong_entries);
	tcase_add_test(tcase, largest_size);
	return harness_run(suite);
}
