/* SPDX-License-Identifier: MIT */
#include "tools/damages.h"

#include <string.h>

#include "tests/harness.h"
#include "tools/facts.h"
#include "util/cleanup.h"

/* The facts of a damaged guard, key by key: other programs read them. */

static const char *told(const struct contig_damage *damage, json_object *array)
{
	ck_assert_int_eq(damage_facts(array, damage), 0);
	return json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN);
}

START_TEST(in_full)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	const struct contig_damage damage = {
		.id = 17,
		.size_bytes = UINT64_C(1) << 63,
		.guard_bytes = 65536,
		.first_bytes = 16,
		.differing_bytes = 3,
		.phys = UINT64_MAX,
		.has_phys = 1,
		.owner_uid = 4294967294u,
		.neighbour_id = UINT64_MAX,
		.neighbour_uid = 1001,
		.region = "camera",
		.name = "front",
		.neighbour_name = "behind",
	};

	ck_assert_str_eq(told(&damage, array),
			 "[{\"id\":17,\"name\":\"front\","
			 "\"region\":\"camera\",\"owner_uid\":4294967294,"
			 "\"size\":9223372036854775808,\"guard\":65536,"
			 "\"first\":16,\"differing\":3,"
			 "\"phys\":18446744073709551615,"
			 "\"neighbour\":18446744073709551615,"
			 "\"neighbour_name\":\"behind\","
			 "\"neighbour_uid\":1001}]");
}
END_TEST

START_TEST(nobody_behind_and_no_address)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	const struct contig_damage damage = {
		.id = 1,
		.size_bytes = 4096,
		.guard_bytes = 4096,
		.differing_bytes = 4096,
		.phys = 4096, /* says nothing without has_phys */
		.neighbour_uid = 7,
	};

	ck_assert_ptr_nonnull(strstr(told(&damage, array),
				     "\"first\":0,\"differing\":4096,"
				     "\"phys\":null,\"neighbour\":null,"
				     "\"neighbour_name\":null,"
				     "\"neighbour_uid\":null}]"));
}
END_TEST

/* Every column shows a fact that there is. */
START_TEST(columns)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	const struct contig_damage damage = {.id = 1};
	json_object *facts;

	ck_assert_int_eq(damage_facts(array, &damage), 0);
	facts = json_object_array_get_idx(array, 0);
	for (const struct column *c = damage_columns; c->name; c++)
		ck_assert_msg(json_object_object_get_ex(facts, c->key, NULL),
			      "%s", c->name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("damages");
	TCase *tcase = harness_case(suite, "damages");

	tcase_add_test(tcase, in_full);
	tcase_add_test(tcase, nobody_behind_and_no_address);
	tcase_add_test(tcase, columns);
	return harness_run(suite);
}
