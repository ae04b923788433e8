/* SPDX-License-Identifier: MIT */
#include "tests/integration/raw.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define LIMIT_MS 30000

int raw_connect(const char *path)
{
	int fd = channel_connect(path);

	ck_assert_msg(fd >= 0, "connect: %s", strerror(-fd));
	return fd;
}

void raw_send(int fd, const void *data, size_t size)
{
	ck_assert_int_eq(send(fd, data, size, MSG_NOSIGNAL), (ssize_t)size);
}

void raw_prepare(union message *message, uint16_t opcode, uint32_t serial)
{
	uint32_t size = form_find(opcode)->request_bytes;

	memset(message, 0, size);
	message->header.size = size;
	message->header.opcode = opcode;
	message->header.serial = serial;
}

void raw_prepare_alloc(union message *message, uint32_t serial,
		       uint64_t size_bytes, uint32_t count)
{
	raw_prepare(message, CONTIG_MSG_ALLOC, serial);
	message->alloc.size_bytes = size_bytes;
	message->alloc.count = count;
}

size_t raw_receive(int fd, union message *message, struct channel_fds *fds)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	size_t size = 0;
	int r;

	for (;;) {
		ck_assert_msg(poll(&pollfd, 1, LIMIT_MS) == 1, "no answer");
		if (fds)
			r = channel_receive_fds(fd, message, sizeof(*message),
						&size, fds);
		else
			r = channel_receive(fd, message, sizeof(*message),
					    &size);
		/* "reset" is told once, before what is still to be read */
		if (r != -EAGAIN && r != -ECONNRESET)
			break;
	}
	if (r == CHANNEL_E_CLOSED)
		return 0;
	ck_assert_msg(r == 0, "receive: %d", r);
	return size;
}

int raw_open(const char *path)
{
	int fd = raw_connect(path);
	union message message;

	raw_prepare(&message, CONTIG_MSG_HELLO, 1);
	message.hello.version_min = 1;
	message.hello.version_max = CONTIG_PROTOCOL_VERSION;
	raw_send(fd, &message, message.header.size);
	ck_assert_uint_eq(raw_receive(fd, &message, NULL),
			  sizeof(message.hello_reply));
	ck_assert_uint_eq(message.header.opcode,
			  CONTIG_MSG_HELLO | CONTIG_MSG_REPLY);
	ck_assert_uint_eq(message.hello_reply.version, CONTIG_PROTOCOL_VERSION);
	return fd;
}

void raw_expect_error(int fd, uint32_t reason, union message *message)
{
	ck_assert_uint_eq(raw_receive(fd, message, NULL),
			  sizeof(message->error));
	ck_assert_uint_eq(message->header.opcode, CONTIG_MSG_ERROR);
	ck_assert_msg(message->error.reason == reason, "reason %u: %s",
		      message->error.reason, message->error.text);
	ck_assert_int_ne(message->error.text[0], '\0');
}

void raw_expect_end(int fd)
{
	union message message;

	ck_assert_uint_eq(raw_receive(fd, &message, NULL), 0);
}
