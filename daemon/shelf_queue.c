/* SPDX-License-Identifier: MIT */
#include "daemon/shelf_queue.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "util/fd.h"

/*
 * sendmsg() says whether a message is in the queue, and from that moment on it
 * is nobody's but the queue's: a process that ends takes nothing away, and a
 * peek shows the same message, with new descriptors, to whoever comes next.
 *
 * What comes out is believed only where it is exactly what goes in: whoever
 * else has the other end could have sent anything.
 */

#define MAGIC	   UINT32_C(0x666c6873) /* "shlf" */
#define SEND_BYTES (1 << 20)		/* wished for; the kernel cuts it */

struct shelf_message {
	uint32_t magic;
	uint32_t n;
	uint64_t ids[SHELF_QUEUE_BATCH];
};

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(SHELF_QUEUE_BATCH * sizeof(int))];
};

static size_t message_bytes(size_t n)
{
	return offsetof(struct shelf_message, ids) + n * sizeof(uint64_t);
}

int shelf_queue_init(struct shelf_queue *queue)
{
	const int wish = SEND_BYTES;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	queue->in_fd = ends[0];
	queue->out_fd = ends[1];
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &wish, sizeof(wish));
	return 0;
}

void shelf_queue_deinit(struct shelf_queue *queue)
{
	queue->in_fd = fd_close(queue->in_fd);
	queue->out_fd = fd_close(queue->out_fd);
}

int shelf_queue_send(const struct shelf_queue *queue,
		     const struct shelf_batch *batch)
{
	size_t fds_bytes = batch->n * sizeof(int);
	struct shelf_message message = {.magic = MAGIC, .n = (uint32_t)batch->n};
	struct iovec iov = {&message, message_bytes(batch->n)};
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(fds_bytes),
	};

	memcpy(message.ids, batch->ids, batch->n * sizeof(*batch->ids));
	memset(&control, 0, CMSG_SPACE(fds_bytes));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(fds_bytes);
	memcpy(CMSG_DATA(&control.header), batch->fds, fds_bytes);
	while (sendmsg(queue->in_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int shelf_queue_pop(const struct shelf_queue *queue)
{
	char byte;

	while (recv(queue->out_fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static bool is_whole(const struct shelf_message *message, size_t n_fds,
		     const struct msghdr *msg, ssize_t length)
{
	return !(msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	       length >= (ssize_t)message_bytes(1) && message->magic == MAGIC &&
	       message->n <= SHELF_QUEUE_BATCH &&
	       (size_t)length == message_bytes(message->n) &&
	       n_fds == message->n;
}

int shelf_queue_peek(const struct shelf_queue *queue, struct shelf_batch *batch)
{
	struct shelf_message message;
	struct iovec iov = {&message, sizeof(message)};
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *cmsg;
	ssize_t length;

	do
		length = recvmsg(queue->out_fd, &msg,
				 MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	batch->n = 0;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS) {
		batch->n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(batch->fds, CMSG_DATA(cmsg), batch->n * sizeof(int));
	}
	if (is_whole(&message, batch->n, &msg, length)) {
		memcpy(batch->ids, message.ids, batch->n * sizeof(*batch->ids));
		return 0;
	}
	while (batch->n > 0)
		(void)fd_close(batch->fds[--batch->n]);
	return msg.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
}
