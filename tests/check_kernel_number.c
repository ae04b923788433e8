/* SPDX-License-Identifier: MIT */
#include "daemon/kernel_number.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/cleanup.h"
#include "util/fd.h"

static char folder[32], path[64];

static void before(void)
{
	(void)snprintf(folder, sizeof(folder), "number.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/limit", folder);
}

static void after(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void show(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(reads_one_line)
{
	uint64_t number;

	show("512\n");
	ck_assert_int_eq(kernel_number_read(folder, "limit", &number), 0);
	ck_assert_uint_eq(number, 512);
	show("18446744073709551615");
	ck_assert_int_eq(kernel_number_read(NULL, path, &number), 0);
	ck_assert_uint_eq(number, UINT64_MAX);
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
	char text[66];
	uint64_t number = 7;

	show("many\n");
	ck_assert_int_eq(kernel_number_read(folder, "limit", &number), -EINVAL);
	show("18446744073709551616\n");
	ck_assert_int_eq(kernel_number_read(folder, "limit", &number), -ERANGE);
	show("");
	ck_assert_int_eq(kernel_number_read(folder, "limit", &number), -EINVAL);
	(void)snprintf(text, sizeof(text), "%065d", 1);
	show(text);
	ck_assert_int_eq(kernel_number_read(folder, "limit", &number), -EFBIG);
	show(text + 1); /* 64 bytes */
	ck_assert_int_eq(kernel_number_read(folder, "limit", &number), 0);
	ck_assert_uint_eq(number, 1);
}
END_TEST

START_TEST(what_is_not_there_is_said)
{
	uint64_t number;

	ck_assert_int_eq(kernel_number_read(folder, "limit", &number), -ENOENT);
	ck_assert_int_eq(kernel_number_write(folder, "limit", 1), -ENOENT);
}
END_TEST

START_TEST(writes_a_line)
{
	_cleanup_free_ char *text = NULL;
	size_t length;

	show("longer than that\n");
	ck_assert_int_eq(kernel_number_write(folder, "limit", 300), 0);
	ck_assert_int_eq(fd_read_file(path, 100, &text, &length), 0);
	ck_assert_str_eq(text, "300\n");
}
END_TEST

START_TEST(paths_have_an_end)
{
	char name[PATH_MAX];
	uint64_t number;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(kernel_number_read(folder, name, &number),
			 -ENAMETOOLONG);
	ck_assert_int_eq(kernel_number_write(folder, name, 1), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_number");
	TCase *tcase = harness_case(suite, "kernel_number");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, reads_one_line);
	tcase_add_test(tcase, what_is_no_number_is_refused);
	tcase_add_test(tcase, what_is_not_there_is_said);
	tcase_add_test(tcase, writes_a_line);
	tcase_add_test(tcase, paths_have_an_end);
	return harness_run(suite);
}
