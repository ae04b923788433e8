/* SPDX-License-Identifier: MIT */
#include "tools/output.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"
#include "tools/facts.h"
#include "util/cleanup.h"

/* The same two rows of facts, as tables and as JSON. */

static const struct column name = {"NAME", "name", COLUMN_TEXT, true, ""};
static const struct column size = {"SIZE", "size", COLUMN_SIZE, true, ""};
static const struct column gives = {"GIVES", NULL, COLUMN_GUARANTEES, true, ""};
static const struct column *const two[] = {&name, &size};
static const struct column *const other_two[] = {&size, &gives};

static json_object *rows(void)
{
	json_object *array = json_object_new_array();
	struct facts facts;

	facts_init(&facts);
	facts_add_text(&facts, "name", "camera");
	facts_add_number(&facts, "size", UINT64_MAX);
	facts_add_guarantees(&facts, 2);
	ck_assert_int_eq(facts_append(&facts, array), 0);
	facts_init(&facts);
	facts_add_text(&facts, "name", "a b\x1b/");
	facts_add_null(&facts, "size");
	facts_add_guarantees(&facts, 0);
	ck_assert_int_eq(facts_append(&facts, array), 0);
	return array;
}

static void prints_table(struct output_style style, const char *expected)
{
	_cleanup_json_ json_object *array = rows();
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	ck_assert_int_eq(output_table(stream, &style, two, 2, array), 0);
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_str_eq(text, expected);
}

START_TEST(table)
{
	prints_table((struct output_style){false, false, false},
		     "NAME     SIZE\n"
		     "camera    16E\n"
		     "a b\\x1b/    -\n");
	prints_table((struct output_style){true, true, false},
		     "camera   18446744073709551615\n"
		     "a b\\x1b/                    -\n");
	prints_table((struct output_style){false, false, true},
		     "NAME SIZE\n"
		     "camera 16E\n"
		     "a\\x20b\\x1b/ -\n");
}
END_TEST

START_TEST(empty_table)
{
	const struct output_style style = {false, false, false};
	_cleanup_json_ json_object *array = json_object_new_array();
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	ck_assert_int_eq(output_table(stream, &style, two, 2, array), 0);
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_str_eq(text, "");
}
END_TEST

static json_object *prints_json(const struct column *const *columns,
				size_t n_columns)
{
	_cleanup_json_ json_object *array = rows();
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	ck_assert_int_eq(
		output_json_list(stream, "things", columns, n_columns, array),
		0);
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_int_eq(text[len - 1], '\n');
	return json_tokener_parse(text);
}

static const char *compact(json_object *object)
{
	return json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

START_TEST(json_has_every_fact)
{
	_cleanup_json_ json_object *back = prints_json(NULL, 0);

	ck_assert_str_eq(
		compact(back),
		"{\"things\":[{\"name\":\"camera\",\"size\":"
		"18446744073709551615,\"contiguous\":false,\"isolated\":true,"
		"\"dma_buf\":false,\"cached\":false,\"phys_known\":false},"
		"{\"name\":\"a b\\u001b/\",\"size\":null,\"contiguous\":false,"
		"\"isolated\":false,\"dma_buf\":false,\"cached\":false,"
		"\"phys_known\":false}]}");
}
END_TEST

START_TEST(json_of_chosen_columns)
{
	_cleanup_json_ json_object *back = prints_json(two, 2);
	_cleanup_json_ json_object *other = prints_json(other_two, 2);

	ck_assert_str_eq(compact(back),
			 "{\"things\":[{\"name\":\"camera\",\"size\":"
			 "18446744073709551615},{\"name\":\"a b\\u001b/\","
			 "\"size\":null}]}");
	ck_assert_ptr_nonnull(strstr(
		compact(other), "[{\"size\":18446744073709551615,"
				"\"contiguous\":false,\"isolated\":true,"));
}
END_TEST

START_TEST(full_disk_is_noticed)
{
	const struct output_style style = {false, false, false};
	_cleanup_json_ json_object *array = rows();
	FILE *stream = fopen("/dev/full", "we");

	ck_assert_ptr_nonnull(stream);
	ck_assert_int_eq(output_table(stream, &style, two, 2, array), -ENOSPC);
	(void)fclose(stream); /* tries once more */
	stream = fopen("/dev/full", "we");
	ck_assert_int_eq(output_json(stream, array), -ENOSPC);
	(void)fclose(stream);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output");
	TCase *tcase = harness_case(suite, "output");

	tcase_add_test(tcase, table);
	tcase_add_test(tcase, empty_table);
	tcase_add_test(tcase, json_has_every_fact);
	tcase_add_test(tcase, json_of_chosen_columns);
	tcase_add_test(tcase, full_disk_is_noticed);
	return harness_run(suite);
}
