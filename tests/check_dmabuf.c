/* SPDX-License-Identifier: MIT */
#include "daemon/dmabuf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

/*
 * What needs no dma-buf: reading the kernel's text, and refusing everything
 * that is no dma-buf.  The count of a real one is judged by the tests of the
 * backends that make them.
 */

START_TEST(reads_the_count)
{
	uint64_t count = 0;

	ck_assert_int_eq(dmabuf_parse_count("pos:\t0\nflags:\t02000002\n"
					    "mnt_id:\t15\nino:\t5\n"
					    "size:\t131072\ncount:\t3\n"
					    "exp_name:\tudmabuf\n",
					    &count),
			 0);
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(dmabuf_parse_count("count:\t1", &count), 0);
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(reads_nothing_else)
{
	uint64_t count = 7;

	ck_assert_int_eq(dmabuf_parse_count("", &count), -ENOTSUP);
	ck_assert_int_eq(dmabuf_parse_count("pos:\t0\n", &count), -ENOTSUP);
	ck_assert_int_eq(dmabuf_parse_count("count:\n", &count), -ENOTSUP);
	ck_assert_int_eq(dmabuf_parse_count("count:\tmany\n", &count), -ENOTSUP);
	/* a key that ends alike, and a value that looks like the key */
	ck_assert_int_eq(dmabuf_parse_count("eventfd-count:\t4\n", &count),
			 -ENOTSUP);
	ck_assert_int_eq(dmabuf_parse_count("name:\tcount: 9\n", &count),
			 -ENOTSUP);
	ck_assert_uint_eq(count, 7);
}
END_TEST

START_TEST(other_files_are_no_dmabuf)
{
	int fd = memfd_create("none", MFD_CLOEXEC);
	int fdinfo_fd = dmabuf_open_fdinfo();

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(fdinfo_fd, 0);
	ck_assert_int_eq(dmabuf_held(fdinfo_fd, fd, 1), -ENOTSUP);
	ck_assert_int_eq(dmabuf_held(-1, fd, 1), -EBADF);
	ck_assert_int_eq(dmabuf_set_name(fd, "frame"), -ENOTTY);
	ck_assert_int_eq(dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ),
			 -ENOTTY);
	(void)fd_close(fd);
	ck_assert_int_eq(dmabuf_held(fdinfo_fd, -1, 1), -ENOENT);
	(void)fd_close(fdinfo_fd);
	ck_assert_int_eq(dmabuf_sync(-1, 0), -EBADF);
}
END_TEST

/* A pipe's ends say one half each of what a dma-buf without fences says. */
START_TEST(flags_are_set_back_where_nothing_is_pending)
{
	int fd = memfd_create("idle", MFD_CLOEXEC);
	int fds[2];

	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND), 0);
	ck_assert_int_eq(dmabuf_reset(fd), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)fd_close(fd);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(dmabuf_reset(fds[0]), -EBUSY);
	ck_assert_int_eq(dmabuf_reset(fds[1]), -EBUSY);
	ck_assert_int_ne(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
	(void)fd_close(fds[0]);
	(void)fd_close(fds[1]);
	ck_assert_int_eq(dmabuf_reset(fds[0]), -EBUSY); /* POLLNVAL */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dmabuf");
	TCase *fdinfo = harness_case(suite, "fdinfo");

	tcase_add_test(fdinfo, reads_the_count);
	tcase_add_test(fdinfo, reads_nothing_else);
	tcase_add_test(fdinfo, other_files_are_no_dmabuf);
	tcase_add_test(fdinfo, flags_are_set_back_where_nothing_is_pending);
	return harness_run(suite);
}
