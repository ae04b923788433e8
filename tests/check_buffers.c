/* SPDX-License-Identifier: MIT */
#include "tools/buffers.h"

#include <string.h>

#include "tests/harness.h"
#include "tools/facts.h"
#include "util/cleanup.h"

/* The facts of a buffer, key by key: other programs read them. */

static const char *told(const struct contig_buffer_info *info,
			json_object *array)
{
	ck_assert_int_eq(buffer_facts(array, info), 0);
	return json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN);
}

START_TEST(with_address)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	const struct contig_buffer_info info = {
		.id = UINT64_MAX,
		.size_bytes = UINT64_C(1) << 63,
		.phys = UINT64_MAX - 4095,
		.has_phys = 1,
		.guarantees = CONTIG_CONTIGUOUS | CONTIG_PHYS_KNOWN,
		.owner_uid = 4294967294u,
		.region = "camera",
		.name = "frame",
	};

	ck_assert_str_eq(told(&info, array),
			 "[{\"id\":18446744073709551615,\"name\":\"frame\","
			 "\"region\":\"camera\",\"size\":9223372036854775808,"
			 "\"phys\":18446744073709547520,"
			 "\"owner_uid\":4294967294,\"state\":\"lent\","
			 "\"contiguous\":true,\"isolated\":false,"
			 "\"dma_buf\":false,\"cached\":false,"
			 "\"phys_known\":true}]");
}
END_TEST

START_TEST(without_address)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	const struct contig_buffer_info info = {
		.id = 1,
		.size_bytes = 4096,
		.phys = 4096, /* says nothing without has_phys */
		.draining = 1,
		.region = "camera",
	};

	ck_assert_ptr_nonnull(strstr(told(&info, array),
				     "\"size\":4096,\"phys\":null,"
				     "\"owner_uid\":0,\"state\":\"draining\""));
	ck_assert_ptr_nonnull(strstr(told(&info, array), "\"name\":\"\","));
}
END_TEST

START_TEST(every_column_has_its_fact)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	const struct contig_buffer_info info = {.id = 1};

	(void)told(&info, array);
	for (const struct column *c = buffer_columns; c->name; c++)
		if (c->key)
			ck_assert_msg(json_object_object_get_ex(
					      json_object_array_get_idx(array, 0),
					      c->key, NULL),
				      "%s shows no fact", c->name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buffers");
	TCase *tcase = harness_case(suite, "buffers");

	tcase_add_test(tcase, with_address);
	tcase_add_test(tcase, without_address);
	tcase_add_test(tcase, every_column_has_its_fact);
	return harness_run(suite);
}
