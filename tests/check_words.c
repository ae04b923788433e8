/* SPDX-License-Identifier: MIT */
#include "devicetree/words.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"

/* Names in messages: what is printable stays, the rest cannot act. */

START_TEST(test_printable)
{
	char buf[WORDS_LABEL_BYTES];

	ck_assert_str_eq(words_label(buf, "camera@90000000"), "camera@90000000");
	ck_assert_str_eq(words_label(buf, ""), "");
	ck_assert_str_eq(words_label(buf, " ~"), " ~");
}
END_TEST

START_TEST(test_escaped)
{
	char buf[WORDS_LABEL_BYTES];

	ck_assert_str_eq(words_label(buf, "a\033[2Jb\n\x7f\xff"),
			 "a\\x1b[2Jb\\x0a\\x7f\\xff");
}
END_TEST

/* Any length and any mix fits, and the cut is told. */
START_TEST(test_cut)
{
	char buf[WORDS_LABEL_BYTES], name[2 * WORDS_LABEL_BYTES];

	for (size_t len = 0; len < sizeof(name); len++) {
		for (size_t plain = 0; plain <= len; plain += 7) {
			memset(name, '\n', sizeof(name));
			memset(name, 'a', plain);
			name[len] = '\0';
			words_label(buf, name);
			ck_assert_uint_lt(strlen(buf), sizeof(buf));
		}
	}
	ck_assert_str_eq(buf + strlen(buf) - 3, "...");
	memset(name, 'a', sizeof(name));
	name[120] = '\0';
	ck_assert_str_eq(words_label(buf, name), name);
	name[120] = 'a';
	name[121] = '\0';
	ck_assert_str_ne(words_label(buf, name), name);
	ck_assert_str_eq(buf + strlen(buf) - 3, "...");
}
END_TEST

START_TEST(test_list)
{
	struct words list = {0};

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(words_add(&list, "number %d", i), 0);
	ck_assert_uint_eq(list.n_words, 100);
	ck_assert_str_eq(list.words[0], "number 0");
	ck_assert_str_eq(list.words[99], "number 99");
	words_deinit(&list);
	ck_assert_uint_eq(list.n_words, 0);
	words_deinit(&list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("words");
	TCase *tcase = harness_case(suite, "words");

	tcase_add_test(tcase, test_printable);
	tcase_add_test(tcase, test_escaped);
	tcase_add_test(tcase, test_cut);
	tcase_add_test(tcase, test_list);
	return harness_run(suite);
}
