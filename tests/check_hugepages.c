/* SPDX-License-Identifier: MIT */
#include "daemon/hugepages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

/*
 * A folder stands in for sysfs.  Its files keep what is written to them and
 * change nothing else, like a kernel that takes the wish and finds no page.
 */

static char root[] = "/tmp/check_hugepages.XXXXXX";
static char directory[64], compact[64];
static struct hugepages stock;

static void put(const char *folder, const char *file, const char *text)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	(void)fd_close(fd);
}

static void assert_file(const char *folder, const char *file, const char *text)
{
	char path[128], *data;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	ck_assert_int_eq(fd_read_file(path, 64, &data, &len), 0);
	ck_assert_str_eq(data, text);
	free(data);
}

static void drop(const char *file)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, file);
	(void)unlink(path);
}

static void make_root(void)
{
	char other[64];

	(void)snprintf(root, sizeof(root), "/tmp/check_hugepages.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	(void)snprintf(directory, sizeof(directory), "%s/hugepages-2048kB",
		       root);
	(void)snprintf(other, sizeof(other), "%s/hugepages-64kB", root);
	(void)snprintf(compact, sizeof(compact), "%s/compact", root);
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	ck_assert_int_eq(mkdir(other, 0700), 0);
	put(root, "compact", "");
	put(directory, "nr_hugepages", "10\n");
	put(directory, "free_hugepages", "5\n");
	put(directory, "resv_hugepages", "2\n");
	ck_assert_int_eq(hugepages_init(&stock, root, compact, 2 << 20, NULL),
			 0);
}

static void drop_root(void)
{
	char other[64];

	drop("nr_hugepages");
	drop("free_hugepages");
	drop("resv_hugepages");
	(void)snprintf(other, sizeof(other), "%s/hugepages-64kB", root);
	(void)unlink(compact);
	(void)rmdir(other);
	(void)rmdir(directory);
	ck_assert_int_eq(rmdir(root), 0);
}

START_TEST(only_sizes_that_exist)
{
	struct error why = ERROR_INIT;
	struct hugepages other;

	ck_assert_int_eq(hugepages_init(&other, root, compact, 64 << 10, &why),
			 0);
	ck_assert_int_eq(hugepages_init(&other, root, compact, 1 << 20, &why),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "huge pages of 1M"));
	ck_assert_ptr_nonnull(strstr(why.text, "2M"));
	ck_assert_ptr_nonnull(strstr(why.text, "64K"));
	ck_assert_int_eq(hugepages_init(&other, root, compact, 0, &why),
			 -ENOENT);
	ck_assert_int_eq(
		hugepages_init(&other, root, compact, (2 << 20) + 1, &why),
		-ENOENT);
	ck_assert_int_eq(
		hugepages_init(&other, "/nowhere", compact, 2 << 20, &why),
		-ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "none"));
}
END_TEST

START_TEST(promised_pages_are_not_available)
{
	uint64_t pages;

	ck_assert_int_eq(hugepages_count_available(&stock, &pages), 0);
	ck_assert_uint_eq(pages, 3);
	put(directory, "resv_hugepages", "6\n");
	ck_assert_int_eq(hugepages_count_available(&stock, &pages), 0);
	ck_assert_uint_eq(pages, 0);
	put(directory, "free_hugepages", "many\n");
	ck_assert_int_lt(hugepages_count_available(&stock, &pages), 0);
}
END_TEST

START_TEST(enough_is_left_alone)
{
	uint64_t pages, raised = 9;

	ck_assert_int_eq(hugepages_provide(&stock, 3, &pages, &raised, NULL), 0);
	ck_assert_uint_eq(pages, 3);
	ck_assert_uint_eq(raised, 0);
	assert_file(directory, "nr_hugepages", "10\n");
	assert_file(root, "compact", "");
}
END_TEST

START_TEST(missing_are_asked_for_twice)
{
	uint64_t pages, raised;

	ck_assert_int_eq(hugepages_provide(&stock, 4, &pages, &raised, NULL), 0);
	ck_assert_uint_eq(pages, 3); /* still */
	ck_assert_uint_eq(raised, 2);
	assert_file(directory, "nr_hugepages", "12\n");
	assert_file(root, "compact", "1\n");
}
END_TEST

START_TEST(stock_that_cannot_change)
{
	struct error why = ERROR_INIT;
	uint64_t pages, raised;

	drop("nr_hugepages");
	ck_assert_int_eq(hugepages_provide(&stock, 4, &pages, &raised, &why),
			 -ENOENT);
	ck_assert_uint_eq(pages, 3);
	ck_assert_ptr_nonnull(strstr(why.text, "3 huge pages of 2M are free, "
					       "4 are needed"));
	ck_assert_ptr_nonnull(strstr(why.text, "nr_hugepages"));
	put(directory, "nr_hugepages", "18446744073709551615\n");
	ck_assert_int_eq(hugepages_provide(&stock, 4, &pages, &raised, &why),
			 -ERANGE);
}
END_TEST

START_TEST(lowers_down_to_none)
{
	ck_assert_int_eq(hugepages_lower(&stock, 9), 0);
	assert_file(directory, "nr_hugepages", "1\n");
	ck_assert_int_eq(hugepages_lower(&stock, 2), 0);
	assert_file(directory, "nr_hugepages", "0\n");
}
END_TEST

START_TEST(default_is_a_size_or_none)
{
	uint64_t size = hugepages_default_bytes();

	ck_assert(size == 0 || (size & (size - 1)) == 0);
	ck_assert(size == 0 || size > (uint64_t)sysconf(_SC_PAGESIZE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hugepages");
	TCase *counts = harness_case(suite, "counts");

	tcase_add_checked_fixture(counts, make_root, drop_root);
	tcase_add_test(counts, only_sizes_that_exist);
	tcase_add_test(counts, promised_pages_are_not_available);
	tcase_add_test(counts, enough_is_left_alone);
	tcase_add_test(counts, missing_are_asked_for_twice);
	tcase_add_test(counts, stock_that_cannot_change);
	tcase_add_test(counts, lowers_down_to_none);
	tcase_add_test(counts, default_is_a_size_or_none);
	return harness_run(suite);
}
