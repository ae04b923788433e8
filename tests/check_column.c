/* SPDX-License-Identifier: MIT */
#include "tools/column.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"
#include "tools/facts.h"
#include "util/cleanup.h"

/* Which columns a list names, and what each kind makes of a fact. */

static const struct column all[] = {
	{"NAME", "name", COLUMN_TEXT, true, "a name"},
	{"SIZE", "size", COLUMN_SIZE, true, "a size"},
	{"ID", "id", COLUMN_NUMBER, false, "a number"},
	{NULL, NULL, COLUMN_TEXT, false, NULL},
};

static const struct {
	const char *list;
	const char *names; /* of the selected ones; NULL: refused */
} lists[] = {
	{NULL, "NAME SIZE "},
	{"ID", "ID "},
	{"id,name", "ID NAME "},
	{"Size,SIZE", "SIZE SIZE "},
	{"+ID", "NAME SIZE ID "},
	{"", NULL},
	{"+", NULL},
	{"NAME,", NULL},
	{",NAME", NULL},
	{"NAM", NULL},
	{"NAMES", NULL},
	{"NAME SIZE", NULL},
};

START_TEST(selection)
{
	const struct column *selected[4];
	struct error why = ERROR_INIT;
	char names[64] = "";
	int n = column_select(all, lists[_i].list, selected, 4, &why);

	if (!lists[_i].names) {
		ck_assert_int_eq(n, -EINVAL);
		ck_assert_ptr_nonnull(strstr(why.text, "there are NAME, SIZE, "
						       "ID"));
		return;
	}
	for (int i = 0; i < n; i++) {
		strcat(names, selected[i]->name);
		strcat(names, " ");
	}
	ck_assert_str_eq(names, lists[_i].names);
}
END_TEST

START_TEST(selection_has_a_limit)
{
	const struct column *selected[2];
	struct error why = ERROR_INIT;

	ck_assert_int_eq(column_select(all, "ID,ID", selected, 2, &why), 2);
	ck_assert_int_eq(column_select(all, "ID,ID,ID", selected, 2, &why),
			 -EINVAL);
	ck_assert_str_eq(why.text, "more than 2 columns");
}
END_TEST

/* What is shown of one fact, a number. */
static void shows(enum column_kind kind, uint64_t value, bool bytes,
		  const char *expected)
{
	const struct column column = {"X", "x", kind, true, ""};
	_cleanup_facts_ struct facts facts;
	_cleanup_free_ char *text = NULL;

	facts_init(&facts);
	facts_add_number(&facts, "x", value);
	facts_add_flag(&facts, "phys_known", bytes);
	text = column_text(&column, facts.object, bytes);
	ck_assert_str_eq(text, expected);
}

START_TEST(numbers)
{
	shows(COLUMN_NUMBER, UINT64_MAX, false, "18446744073709551615");
	shows(COLUMN_SIZE, 5308416, false, "5.1M");
	shows(COLUMN_SIZE, UINT64_MAX, true, "18446744073709551615");
	shows(COLUMN_ADDRESS, UINT64_MAX, false, "0xffffffffffffffff");
	shows(COLUMN_BASE, 0x90000000, true, "0x90000000");
	shows(COLUMN_BASE, 0x90000000, false, "(0x90000000)");
	shows(COLUMN_DURATION, 192000, false, "3m12s");
	shows(COLUMN_USER, 0, false, "root");
	shows(COLUMN_USER, 4294967294u, false, "4294967294");
	shows(COLUMN_GROUP, 0, false, "root");
	shows(COLUMN_GROUP, 4294967294u, false, "4294967294");
}
END_TEST

START_TEST(words)
{
	const struct column name = {"X", "name", COLUMN_TEXT, true, ""};
	const struct column empty = {"X", "empty", COLUMN_TEXT, true, ""};
	const struct column yes = {"X", "isolated", COLUMN_FLAG, true, ""};
	const struct column no = {"X", "cached", COLUMN_FLAG, true, ""};
	const struct column gives = {"X", NULL, COLUMN_GUARANTEES, true, ""};
	const struct column null = {"X", "null", COLUMN_SIZE, true, ""};
	const struct column absent = {"X", "absent", COLUMN_SIZE, true, ""};
	const struct {
		const struct column *column;
		const char *text;
	} views[] = {
		{&name, "camera"},
		{&empty, "-"},
		{&yes, "yes"},
		{&no, "no"},
		{&gives, "contiguous,isolated"},
		{&null, "-"},
		{&absent, "-"},
	};
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_text(&facts, "name", "camera");
	facts_add_text(&facts, "empty", "");
	facts_add_null(&facts, "null");
	facts_add_guarantees(&facts, 3);
	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		_cleanup_free_ char *text =
			column_text(views[i].column, facts.object, false);

		ck_assert_str_eq(text, views[i].text);
	}
}
END_TEST

START_TEST(help)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	column_help(all, stream);
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_str_eq(text, "  NAME  a name\n"
			       "  SIZE  a size\n"
			       "    ID  a number\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("column");
	TCase *tcase = harness_case(suite, "column");

	tcase_add_loop_test(tcase, selection, 0, sizeof(lists) / sizeof(*lists));
	tcase_add_test(tcase, selection_has_a_limit);
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, words);
	tcase_add_test(tcase, help);
	return harness_run(suite);
}
