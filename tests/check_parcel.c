/* SPDX-License-Identifier: MIT */
#include "daemon/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

static struct parcel parcel;

START_TEST(gives_back_by_kind)
{
	int first = memfd_create("first", MFD_CLOEXEC);
	int second = memfd_create("second", MFD_CLOEXEC);
	int third = memfd_create("third", MFD_CLOEXEC);

	parcel_init(&parcel);
	ck_assert_int_eq(parcel_take(&parcel, "pin"), -ENOENT);
	ck_assert_int_eq(parcel_add_consume(&parcel, "pin", first), 0);
	ck_assert_int_eq(parcel_add_consume(&parcel, "pool", second), 0);
	ck_assert_int_eq(parcel_add_consume(&parcel, "pin", third), 0);
	ck_assert_uint_eq(parcel_count(&parcel, "pin"), 2);
	ck_assert_uint_eq(parcel_count(&parcel, "pi"), 0);
	ck_assert_int_eq(parcel_take(&parcel, "pin"), first);
	ck_assert_int_eq(parcel_take(&parcel, "pin"), third);
	ck_assert_int_eq(parcel_take(&parcel, "pin"), -ENOENT);
	(void)fd_close(first);
	(void)fd_close(third);
	parcel.words = malloc(8);
	parcel_deinit(&parcel); /* closes and frees the rest */
	ck_assert_uint_eq(parcel.n_items, 0);
	ck_assert_ptr_null(parcel.words);
	parcel_deinit(&parcel); /* twice is harmless */
}
END_TEST

START_TEST(duplicates_are_its_own)
{
	int fd = memfd_create("file", MFD_CLOEXEC), copy;
	struct stat one, other;

	parcel_init(&parcel);
	ck_assert_int_eq(parcel_add_dup(&parcel, "pool", fd), 0);
	copy = parcel_take(&parcel, "pool");
	ck_assert_int_ne(copy, fd);
	ck_assert_int_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &one), 0);
	ck_assert_int_eq(fstat(copy, &other), 0);
	ck_assert_uint_eq(one.st_ino, other.st_ino);
	(void)fd_close(copy);
	(void)fd_close(fd);
	ck_assert_int_eq(parcel_add_dup(&parcel, "pool", fd), -EBADF);
	ck_assert_uint_eq(parcel.n_items, 0);
	parcel_deinit(&parcel);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("parcel");
	TCase *tcase = harness_case(suite, "parcel");

	tcase_add_test(tcase, gives_back_by_kind);
	tcase_add_test(tcase, duplicates_are_its_own);
	return harness_run(suite);
}
