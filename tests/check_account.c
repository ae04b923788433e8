/* SPDX-License-Identifier: MIT */
#include "daemon/account.h"

#include <signal.h>

#include "tests/harness.h"

START_TEST(one_account_a_uid)
{
	struct accounts accounts;
	struct account *a, *b, *c;

	accounts_init(&accounts);
	ck_assert_ptr_null(account_find(&accounts, 1000));
	a = account_get_ref(&accounts, 1000);
	b = account_get_ref(&accounts, 0);
	c = account_get_ref(&accounts, 1000);
	ck_assert_ptr_eq(a, c);
	ck_assert_ptr_ne(a, b);
	ck_assert_uint_eq(b->uid, 0);
	ck_assert_ptr_eq(account_find(&accounts, 1000), a);
	(void)account_unref(&accounts, a);
	ck_assert_ptr_eq(account_find(&accounts, 1000), c);
	ck_assert_ptr_null(account_unref(&accounts, c));
	ck_assert_ptr_null(account_find(&accounts, 1000));
	ck_assert_ptr_eq(account_ref(b), b);
	(void)account_unref(&accounts, b);
	ck_assert_ptr_nonnull(account_find(&accounts, 0));
	(void)account_unref(&accounts, b);
	ck_assert_ptr_null(account_unref(&accounts, NULL));
}
END_TEST

START_TEST(charges_must_be_refunded)
{
	struct accounts accounts;
	struct account *account;

	accounts_init(&accounts);
	account = account_get_ref(&accounts, 7);
	account->bytes = 1;
	(void)account_unref(&accounts, account);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("account");
	TCase *tcase = harness_case(suite, "account");

	tcase_add_test(tcase, one_account_a_uid);
	tcase_add_test_raise_signal(tcase, charges_must_be_refunded, SIGABRT);
	return harness_run(suite);
}
