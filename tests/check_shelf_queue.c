/* SPDX-License-Identifier: MIT */
#include "daemon/shelf_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/descriptor_limit.h"
#include "tests/harness.h"
#include "util/fd.h"

/*
 * Descriptors of /dev/null go through a queue, and strange messages into one.
 */

static struct shelf_queue queue;
static struct shelf_batch batch;
static int null_fd;

static void before(void)
{
	ck_assert_int_eq(shelf_queue_init(&queue), 0);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(null_fd, 0);
}

static void after(void)
{
	null_fd = fd_close(null_fd);
	shelf_queue_deinit(&queue);
}

static int put(uint64_t first_id, size_t n)
{
	struct shelf_batch sent = {.n = n};

	for (size_t i = 0; i < n; i++) {
		sent.ids[i] = first_id + i;
		sent.fds[i] = null_fd;
	}
	return shelf_queue_send(&queue, &sent);
}

/* The message at the head must be this one. */
static void expect(uint64_t first_id, size_t n)
{
	ck_assert_int_eq(shelf_queue_peek(&queue, &batch), 0);
	ck_assert_uint_eq(batch.n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(batch.ids[i], first_id + i);
		ck_assert_int_eq(fcntl(batch.fds[i], F_GETFD), FD_CLOEXEC);
		(void)fd_close(batch.fds[i]);
	}
}

START_TEST(messages_come_in_their_order)
{
	ck_assert_int_eq(shelf_queue_peek(&queue, &batch), -EAGAIN);
	ck_assert_int_eq(shelf_queue_pop(&queue), -EAGAIN);
	ck_assert_int_eq(put(1, 1), 0);
	ck_assert_int_eq(put(UINT64_MAX - 1, 2), 0);
	expect(1, 1);
	expect(1, 1); /* it is still there */
	ck_assert_int_eq(shelf_queue_pop(&queue), 0);
	expect(UINT64_MAX - 1, 2);
	ck_assert_int_eq(shelf_queue_pop(&queue), 0);
	ck_assert_int_eq(shelf_queue_peek(&queue, &batch), -EAGAIN);
}
END_TEST

START_TEST(batch_has_a_limit)
{
	ck_assert_int_eq(put(7, SHELF_QUEUE_BATCH), 0);
	expect(7, SHELF_QUEUE_BATCH);
}
END_TEST

START_TEST(full_queue_takes_no_more)
{
	uint64_t n = 0;
	int r;

	while ((r = put(n, 1)) == 0)
		n++;
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_uint_gt(n, 1);
	ck_assert_int_eq(shelf_queue_pop(&queue), 0);
	ck_assert_int_eq(put(n, 1), 0);
	for (uint64_t i = 1; i <= n; i++) {
		expect(i, 1);
		ck_assert_int_eq(shelf_queue_pop(&queue), 0);
	}
}
END_TEST

/* Nobody loses anything: it can be had when there is room. */
START_TEST(no_room_for_descriptors_is_told)
{
	struct rlimit limit;

	if (!descriptor_limit_is_real())
		return;
	ck_assert_int_eq(put(5, 3), 0);
	for (int room = 0; room < 3; room++) {
		descriptor_limit_lower(room, &limit);
		ck_assert_int_eq(shelf_queue_peek(&queue, &batch), -EMFILE);
		descriptor_limit_restore(&limit);
	}
	descriptor_limit_lower(3, &limit);
	expect(5, 3);
	descriptor_limit_restore(&limit);
}
END_TEST

/* Sends bytes and n descriptors past the queue's own way. */
static void send_strange(const void *bytes, size_t size, size_t n)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = {.header = {.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(n * sizeof(int))}};
	const int fds[] = {null_fd, null_fd};
	struct iovec iov = {(void *)bytes, size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	if (n > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(queue.in_fd, &msg, 0), (ssize_t)size);
}

static void refuse(const void *bytes, size_t size, size_t n)
{
	send_strange(bytes, size, n);
	ck_assert_int_eq(shelf_queue_peek(&queue, &batch), -EBADMSG);
	ck_assert_uint_eq(batch.n, 0);
	ck_assert_int_eq(shelf_queue_pop(&queue), 0);
}

START_TEST(strange_messages_are_no_batch)
{
	struct {
		uint32_t magic;
		uint32_t n;
		uint64_t ids[SHELF_QUEUE_BATCH + 1];
	} message = {.magic = UINT32_C(0x666c6873), .n = 1, .ids = {9, 10}};

	send_strange(&message, 16, 1); /* as it should be */
	expect(9, 1);
	ck_assert_int_eq(shelf_queue_pop(&queue), 0);
	refuse("", 1, 1);
	refuse(&message, 16, 0);
	refuse(&message, 16, 2);
	refuse(&message, 15, 1);
	refuse(&message, 24, 1);
	refuse(&message, 24, 2);
	message.n = 2;
	refuse(&message, 24, 1);
	message.n = 0;
	refuse(&message, 8, 0);
	message.n = SHELF_QUEUE_BATCH + 1;
	refuse(&message, sizeof(message), 2);
	message.n = 1;
	message.magic++;
	refuse(&message, 16, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shelf_queue");
	TCase *tcase = harness_case(suite, "shelf_queue");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, messages_come_in_their_order);
	tcase_add_test(tcase, batch_has_a_limit);
	tcase_add_test(tcase, full_queue_takes_no_more);
	tcase_add_test(tcase, no_room_for_descriptors_is_told);
	tcase_add_test(tcase, strange_messages_are_no_batch);
	return harness_run(suite);
}
