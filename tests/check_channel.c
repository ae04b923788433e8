/* SPDX-License-Identifier: MIT */
#include "proto/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/descriptor_limit.h"
#include "tests/harness.h"
#include "util/cleanup.h"

/*
 * Both ends of a socket pair are ours: one misbehaves with plain system calls,
 * the other is the channel.  The harness compares the open descriptors, so a
 * leak on any path fails the test that takes it.
 */

static int left = -1, right = -1;

static void make_pair(void)
{
	int pair[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	left = pair[0];
	right = pair[1];
}

static void close_pair(void)
{
	left = fd_close(left);
	right = fd_close(right);
}

/* Sends size bytes with n copies of one descriptor, past channel_send(). */
static void send_raw(int fd, const void *data, size_t size, size_t n)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data,
			    .iov_len = size};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	_cleanup_free_ char *control = calloc(1, CMSG_SPACE(253 * sizeof(int)));
	_cleanup_fd_ int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct cmsghdr *header;

	ck_assert_ptr_nonnull(control);
	if (n) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(n * sizeof(int));
		for (size_t i = 0; i < n; i++)
			memcpy(CMSG_DATA(header) + i * sizeof(int), &null_fd,
			       sizeof(int));
	}
	ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (int)size);
}

START_TEST(passes_a_datagram)
{
	char data[CONTIG_MSG_MAX_BYTES];
	size_t size = 99;

	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size),
			 -EAGAIN);
	ck_assert_int_eq(channel_send(left, "two", 3, NULL, 0), 0);
	ck_assert_int_eq(channel_send(left, "messages", 8, NULL, 0), 0);
	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size), 0);
	ck_assert_uint_eq(size, 3);
	ck_assert_mem_eq(data, "two", 3);
	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size), 0);
	ck_assert_uint_eq(size, 8);
}
END_TEST

START_TEST(passes_the_largest_and_refuses_one_byte_more)
{
	static char data[CONTIG_MSG_MAX_BYTES + 1];
	size_t size;

	ck_assert_int_eq(
		channel_send(left, data, CONTIG_MSG_MAX_BYTES, NULL, 0), 0);
	ck_assert_int_eq(
		channel_send(left, data, CONTIG_MSG_MAX_BYTES + 1, NULL, 0),
		-EMSGSIZE);
	ck_assert_int_eq(
		channel_receive(right, data, CONTIG_MSG_MAX_BYTES, &size), 0);
	ck_assert_uint_eq(size, CONTIG_MSG_MAX_BYTES);
	send_raw(left, data, CONTIG_MSG_MAX_BYTES + 1, 0);
	ck_assert_int_eq(
		channel_receive(right, data, CONTIG_MSG_MAX_BYTES, &size),
		CHANNEL_E_TRUNCATED);
	ck_assert_int_eq(
		channel_receive(right, data, CONTIG_MSG_MAX_BYTES, &size),
		-EAGAIN);
}
END_TEST

START_TEST(tells_when_the_peer_is_gone)
{
	char data[16];
	size_t size;

	ck_assert_int_eq(channel_send(left, "last", 4, NULL, 0), 0);
	left = fd_close(left);
	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size), 0);
	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size),
			 CHANNEL_E_CLOSED);
	ck_assert_int_eq(channel_send(right, "x", 1, NULL, 0), CHANNEL_E_CLOSED);
}
END_TEST

START_TEST(hears_the_last_word_of_a_peer_that_did_not_listen)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	char data[16];
	size_t size;

	ck_assert_int_eq(channel_send(right, "unread", 6, NULL, 0), 0);
	ck_assert_int_eq(channel_send(left, "no!", 3, NULL, 0), 0);
	left = fd_close(left);
	if (_i)
		ck_assert_int_eq(channel_receive_fds(right, data, sizeof(data),
						     &size, &fds),
				 0);
	else
		ck_assert_int_eq(
			channel_receive(right, data, sizeof(data), &size), 0);
	ck_assert_uint_eq(size, 3);
	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size),
			 CHANNEL_E_CLOSED);
}
END_TEST

static void *send_late(void *data)
{
	const int fds[] = {left};

	(void)data;
	ck_assert_int_eq(channel_send(left, "late", 4, fds, 1), 0);
	return NULL;
}

/* Whichever of both threads comes first. */
START_TEST(waits_for_a_message)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	pthread_t sender;
	char data[16];
	size_t size;

	ck_assert_int_eq(pthread_create(&sender, NULL, send_late, NULL), 0);
	ck_assert_int_eq(
		channel_wait_fds(right, data, sizeof(data), &size, &fds), 0);
	ck_assert_int_eq(pthread_join(sender, NULL), 0);
	ck_assert_uint_eq(size, 4);
	ck_assert_uint_eq(fds.count, 1);
	channel_fds_close(&fds);
	ck_assert_int_eq(shutdown(right, SHUT_RDWR), 0); /* ends waiting */
	ck_assert_int_eq(
		channel_wait_fds(right, data, sizeof(data), &size, &fds),
		CHANNEL_E_CLOSED);
}
END_TEST

START_TEST(an_empty_datagram_ends_it_too)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	char data[16];
	size_t size;

	send_raw(left, "", 0, 0);
	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size),
			 CHANNEL_E_CLOSED);
	send_raw(left, "", 0, 2);
	ck_assert_int_eq(
		channel_receive_fds(right, data, sizeof(data), &size, &fds),
		CHANNEL_E_CLOSED);
	ck_assert_uint_eq(fds.count, 0);
}
END_TEST

START_TEST(does_not_block_where_nobody_reads)
{
	static char data[CONTIG_MSG_MAX_BYTES];
	int r, n = 0;

	while (!(r = channel_send(left, data, sizeof(data), NULL, 0)))
		n++;
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_int_gt(n, 0);
}
END_TEST

START_TEST(refuses_any_descriptor)
{
	char data[16];
	size_t size;

	send_raw(left, "x", 1, _i ? 253 : 1);
	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size),
			 CHANNEL_E_DESCRIPTORS);
}
END_TEST

START_TEST(the_kernel_refuses_at_the_sender)
{
	_cleanup_fd_ int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = channel_refuse_descriptors(right);

	ck_assert(r == 0 || r == -ENOPROTOOPT);
	if (r)
		return;
	ck_assert_int_eq(channel_send(left, "x", 1, &null_fd, 1), -EPERM);
	ck_assert_int_eq(channel_send(left, "x", 1, NULL, 0), 0);
}
END_TEST

START_TEST(looks_at_descriptors_without_taking_them)
{
	char data[16];
	size_t size;

	ck_assert(!channel_carries_descriptors(right));
	ck_assert_int_eq(channel_send(left, "plain", 5, NULL, 0), 0);
	ck_assert(!channel_carries_descriptors(right));
	send_raw(left, "x", 1, 1);
	ck_assert(!channel_carries_descriptors(right));
	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size), 0);
	ck_assert_uint_eq(size, 5);
	ck_assert(channel_carries_descriptors(right));
	ck_assert(channel_carries_descriptors(right));
	ck_assert_int_eq(channel_receive(right, data, sizeof(data), &size),
			 CHANNEL_E_DESCRIPTORS);
	ck_assert(!channel_carries_descriptors(right));
}
END_TEST

START_TEST(tells_an_empty_datagram_from_the_end)
{
	ck_assert(!channel_has_message(right));
	ck_assert_int_eq(send(left, "", 0, 0), 0);
	ck_assert(channel_has_message(right));
	left = fd_close(left);
	ck_assert(channel_has_message(right));
	ck_assert_int_eq(recv(right, NULL, 0, 0), 0);
	ck_assert(!channel_has_message(right));
}
END_TEST

START_TEST(passes_descriptors_close_on_exec_and_in_order)
{
	int own[CONTIG_MSG_MAX_BUFFERS], n = _i;
	struct channel_fds fds = CHANNEL_FDS_INIT;
	char data[16];
	size_t size;

	for (int i = 0; i < n; i++)
		ck_assert_int_ge(own[i] = open(i % 2 ? "/dev/null" : "/",
					       O_PATH | O_CLOEXEC),
				 0);
	ck_assert_int_eq(channel_send(left, "x", 1, own, (size_t)n), 0);
	ck_assert_int_eq(
		channel_receive_fds(right, data, sizeof(data), &size, &fds), 0);
	ck_assert_uint_eq(size, 1);
	ck_assert_uint_eq(fds.count, (size_t)n);
	for (int i = 0; i < n; i++) {
		struct stat mine, theirs;

		ck_assert_int_eq(fcntl(fds.fds[i], F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq(fstat(own[i], &mine), 0);
		ck_assert_int_eq(fstat(fds.fds[i], &theirs), 0);
		ck_assert_uint_eq(mine.st_ino, theirs.st_ino);
		(void)close(own[i]);
	}
	channel_fds_close(&fds);
	ck_assert_uint_eq(fds.count, 0);
}
END_TEST

START_TEST(refuses_to_send_one_too_many)
{
	int fds[CONTIG_MSG_MAX_BUFFERS + 1];

	for (int i = 0; i <= CONTIG_MSG_MAX_BUFFERS; i++)
		fds[i] = left;
	ck_assert_int_eq(
		channel_send(left, "x", 1, fds, CONTIG_MSG_MAX_BUFFERS + 1),
		-EMSGSIZE);
}
END_TEST

START_TEST(closes_them_all_where_too_many_come)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	char data[16];
	size_t size;

	send_raw(left, "xyz", 3, (size_t)_i);
	ck_assert_int_eq(
		channel_receive_fds(right, data, sizeof(data), &size, &fds),
		CHANNEL_E_DESCRIPTORS);
	ck_assert_uint_eq(size, 3);
	ck_assert_uint_eq(fds.count, CONTIG_MSG_MAX_BUFFERS);
	channel_fds_close(&fds);
}
END_TEST

START_TEST(closes_them_all_where_the_datagram_is_too_long)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	char data[2];
	size_t size;

	send_raw(left, "xyz", 3, 5);
	ck_assert_int_eq(
		channel_receive_fds(right, data, sizeof(data), &size, &fds),
		CHANNEL_E_TRUNCATED);
	ck_assert_uint_eq(fds.count, 0);
}
END_TEST

START_TEST(tells_of_descriptors_lost_to_the_limit)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	struct rlimit before;
	char data[16];
	size_t size;
	int r;

	send_raw(left, "xyz", 3, 3);
	descriptor_limit_lower(_i, &before);
	r = channel_receive_fds(right, data, sizeof(data), &size, &fds);
	descriptor_limit_restore(&before);
	ck_assert_int_eq(r, CHANNEL_E_DESCRIPTORS);
	ck_assert_uint_eq(size, 3);
	ck_assert_mem_eq(data, "xyz", 3);
	ck_assert_uint_eq(fds.count, (size_t)_i);
}
END_TEST

START_TEST(addresses_up_to_the_last_byte)
{
	struct sockaddr_un address;
	socklen_t length;
	char path[109];

	memset(path, 'p', sizeof(path));
	path[107] = '\0';
	ck_assert_int_eq(channel_address(path, &address, &length), 0);
	ck_assert_uint_eq(length, sizeof(address));
	path[107] = 'p';
	path[108] = '\0';
	ck_assert_int_eq(channel_address(path, &address, &length),
			 -ENAMETOOLONG);
	ck_assert_int_eq(channel_connect(path), -ENAMETOOLONG);
	ck_assert_int_eq(channel_listen(path, 1), -ENAMETOOLONG);
	ck_assert_int_eq(channel_address("", &address, &length), -ENOENT);
}
END_TEST

START_TEST(connects_to_a_listener)
{
	char dir[] = "/tmp/check-channel-XXXXXX", path[64], data[16];
	_cleanup_fd_ int listener = -1, client = -1, accepted = -1;
	size_t size;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/socket", dir);
	ck_assert_int_eq(channel_connect(path), -ENOENT);
	listener = channel_listen(path, 4);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(channel_listen(path, 4), -EADDRINUSE);
	client = channel_connect(path);
	ck_assert_int_ge(client, 0);
	ck_assert_int_eq(fcntl(client, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(listener, F_GETFD), FD_CLOEXEC);
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(accepted, 0);
	ck_assert_int_eq(accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(channel_send(client, "hello", 5, NULL, 0), 0);
	ck_assert_int_eq(channel_receive(accepted, data, sizeof(data), &size),
			 0);
	ck_assert_uint_eq(size, 5);
	listener = fd_close(listener);
	ck_assert_int_eq(channel_connect(path), -ECONNREFUSED);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

static TCase *pair_case(Suite *suite, const char *name)
{
	TCase *tcase = harness_case(suite, name);

	tcase_add_checked_fixture(tcase, make_pair, close_pair);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("channel");
	TCase *tcase = pair_case(suite, "data");

	tcase_add_test(tcase, passes_a_datagram);
	tcase_add_test(tcase, passes_the_largest_and_refuses_one_byte_more);
	tcase_add_test(tcase, tells_when_the_peer_is_gone);
	tcase_add_loop_test(
		tcase, hears_the_last_word_of_a_peer_that_did_not_listen, 0, 2);
	tcase_add_test(tcase, waits_for_a_message);
	tcase_add_test(tcase, an_empty_datagram_ends_it_too);
	tcase_add_test(tcase, does_not_block_where_nobody_reads);

	tcase = pair_case(suite, "descriptors");
	tcase_add_loop_test(tcase, refuses_any_descriptor, 0, 2);
	tcase_add_test(tcase, the_kernel_refuses_at_the_sender);
	tcase_add_test(tcase, looks_at_descriptors_without_taking_them);
	tcase_add_test(tcase, tells_an_empty_datagram_from_the_end);
	tcase_add_loop_test(tcase, passes_descriptors_close_on_exec_and_in_order,
			    0, CONTIG_MSG_MAX_BUFFERS + 1);
	tcase_add_test(tcase, refuses_to_send_one_too_many);
	tcase_add_loop_test(tcase, closes_them_all_where_too_many_come,
			    CONTIG_MSG_MAX_BUFFERS + 1,
			    CONTIG_MSG_MAX_BUFFERS + 3);
	tcase_add_loop_test(tcase, closes_them_all_where_too_many_come, 253,
			    254);
	tcase_add_test(tcase, closes_them_all_where_the_datagram_is_too_long);
	if (descriptor_limit_is_real())
		tcase_add_loop_test(
			tcase, tells_of_descriptors_lost_to_the_limit, 0, 3);

	tcase = harness_case(suite, "connections");
	tcase_add_test(tcase, addresses_up_to_the_last_byte);
	tcase_add_test(tcase, connects_to_a_listener);
	return harness_run(suite);
}
