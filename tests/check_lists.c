/* SPDX-License-Identifier: MIT */
#include "config/lists.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"

/* What a list is cut into, and what becomes of entries that are wrong. */

static char seen[256]; /* the entries in brackets, the complaints without */

static void write_down(const char *before, const char *text, const char *behind)
{
	size_t used = strlen(seen);

	(void)snprintf(seen + used, sizeof(seen) - used, "%s%s%s", before, text,
		       behind);
}

static void complain(void *data, const char *reason)
{
	ck_assert_ptr_eq(data, &seen);
	write_down("", reason, "");
}

/* "bad" is wrong, "large" is too much, and any other is written over. */
static int read_entry(void *data, char *entry, struct error *why)
{
	ck_assert_str_eq(data, "reader");
	write_down("[", entry, "]");
	if (strcmp(entry, "bad") == 0)
		return error_set(why, -EINVAL, "wrong!");
	if (strcmp(entry, "large") == 0)
		return error_set(why, -ENOMEM, "out of memory");
	memset(entry, 'x', strlen(entry));
	return 0;
}

static int read_list(const char *text)
{
	char reader[] = "reader";
	const struct config_list list = {
		.text = text,
		.complain = complain,
		.data = &seen,
	};

	seen[0] = '\0';
	return config_list_read(&list, read_entry, reader);
}

static void ck_trimmed(const char *text, const char *expected)
{
	char copy[32];

	(void)snprintf(copy, sizeof(copy), "%s", text);
	ck_assert_str_eq(config_list_trim(copy), expected);
}

START_TEST(blanks_are_taken_off_both_ends)
{
	ck_trimmed("", "");
	ck_trimmed(" \t ", "");
	ck_trimmed("a", "a");
	ck_trimmed(" a", "a");
	ck_trimmed("a\t", "a");
	ck_trimmed("  a \t b  ", "a \t b");
}
END_TEST

START_TEST(nothing_is_no_entry)
{
	ck_assert_int_eq(read_list(""), 0);
	ck_assert_str_eq(seen, "");
	ck_assert_int_eq(read_list(" \t"), 0);
	ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(entries_in_order)
{
	ck_assert_int_eq(read_list("one"), 0);
	ck_assert_str_eq(seen, "[one]");
	ck_assert_int_eq(read_list(" one,two three ,\tfour "), 0);
	ck_assert_str_eq(seen, "[one][two three][four]");
}
END_TEST

START_TEST(empty_entries_are_entries)
{
	ck_assert_int_eq(read_list(","), 0);
	ck_assert_str_eq(seen, "[][]");
	ck_assert_int_eq(read_list("one, ,"), 0);
	ck_assert_str_eq(seen, "[one][][]");
}
END_TEST

START_TEST(wrong_one_does_not_stop_the_others)
{
	ck_assert_int_eq(read_list("one,bad,two,bad"), 0);
	ck_assert_str_eq(seen, "[one][bad]wrong![two][bad]wrong!");
}
END_TEST

START_TEST(short_memory_does)
{
	ck_assert_int_eq(read_list("bad,large,two"), -ENOMEM);
	ck_assert_str_eq(seen, "[bad]wrong![large]");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lists");
	TCase *tcase = harness_case(suite, "lists");

	tcase_add_test(tcase, blanks_are_taken_off_both_ends);
	tcase_add_test(tcase, nothing_is_no_entry);
	tcase_add_test(tcase, entries_in_order);
	tcase_add_test(tcase, empty_entries_are_entries);
	tcase_add_test(tcase, wrong_one_does_not_stop_the_others);
	tcase_add_test(tcase, short_memory_does);
	return harness_run(suite);
}
