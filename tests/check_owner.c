/* SPDX-License-Identifier: MIT */
#include "daemon/owner.h"

#include "tests/harness.h"

START_TEST(connections_of_one_uid_share_an_account)
{
	struct accounts accounts;
	struct owner a, b, c;

	accounts_init(&accounts);
	ck_assert_int_eq(owner_init(&a, &accounts, 1000), 0);
	ck_assert_int_eq(owner_init(&b, &accounts, 1000), 0);
	ck_assert_int_eq(owner_init(&c, &accounts, 1001), 0);
	ck_assert_ptr_eq(a.account, b.account);
	ck_assert_uint_eq(a.account->n_clients, 2);
	ck_assert_uint_eq(c.account->n_clients, 1);
	ck_assert(list_empty(&a.buffers));
	ck_assert_uint_eq(a.n_buffers, 0);

	owner_deinit(&a);
	ck_assert_uint_eq(account_find(&accounts, 1000)->n_clients, 1);
	owner_deinit(&b);
	ck_assert_ptr_null(account_find(&accounts, 1000));
	owner_deinit(&c);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("owner");
	TCase *tcase = harness_case(suite, "owner");

	tcase_add_test(tcase, connections_of_one_uid_share_an_account);
	return harness_run(suite);
}
