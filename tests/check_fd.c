/* SPDX-License-Identifier: MIT */
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/cleanup.h"

/*
 * Descriptors, on memfds and pipes of our own.  That nothing stays open is
 * checked by the harness around each test.
 */

static int memfd_of(const char *data, size_t len)
{
	int fd = memfd_create("check_fd", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, data, len), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

START_TEST(close_keeps_errno)
{
	int fd = memfd_of("", 0);

	errno = EDOM;
	ck_assert_int_eq(fd_close(fd), -1);
	ck_assert_int_eq(errno, EDOM);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);

	/* closing a number that is not open sets EBADF inside */
	errno = EDOM;
	ck_assert_int_eq(fd_close(fd), -1);
	ck_assert_int_eq(errno, EDOM);
	ck_assert_int_eq(fd_close(-1), -1);
	ck_assert_int_eq(errno, EDOM);
}
END_TEST

START_TEST(reopen_is_a_file_of_its_own)
{
	_cleanup_fd_ int fd = memfd_of("abcd", 4);
	_cleanup_fd_ int again = fd_reopen(fd, O_RDONLY);
	struct stat a, b;
	char c;

	ck_assert_int_ge(again, 0);
	ck_assert_int_ne(again, fd);
	ck_assert_int_eq(fcntl(again, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &a), 0);
	ck_assert_int_eq(fstat(again, &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);

	/* its own position, its own access mode */
	ck_assert_int_eq(read(again, &c, 1), 1);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
	ck_assert_int_eq(write(again, "x", 1), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(reopen_of_nothing)
{
	ck_assert_int_eq(fd_reopen(-1, O_RDONLY), -ENOENT);
	ck_assert_int_eq(fd_reopen(-2147483647 - 1, O_RDONLY), -ENOENT);
}
END_TEST

/* Around the limit, and around the first and second buffer of 4096 bytes. */
static const struct {
	size_t len, limit;
	int result;
} reads[] = {
	{0, 0, 0},
	{1, 0, -EFBIG},
	{1, 1, 0},
	{2, 1, -EFBIG},
	{4095, 4095, 0},
	{4096, 4095, -EFBIG},
	{4096, 4096, 0},
	{4097, 4096, -EFBIG},
	{4097, 4097, 0},
	{4098, 4097, -EFBIG},
	{8192, 8192, 0},
	{8193, 8192, -EFBIG},
	{100000, 1 << 20, 0},
	{5, SIZE_MAX, 0},
};

START_TEST(read_all)
{
	size_t len = reads[_i].len, got = 12345;
	_cleanup_free_ char *data = malloc(len + 1);
	_cleanup_free_ char *back = NULL;
	_cleanup_fd_ int fd = -1;
	int result;

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7 + i / 256);
	fd = memfd_of(data, len);
	result = fd_read_all(fd, reads[_i].limit, &back, &got);
	ck_assert_msg(result == reads[_i].result, "%zu of at most %zu: %d", len,
		      reads[_i].limit, result);
	if (result < 0) {
		ck_assert_ptr_null(back);
		ck_assert_uint_eq(got, 12345);
		return;
	}
	ck_assert_uint_eq(got, len);
	ck_assert_int_eq(memcmp(back, data, len), 0);
	ck_assert_int_eq(back[len], '\0');
}
END_TEST

START_TEST(read_all_fails)
{
	_cleanup_fd_ int directory = open("/", O_RDONLY | O_CLOEXEC);
	char *data = NULL;
	size_t len;

	ck_assert_int_eq(fd_read_all(directory, 10, &data, &len), -EISDIR);
	ck_assert_int_eq(fd_read_all(-1, 10, &data, &len), -EBADF);
	ck_assert_ptr_null(data);
}
END_TEST

START_TEST(read_file)
{
	_cleanup_fd_ int fd = memfd_of("line\n", 5);
	_cleanup_free_ char *data = NULL;
	char path[64];
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_eq(fd_read_file(path, 4, &data, &len), -EFBIG);
	ck_assert_int_eq(fd_read_file(path, 5, &data, &len), 0);
	ck_assert_uint_eq(len, 5);
	ck_assert_str_eq(data, "line\n");
	ck_assert_int_eq(fd_read_file("/nowhere/at/all", 5, &data, &len),
			 -ENOENT);
}
END_TEST

START_TEST(write_all)
{
	/* more than a pipe holds, so that the kernel takes it in pieces */
	static const size_t len = 1 << 20;
	_cleanup_free_ char *data = malloc(len), *back = NULL;
	int ends[2];
	size_t got;
	pid_t child;

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 31 + i / 4096);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		fd_close(ends[0]);
		_exit(fd_write_all(ends[1], data, len) == 0 ? 0 : 1);
	}
	fd_close(ends[1]);
	ck_assert_int_eq(fd_read_all(ends[0], len, &back, &got), 0);
	fd_close(ends[0]);
	ck_assert_uint_eq(got, len);
	ck_assert_int_eq(memcmp(back, data, len), 0);
}
END_TEST

START_TEST(write_all_fails)
{
	int ends[2];

	ck_assert_int_eq(fd_write_all(-1, "x", 1), -EBADF);
	ck_assert_int_eq(fd_write_all(-1, "x", 0), 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	fd_close(ends[0]);
	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(fd_write_all(ends[1], "x", 1), -EPIPE);
	fd_close(ends[1]);
}
END_TEST

static bool is_readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	return poll(&pollfd, 1, 0) == 1;
}

START_TEST(events_are_raised_and_cleared)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ck_assert_int_ge(fd, 0);
	fd_clear_event(fd); /* there is none: does not wait */
	ck_assert(!is_readable(fd));
	fd_raise_event(fd);
	fd_raise_event(fd);
	ck_assert(is_readable(fd));
	fd_clear_event(fd);
	ck_assert(!is_readable(fd));
	/* as far as the counter goes */
	ck_assert_int_eq(eventfd_write(fd, UINT64_MAX - 1), 0);
	fd_raise_event(fd);
	ck_assert(is_readable(fd));
	fd_clear_event(fd);
	ck_assert(!is_readable(fd));
	fd_close(fd);
}
END_TEST

START_TEST(count_open)
{
	int before = fd_count_open();
	int fd = memfd_of("", 0);

	ck_assert_int_ge(before, 3);
	ck_assert_int_eq(fd_count_open(), before + 1);
	fd_close(fd);
	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

START_TEST(taken_is_not_released)
{
	int kept;
	char *text;

	{
		_cleanup_fd_ int fd = memfd_of("", 0);
		_cleanup_free_ char *p = strdup("kept");

		kept = TAKE_FD(fd);
		text = TAKE_PTR(p);
		ck_assert_int_eq(fd, -1);
		ck_assert_ptr_null(p);
	}
	ck_assert_int_eq(fcntl(kept, F_GETFD), FD_CLOEXEC);
	ck_assert_str_eq(text, "kept");
	free(text);
	fd_close(kept);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fd");
	TCase *tcase = harness_case(suite, "fd");

	tcase_add_test(tcase, close_keeps_errno);
	tcase_add_test(tcase, reopen_is_a_file_of_its_own);
	tcase_add_test(tcase, reopen_of_nothing);
	tcase_add_loop_test(tcase, read_all, 0, sizeof(reads) / sizeof(*reads));
	tcase_add_test(tcase, read_all_fails);
	tcase_add_test(tcase, read_file);
	tcase_add_test(tcase, write_all);
	tcase_add_test(tcase, write_all_fails);
	tcase_add_test(tcase, events_are_raised_and_cleared);
	tcase_add_test(tcase, count_open);
	tcase_add_test(tcase, taken_is_not_released);
	return harness_run(suite);
}
