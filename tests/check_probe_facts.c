/* SPDX-License-Identifier: MIT */
#include "tools/probe_facts.h"

#include <string.h>

#include "tests/harness.h"
#include "tools/facts.h"

/* The facts on a range, for programs and for people. */

static char *compatible[] = {(char *)"contiguous-memory",
			     (char *)"reserved-memory"};
static char *users[] = {(char *)"/isp", (char *)"/dsp"};
static struct reserved_range alloc_ranges[] = {
	{0x80000000, 0x1000}, {0xfffffffffffff000, 0x1000}};

static struct reserved_node node;
static struct adoption adoption;

static void setup(void)
{
	node = (struct reserved_node){
		.name = (char *)"camera@90000000",
		.compatible = compatible,
		.n_compatible = 2,
		.status = (char *)"okay",
		.no_map = true,
		.contiguous_default = true,
		.has_alignment = true,
		.alignment_bytes = UINT64_MAX,
		.alloc_ranges = alloc_ranges,
		.n_alloc_ranges = 2,
		.users = users,
		.n_users = 2,
	};
	adoption = (struct adoption){
		.node = &node,
		.has_base = true,
		.base = 0xfffffffffffff000,
		.has_size = true,
		.size_bytes = 0x1000,
		.adopted = true,
		.reason = (char *)"because",
	};
}

static void prints(bool table, const char *expected)
{
	_cleanup_json_ json_object *array = json_object_new_array();

	ck_assert_int_eq(probe_adoption_facts(array, &adoption, table), 0);
	ck_assert_str_eq(
		json_object_to_json_string_ext(
			array, JSON_C_TO_STRING_PLAIN |
				       JSON_C_TO_STRING_NOSLASHESCAPE),
		expected);
}

START_TEST(test_json)
{
	prints(false, "[{\"name\":\"camera@90000000\","
		      "\"compatible\":[\"contiguous-memory\","
		      "\"reserved-memory\"],"
		      "\"base\":18446744073709547520,\"size\":4096,"
		      "\"no_map\":true,\"reusable\":false,"
		      "\"status\":\"okay\",\"alignment\":18446744073709551615,"
		      "\"alloc_ranges\":[{\"base\":2147483648,\"size\":4096},"
		      "{\"base\":18446744073709547520,\"size\":4096}],"
		      "\"users\":[\"/isp\",\"/dsp\"],\"adopted\":true,"
		      "\"reason\":\"because\"}]");
}
END_TEST

START_TEST(test_nothing)
{
	node = (struct reserved_node){.name = (char *)"",
				      .status = (char *)""};
	adoption = (struct adoption){.node = &node, .reason = (char *)"x"};
	prints(false, "[{\"name\":\"\",\"compatible\":[],\"base\":null,"
		      "\"size\":null,\"no_map\":false,\"reusable\":false,"
		      "\"status\":\"\",\"alignment\":null,\"alloc_ranges\":[],"
		      "\"users\":[],\"adopted\":false,\"reason\":\"x\"}]");
}
END_TEST

START_TEST(test_table)
{
	node.reusable = node.cma_default = node.dma_default = true;
	prints(true, "[{\"name\":\"camera@90000000\","
		     "\"compatible\":\"contiguous-memory,reserved-memory\","
		     "\"base\":18446744073709547520,\"size\":4096,"
		     "\"no_map\":true,\"reusable\":true,"
		     "\"flags\":\"no-map,reusable,cma-default,dma-default,"
		     "contiguous-default\","
		     "\"status\":\"okay\",\"alignment\":18446744073709551615,"
		     "\"alloc_ranges\":\"0x80000000+0x1000,"
		     "0xfffffffffffff000+0x1000\","
		     "\"users\":\"/isp,/dsp\",\"adopted\":true,"
		     "\"reason\":\"because\"}]");
}
END_TEST

/* JSON is UTF-8, whatever a blob holds. */
START_TEST(test_bytes)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	json_object *name;

	node.name = (char *)"a\xff\x80z\n";
	ck_assert_int_eq(probe_adoption_facts(array, &adoption, false), 0);
	name = json_object_object_get(json_object_array_get_idx(array, 0),
				      "name");
	ck_assert_str_eq(json_object_get_string(name), "a\\xff\\x80z\n");
}
END_TEST

START_TEST(test_range)
{
	_cleanup_json_ json_object *array = json_object_new_array();

	ck_assert_int_eq(probe_range_facts(array, &alloc_ranges[1]), 0);
	ck_assert_str_eq(
		json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN),
		"[{\"base\":18446744073709547520,\"size\":4096}]");
}
END_TEST

/* Every column shows a fact that is there. */
START_TEST(test_columns)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	json_object *facts;

	ck_assert_int_eq(probe_adoption_facts(array, &adoption, true), 0);
	facts = json_object_array_get_idx(array, 0);
	for (const struct column *c = probe_columns; c->name; c++)
		ck_assert_msg(json_object_object_get_ex(facts, c->key, NULL),
			      "%s", c->name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe_facts");
	TCase *tcase = harness_case(suite, "probe_facts");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_json);
	tcase_add_test(tcase, test_nothing);
	tcase_add_test(tcase, test_table);
	tcase_add_test(tcase, test_bytes);
	tcase_add_test(tcase, test_range);
	tcase_add_test(tcase, test_columns);
	return harness_run(suite);
}
