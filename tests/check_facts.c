/* SPDX-License-Identifier: MIT */
#include "tools/facts.h"

#include <errno.h>

#include "contig.h"
#include "tests/harness.h"

/* Facts as JSON, exact to the last bit, and what becomes of failures. */

static const char *compact(json_object *object)
{
	return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
}

START_TEST(each_kind)
{
	_cleanup_json_ json_object *object = NULL;
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_text(&facts, "text", "a \"b\"");
	facts_add_number(&facts, "small", 0);
	facts_add_number(&facts, "large", UINT64_MAX);
	facts_add_number(&facts, "signed", UINT64_C(1) << 63);
	facts_add_number(&facts, "odd", (UINT64_C(1) << 53) + 1);
	facts_add_flag(&facts, "yes", true);
	facts_add_flag(&facts, "no", false);
	facts_add_null(&facts, "null");
	facts_add(&facts, "array", json_object_new_array());
	object = facts_take(&facts);
	ck_assert_ptr_null(facts.object);
	ck_assert_str_eq(compact(object),
			 "{\"text\":\"a \\\"b\\\"\",\"small\":0,"
			 "\"large\":18446744073709551615,"
			 "\"signed\":9223372036854775808,"
			 "\"odd\":9007199254740993,"
			 "\"yes\":true,\"no\":false,\"null\":null,"
			 "\"array\":[]}");
}
END_TEST

START_TEST(guarantees)
{
	static const struct {
		uint32_t bits;
		const char *json;
	} sets[] = {
		{0,
		 "{\"contiguous\":false,\"isolated\":false,\"dma_buf\":false,"
		 "\"cached\":false,\"phys_known\":false}"},
		{CONTIG_CONTIGUOUS | CONTIG_DMA_BUF | CONTIG_PHYS_KNOWN,
		 "{\"contiguous\":true,\"isolated\":false,\"dma_buf\":true,"
		 "\"cached\":false,\"phys_known\":true}"},
		{CONTIG_ISOLATED | CONTIG_CACHED,
		 "{\"contiguous\":false,\"isolated\":true,\"dma_buf\":false,"
		 "\"cached\":true,\"phys_known\":false}"},
		/* what a newer daemon may give is no fact here */
		{~UINT32_C(0x1f),
		 "{\"contiguous\":false,\"isolated\":false,\"dma_buf\":false,"
		 "\"cached\":false,\"phys_known\":false}"},
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		_cleanup_facts_ struct facts facts;

		facts_init(&facts);
		facts_add_guarantees(&facts, sets[i].bits);
		ck_assert_str_eq(compact(facts.object), sets[i].json);
	}
}
END_TEST

START_TEST(append)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	struct facts facts;

	for (int i = 0; i < 2; i++) {
		facts_init(&facts);
		facts_add_flag(&facts, "x", i);
		ck_assert_int_eq(facts_append(&facts, array), 0);
		ck_assert_ptr_null(facts.object);
	}
	ck_assert_str_eq(compact(array), "[{\"x\":false},{\"x\":true}]");
}
END_TEST

START_TEST(failure_is_kept_in_mind)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	struct facts facts;

	facts_init(&facts);
	facts_add_text(&facts, "before", "text");
	facts_add(&facts, "failed", NULL); /* as json-c when out of memory */
	facts_add_text(&facts, "after", "text");
	facts_add_null(&facts, "null");
	ck_assert_ptr_null(facts.object);
	ck_assert_int_eq(facts_append(&facts, array), -ENOMEM);
	ck_assert_uint_eq(json_object_array_length(array), 0);
	ck_assert_ptr_null(facts_take(&facts));
	facts_deinit(&facts);

	facts_init(&facts);
	ck_assert_int_eq(facts_append(&facts, NULL), -ENOMEM);
	facts_deinit(&facts);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("facts");
	TCase *tcase = harness_case(suite, "facts");

	tcase_add_test(tcase, each_kind);
	tcase_add_test(tcase, guarantees);
	tcase_add_test(tcase, append);
	tcase_add_test(tcase, failure_is_kept_in_mind);
	return harness_run(suite);
}
