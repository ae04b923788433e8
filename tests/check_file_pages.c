/* SPDX-License-Identifier: MIT */
#include "daemon/file_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

#define HUGE ((size_t)FILE_PAGES_HUGE_BYTES)

static int fd;

static void before(void)
{
	fd = memfd_create("file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_ge(fd, 0);
}

static void after(void)
{
	fd = fd_close(fd);
}

static void expect_size(size_t size_bytes, size_t with_pages)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, (off_t)size_bytes);
	ck_assert_int_eq(st.st_blocks * 512, (blkcnt_t)with_pages);
}

static void expect_zeroes(size_t size_bytes)
{
	char *map = mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(map[0], 0);
	ck_assert_int_eq(memcmp(map, map + 1, size_bytes - 1), 0);
	(void)munmap(map, size_bytes);
}

static void give_huge(size_t offset)
{
	int r = file_pages_populate_huge(fd, offset);

	if (r == -EINVAL || r == -ENOMEM || r == -EAGAIN || r == -EBUSY)
		harness_skip("the kernel has no huge page for a memfd");
	ck_assert_int_eq(r, 0);
}

START_TEST(small_pages_are_zeroes)
{
	const size_t size = 3 * 65536 + 4096; /* not one step of its */

	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	ck_assert_int_eq(file_pages_populate(fd, 4096, size - 4096), 0);
	expect_size(size, size - 4096);
	ck_assert_int_eq(file_pages_populate(fd, 0, 4096), 0);
	expect_size(size, size);
	expect_zeroes(size);
}
END_TEST

START_TEST(no_pages_behind_the_end)
{
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	ck_assert_int_eq(file_pages_populate(fd, 4096, 1), -EIO);
	ck_assert_int_eq(file_pages_populate(-1, 0, 1), -EBADF);
}
END_TEST

START_TEST(a_huge_page_is_one_and_zero)
{
	ck_assert_int_eq(ftruncate(fd, 2 * (off_t)HUGE + 4096), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS,
			       F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL),
			 0);
	give_huge(0);
	expect_size(2 * HUGE + 4096, HUGE);
	give_huge(HUGE);
	expect_size(2 * HUGE + 4096, 2 * HUGE);
	expect_zeroes(2 * HUGE + 4096);
}
END_TEST

START_TEST(huge_after_small_ones)
{
	ck_assert_int_eq(ftruncate(fd, 2 * (off_t)HUGE), 0);
	ck_assert_int_eq(file_pages_populate(fd, 0, HUGE), 0);
	give_huge(HUGE);
	expect_size(2 * HUGE, 2 * HUGE);
	expect_zeroes(2 * HUGE);
}
END_TEST

START_TEST(no_huge_page_is_an_error)
{
	ck_assert_int_eq(file_pages_populate_huge(-1, 0), -EBADF);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	ck_assert_int_eq(file_pages_populate_huge(fd, 0), -EPERM);
	expect_size(0, 0);
}
END_TEST

/* Whether there are any is the system's affair; what there is, is zero. */
START_TEST(large_pages_are_zeroes)
{
	const size_t size = HUGE + HUGE / 2 + 4096;
	struct stat st;
	int r;

	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	r = file_pages_populate_large(fd, HUGE, HUGE / 2);
	if (r == 0) {
		expect_size(size, HUGE / 2);
	} else {
		ck_assert(r == -EOPNOTSUPP || r == -EINVAL);
		ck_assert_int_eq(fstat(fd, &st), 0);
		ck_assert_int_le(st.st_blocks * 512, 4096);
	}
	expect_zeroes(size);
}
END_TEST

START_TEST(no_large_page_is_an_error)
{
	ck_assert_int_eq(file_pages_populate_large(-1, 0, HUGE / 2), -EBADF);
	/* it lies behind the end of the file */
	ck_assert_int_lt(file_pages_populate_large(fd, 0, HUGE / 2), 0);
	expect_size(0, 0);
}
END_TEST

START_TEST(discarding_gives_pages_back)
{
	char byte = 'x';

	ck_assert_int_eq(pwrite(fd, "xy", 2, 8191), 2);
	expect_size(8193, 8192);
	ck_assert_int_eq(file_pages_discard(fd, 0, 8192), 0);
	expect_size(8193, 4096);
	ck_assert_int_eq(pread(fd, &byte, 1, 8192), 1);
	ck_assert_int_eq(byte, 'y'); /* not in that part */
	ck_assert_int_eq(file_pages_discard(fd, 8192, HUGE), 0);
	expect_size(8193, 0);
	expect_zeroes(8193);
	ck_assert_int_eq(file_pages_discard(-1, 0, 1), -EBADF);
}
END_TEST

/* Of a huge page, a part goes as well. */
START_TEST(discarding_takes_parts_of_huge_pages)
{
	char byte = 'x';

	ck_assert_int_eq(ftruncate(fd, (off_t)HUGE), 0);
	give_huge(0);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), 1);
	ck_assert_int_eq(file_pages_discard(fd, HUGE / 2, HUGE / 2), 0);
	expect_size(HUGE, HUGE / 2);
	ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'x');
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file_pages");
	TCase *tcase = harness_case(suite, "file_pages");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, small_pages_are_zeroes);
	tcase_add_test(tcase, no_pages_behind_the_end);
	tcase_add_test(tcase, a_huge_page_is_one_and_zero);
	tcase_add_test(tcase, huge_after_small_ones);
	tcase_add_test(tcase, no_huge_page_is_an_error);
	tcase_add_test(tcase, large_pages_are_zeroes);
	tcase_add_test(tcase, no_large_page_is_an_error);
	tcase_add_test(tcase, discarding_gives_pages_back);
	tcase_add_test(tcase, discarding_takes_parts_of_huge_pages);
	return harness_run(suite);
}
