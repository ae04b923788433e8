/* SPDX-License-Identifier: MIT */
#include "config/syntax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"
#include "util/cleanup.h"

static char seen[4096];

static void append(unsigned int line, const char *kind, const char *a,
		   const char *b)
{
	size_t len = strlen(seen);

	(void)snprintf(seen + len, sizeof(seen) - len, "%u%s%s|%s\n", line,
		       kind, a ? a : "(none)", b);
}

static void handle_heading(void *data, unsigned int line, const char *heading)
{
	ck_assert_ptr_eq(data, seen);
	append(line, "#", heading, "");
}

static void handle_entry(void *data, unsigned int line, const char *key,
			 const char *value)
{
	ck_assert_ptr_eq(data, seen);
	append(line, "=", key, value);
}

static void handle_complaint(void *data, unsigned int line, const char *reason)
{
	ck_assert_ptr_eq(data, seen);
	append(line, "!", reason, "");
}

/* What text of len bytes is made of, as one string. */
static const char *read_bytes(const char *text, size_t len)
{
	static const struct syntax_events events = {
		handle_heading,
		handle_entry,
		handle_complaint,
	};
	_cleanup_free_ char *copy = calloc(1, len + 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	seen[0] = '\0';
	ck_assert_int_eq(syntax_read(copy, len, &events, seen), 0);
	return seen;
}

static const char *read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

START_TEST(nothing)
{
	ck_assert_str_eq(read_text(""), "");
	ck_assert_str_eq(read_text("\n\n \t\n"), "");
	ck_assert_str_eq(read_text("; one\n  # two"), "");
}
END_TEST

START_TEST(entries)
{
	ck_assert_str_eq(read_text("a=b"), "1=a|b\n");
	ck_assert_str_eq(read_text("\na = b c \r\n\td : e"),
			 "2=a|b c\n3=d|e\n");
	ck_assert_str_eq(read_text("a = b ; c\nd = e;f\ng ="),
			 "1=a|b\n2=d|e;f\n3=g|\n");
	ck_assert_str_eq(read_text("= b"), "1=|b\n");
	/* A blank at the start does not continue the line before. */
	ck_assert_str_eq(read_text("a = b\n  c\nd = e\n"),
			 "1=a|b\n2!neither [section] nor key = value|\n"
			 "3=d|e\n");
}
END_TEST

START_TEST(headings)
{
	ck_assert_str_eq(read_text("[a]"), "1#a|\n");
	ck_assert_str_eq(read_text(" [ a  b ] ; c\n[]#\n[ ]"),
			 "1#a  b|\n2#|\n3#|\n");
	ck_assert_str_eq(read_text("[a\n[b] c\n"),
			 "1#(none)|\n1!the heading has no ]|\n"
			 "2#(none)|\n"
			 "2!there is something after the heading|\n");
	/* Longer than what libinih keeps of a heading. */
	ck_assert_str_eq(read_text("[region 123456789012345678901234567890123"
				   "456789012345678901234567890123]"),
			 "1#region 123456789012345678901234567890123"
			 "456789012345678901234567890123|\n");
}
END_TEST

START_TEST(long_lines)
{
	char text[512];

	/* 199 bytes fit into the 200 of libinih's buffer. */
	(void)snprintf(text, sizeof(text), "a=%0197d\nb=c", 0);
	(void)read_text(text);
	ck_assert_int_eq(strncmp(seen, "1=a|0000", 8), 0);
	ck_assert_uint_eq(strlen(seen), 4 + 197 + 1 + 6);
	ck_assert_str_eq(seen + 4 + 197 + 1, "2=b|c\n");
	(void)snprintf(text, sizeof(text), "a=%0198d\nb=c", 0);
	ck_assert_str_eq(read_text(text),
			 "1!the line is longer than 199 bytes|\n2=b|c\n");
	/* Neither the rest nor a line without a separator becomes an entry. */
	(void)snprintf(text, sizeof(text), "%0199d=b=c\nb=c", 0);
	ck_assert_str_eq(read_text(text),
			 "1!the line is longer than 199 bytes|\n2=b|c\n");
	/* A comment may be as long as it likes. */
	(void)snprintf(text, sizeof(text), "# %0400d\nb=c", 0);
	ck_assert_str_eq(read_text(text), "2=b|c\n");
}
END_TEST

START_TEST(bytes)
{
	static const char nul[] = "a=b\0c\nd=e\n\0";

	ck_assert_str_eq(read_bytes(nul, sizeof(nul) - 1),
			 "1!there is a NUL byte in the line|\n2=d|e\n"
			 "3!there is a NUL byte in the line|\n");
	ck_assert_str_eq(read_text("\xef\xbb\xbf[a]\n"), "1#a|\n");
	ck_assert_str_eq(read_text("\xef\xbb\xbf"), "");
	ck_assert_str_eq(read_text("\xef\xbb"),
			 "1!neither [section] nor key = value|\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("syntax");
	TCase *tcase = harness_case(suite, "syntax");

	tcase_add_test(tcase, nothing);
	tcase_add_test(tcase, entries);
	tcase_add_test(tcase, headings);
	tcase_add_test(tcase, long_lines);
	tcase_add_test(tcase, bytes);
	return harness_run(suite);
}
