/* SPDX-License-Identifier: MIT */
#include "tools/regions.h"

#include "tests/harness.h"
#include "tools/command.h"
#include "tools/facts.h"
#include "util/cleanup.h"

/* The facts of a region, key by key: other programs read them. */

static const struct contig_region_info info = {
	.name = "camera",
	.backend = "devmem",
	.base = UINT64_MAX - 0xffff,
	.has_base = 1,
	.span_bytes = 65536,
	.size_bytes = 65535,
	.free_bytes = 4096,
	.largest_free_bytes = 2048,
	.lent_bytes = 3,
	.draining_bytes = 2,
	.reserved_bytes = 1024,
	.usable = 1,
	.dirty_bytes = 1,
	.guarding_bytes = 4,
	.guard_bytes = 2048,
	.damaged_guards = 5,
	.granule_bytes = 1024,
	.guarantees = CONTIG_CONTIGUOUS | CONTIG_PHYS_KNOWN,
	.buffers = 4294967295u,
	.quarantined_bytes = 5,
	.is_default = 1,
};

START_TEST(every_fact)
{
	_cleanup_json_ json_object *array = json_object_new_array();

	ck_assert_int_eq(region_facts(array, &info), 0);
	ck_assert_str_eq(
		json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN),
		"[{\"name\":\"camera\",\"backend\":\"devmem\","
		"\"base\":18446744073709486080,\"size\":65535,\"free\":4096,"
		"\"largest_free\":2048,\"granule\":1024,\"default\":true,"
		"\"contiguous\":true,\"isolated\":false,\"dma_buf\":false,"
		"\"cached\":false,\"phys_known\":true,\"span\":65536,"
		"\"usable\":true,\"reserved\":1024,\"lent\":3,\"draining\":2,"
		"\"guarding\":4,\"dirty\":1,\"guard\":2048,\"damaged\":5,"
		"\"quarantined\":5,\"buffers\":4294967295}]");
}
END_TEST

static json_object *base_of(const struct contig_region_info *region)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	json_object *base;

	ck_assert_int_eq(region_facts(array, region), 0);
	ck_assert(json_object_object_get_ex(json_object_array_get_idx(array, 0),
					    "base", &base));
	return json_object_get(base);
}

/* 0 is an address like any other. */
START_TEST(base_that_is_not_told_is_null)
{
	const struct contig_region_info told = {.has_base = 1};
	const struct contig_region_info hidden = {.has_base = 0};
	_cleanup_json_ json_object *base = base_of(&told);

	ck_assert_ptr_nonnull(base);
	ck_assert_uint_eq(json_object_get_uint64(base), 0);
	ck_assert_ptr_null(base_of(&hidden));
}
END_TEST

START_TEST(every_column_has_its_fact)
{
	_cleanup_json_ json_object *array = json_object_new_array();

	ck_assert_int_eq(region_facts(array, &info), 0);
	for (const struct column *c = command_regions.columns; c->name; c++)
		if (c->key)
			ck_assert_msg(json_object_object_get_ex(
					      json_object_array_get_idx(array, 0),
					      c->key, NULL),
				      "%s shows no fact", c->name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("regions");
	TCase *tcase = harness_case(suite, "regions");

	tcase_add_test(tcase, every_fact);
	tcase_add_test(tcase, base_that_is_not_told_is_null);
	tcase_add_test(tcase, every_column_has_its_fact);
	return harness_run(suite);
}
