/* SPDX-License-Identifier: MIT */
#include "tools/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"
#include "util/cleanup.h"

/* Command lines, as words that a shell would pass on. */

static struct {
	bool flag;
	const char *text;
	uint64_t number;
	uint64_t size;
} got;

static const struct option_row rows[] = {
	{'f', "flag", OPTION_FLAG, &got.flag, NULL, "a flag"},
	{'t', "text", OPTION_TEXT, &got.text, "T", "a text\nof two lines"},
	{'\0', "number", OPTION_NUMBER, &got.number, "N", "a number"},
	{'s', "size", OPTION_SIZE, &got.size, "SIZE", "a size"},
	{'\0', "sizzle", OPTION_FLAG, &got.flag, NULL, "much like size"},
};

#define MAX_WORDS 8

static char *words[MAX_WORDS + 1];

static void setup(void)
{
	memset(&got, 0, sizeof(got));
}

static int parse(enum options_order order, struct error *why,
		 const char *const *line)
{
	static char copies[MAX_WORDS][80];
	const struct options options = {
		.rows = rows,
		.n_rows = sizeof(rows) / sizeof(*rows),
		.order = order,
	};
	int argc = 0;

	for (; line[argc]; argc++) {
		ck_assert_int_lt(argc, MAX_WORDS);
		(void)snprintf(copies[argc], sizeof(copies[argc]), "%s",
			       line[argc]);
		words[argc] = copies[argc];
	}
	words[argc] = NULL;
	return options_parse(&options, argc, words, why);
}

#define PARSE(order, why, ...) \
	parse(order, why, (const char *const[]){"x", __VA_ARGS__, NULL})

START_TEST(every_form)
{
	struct error why = ERROR_INIT;

	ck_assert_int_eq(PARSE(OPTIONS_ANYWHERE, &why, "-f", "-tab",
			       "--number=0x10", "--size", "4K"),
			 6);
	ck_assert(got.flag);
	ck_assert_str_eq(got.text, "ab");
	ck_assert_uint_eq(got.number, 16);
	ck_assert_uint_eq(got.size, 4096);
	ck_assert_str_eq(why.text, "");

	setup();
	ck_assert_int_eq(PARSE(OPTIONS_ANYWHERE, &why, "-ft", "ab", "--num",
			       "18446744073709551615", "-s0"),
			 6);
	ck_assert(got.flag);
	ck_assert_str_eq(got.text, "ab");
	ck_assert_uint_eq(got.number, UINT64_MAX);
	ck_assert_uint_eq(got.size, 0);
}
END_TEST

START_TEST(last_one_counts)
{
	ck_assert_int_eq(PARSE(OPTIONS_ANYWHERE, NULL, "-s1", "-s2"), 3);
	ck_assert_uint_eq(got.size, 2);
}
END_TEST

START_TEST(arguments_anywhere)
{
	ck_assert_int_eq(PARSE(OPTIONS_ANYWHERE, NULL, "one", "-f", "two"), 2);
	ck_assert(got.flag);
	ck_assert_str_eq(words[2], "one");
	ck_assert_str_eq(words[3], "two");
	ck_assert_int_eq(PARSE(OPTIONS_ANYWHERE, NULL, "-t", "a", "--", "-f"),
			 4);
}
END_TEST

START_TEST(first_argument_ends)
{
	ck_assert_int_eq(PARSE(OPTIONS_FIRST, NULL, "-f", "one", "-tx"), 2);
	ck_assert(got.flag);
	ck_assert_ptr_null(got.text);
	ck_assert_str_eq(words[2], "one");
}
END_TEST

START_TEST(nothing_at_all)
{
	ck_assert_int_eq(
		parse(OPTIONS_ANYWHERE, NULL, (const char *const[]){"x", NULL}),
		1);
	ck_assert_int_eq(
		parse(OPTIONS_FIRST, NULL, (const char *const[]){NULL}), 0);
}
END_TEST

static const struct {
	const char *words[4];
	int result;
	const char *text;
} refused[] = {
	{{"x", "-q"}, -EINVAL, "there is no option -q"},
	{{"x", "-fq"}, -EINVAL, "there is no option -q"},
	{{"x", "--quick"}, -EINVAL, "there is no option --quick, or several"},
	{{"x", "--siz=1"}, -EINVAL, "there is no option --siz=1, or several"},
	{{"x", "--flag=1"}, -EINVAL, "--flag takes no value"},
	{{"x", "-t"}, -EINVAL, "--text needs a value"},
	{{"x", "--number"}, -EINVAL, "--number needs a value"},
	{{"x", "--number", "1K"}, -EINVAL, "--number: '1K' is not a number"},
	{{"x", "--number=-1"}, -EINVAL, "--number: '-1' is not a number"},
	{{"x", "-s", "16384P"}, -ERANGE, "--size: '16384P' exceeds 2^64-1 bytes"},
};

START_TEST(refusals_name_the_option)
{
	struct error why = ERROR_INIT;

	ck_assert_int_eq(parse(OPTIONS_ANYWHERE, &why, refused[_i].words),
			 refused[_i].result);
	ck_assert_str_eq(why.text, refused[_i].text);
}
END_TEST

START_TEST(help_stands_in_columns)
{
	const struct options options = {.rows = rows, .n_rows = 4};
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	options_help(&options, stream);
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_str_eq(text, " -f, --flag       a flag\n"
			       " -t, --text T     a text\n"
			       "                  of two lines\n"
			       "     --number N   a number\n"
			       " -s, --size SIZE  a size\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = harness_case(suite, "options");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, every_form);
	tcase_add_test(tcase, last_one_counts);
	tcase_add_test(tcase, arguments_anywhere);
	tcase_add_test(tcase, first_argument_ends);
	tcase_add_test(tcase, nothing_at_all);
	tcase_add_loop_test(tcase, refusals_name_the_option, 0,
			    sizeof(refused) / sizeof(*refused));
	tcase_add_test(tcase, help_stands_in_columns);
	return harness_run(suite);
}
