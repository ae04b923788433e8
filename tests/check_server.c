/* SPDX-License-Identifier: MIT */
#include "daemon/server.h"

#include "tests/harness.h"

/* What the socket does is tested over the socket, in tests/integration. */

START_TEST(places_are_shared_out)
{
	ck_assert_uint_eq(server_max_clients(0), 4);
	ck_assert_uint_eq(server_max_clients(16), 4);
	ck_assert_uint_eq(server_max_clients(1024), 256);
	ck_assert_uint_eq(server_max_clients(16383), 4095);
	ck_assert_uint_eq(server_max_clients(16384), 4096);
	ck_assert_uint_eq(server_max_clients(UINT64_MAX), 4096);
	ck_assert_uint_eq(server_max_clients_per_uid(4096), 2048);
	ck_assert_uint_eq(server_max_clients_per_uid(4), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("server");
	TCase *tcase = harness_case(suite, "server");

	tcase_add_test(tcase, places_are_shared_out);
	return harness_run(suite);
}
