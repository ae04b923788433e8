/* SPDX-License-Identifier: MIT */
#include "util/error.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"

/*
 * Failures in words: what fits is kept whole, what does not is cut at the end
 * of the buffer and nowhere else, and nobody has to want the words.
 */

#define MOST (ERROR_TEXT_BYTES - 1)

static void fill(char *text, size_t len, char c)
{
	memset(text, c, len);
	text[len] = '\0';
}

START_TEST(set_yields_code_and_writes)
{
	struct error why = ERROR_INIT;

	ck_assert_str_eq(why.text, "");
	ck_assert_int_eq(error_set(&why, -EINVAL, "%s is %d", "x", 3), -EINVAL);
	ck_assert_str_eq(why.text, "x is 3");
	ck_assert_int_eq(error_set(&why, -EIO, "y"), -EIO);
	ck_assert_str_eq(why.text, "y");
}
END_TEST

START_TEST(nobody_listens)
{
	ck_assert_int_eq(error_set(NULL, -EPERM, "%s", "lost"), -EPERM);
	ck_assert_int_eq(error_prefix(NULL, -EPERM, "%s", "lost"), -EPERM);
}
END_TEST

START_TEST(set_cuts_at_the_limit)
{
	struct error why = ERROR_INIT;
	char text[ERROR_TEXT_BYTES + 1];

	fill(text, MOST, 'a');
	error_write(&why, "%s", text);
	ck_assert_str_eq(why.text, text);

	fill(text, MOST + 1, 'b');
	error_write(&why, "%s", text);
	ck_assert_uint_eq(strlen(why.text), MOST);
	ck_assert_int_eq(strncmp(why.text, text, MOST), 0);
}
END_TEST

START_TEST(prefix_comes_first)
{
	struct error why = ERROR_INIT;

	error_write(&why, "no such file");
	ck_assert_int_eq(error_prefix(&why, -ENOENT, "%s:%d", "a.conf", 7),
			 -ENOENT);
	ck_assert_str_eq(why.text, "a.conf:7: no such file");
	error_write_prefix(&why, "config");
	ck_assert_str_eq(why.text, "config: a.conf:7: no such file");
}
END_TEST

START_TEST(prefix_cuts_at_the_limit)
{
	struct error why = ERROR_INIT;
	char text[ERROR_TEXT_BYTES + 1];

	/* "p: " and the text fill the buffer to the last byte. */
	fill(text, MOST - 3, 'a');
	error_write(&why, "%s", text);
	error_write_prefix(&why, "p");
	ck_assert_uint_eq(strlen(why.text), MOST);
	ck_assert_str_eq(why.text + 3, text);

	/* One more, and the end of the text goes. */
	fill(text, MOST - 2, 'a');
	error_write(&why, "%s", text);
	error_write_prefix(&why, "p");
	ck_assert_uint_eq(strlen(why.text), MOST);
	ck_assert_int_eq(strncmp(why.text, "p: aaa", 6), 0);

	/* A prefix that leaves no room at all. */
	fill(text, MOST + 1, 'c');
	error_write(&why, "rest");
	error_write_prefix(&why, "%s", text);
	ck_assert_uint_eq(strlen(why.text), MOST);
	ck_assert_int_eq(strspn(why.text, "c"), MOST);
}
END_TEST

START_TEST(what_is_short_may_pass)
{
	static const int passing[] = {EAGAIN, EINTR,   EIO,    EMFILE,
				      ENFILE, ENOBUFS, ENOLCK, ENOMEM};

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		ck_assert(error_may_pass(-passing[i]));
	ck_assert(!error_may_pass(0));
	ck_assert(!error_may_pass(ENOMEM)); /* a positive outcome */
	ck_assert(!error_may_pass(-EPROTO));
	ck_assert(!error_may_pass(-ENOENT));
	ck_assert(!error_may_pass(-EPERM));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *tcase = harness_case(suite, "error");

	tcase_add_test(tcase, set_yields_code_and_writes);
	tcase_add_test(tcase, nobody_listens);
	tcase_add_test(tcase, set_cuts_at_the_limit);
	tcase_add_test(tcase, prefix_comes_first);
	tcase_add_test(tcase, prefix_cuts_at_the_limit);
	tcase_add_test(tcase, what_is_short_may_pass);
	return harness_run(suite);
}
