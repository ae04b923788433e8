/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Two processes, one buffer, no copy.  The producer writes, passes the
 * descriptor over a socket and lets go; the consumer learns from contigd what
 * the descriptor is, and reads.  The memory goes back when the consumer lets
 * go as well: whoever holds the descriptor holds the buffer.
 */

#define WORDS "written by one process, read by another"

static int fail(const char *who, const char *what, int error)
{
	fprintf(stderr, "share: %s: %s: %s\n", who, what, strerror(-error));
	return 1;
}

/* Room for exactly one descriptor, aligned as its header wants. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_descriptor(int socket_fd, int fd)
{
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union control control = {.bytes = {0}};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	return sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive_descriptor(int socket_fd)
{
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union control control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	const struct cmsghdr *header;
	int fd;

	if (recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

static int read_words(struct contig_buffer *buffer)
{
	struct contig_buffer_info info;
	void *map;
	int r;

	r = contig_map(buffer, CONTIG_READ, &map);
	if (!r)
		r = contig_begin_cpu(buffer, CONTIG_READ);
	if (r < 0)
		return fail("consumer", "cannot read", r);
	contig_info(buffer, &info);
	printf("consumer: '%s', owned by uid %u, says: %s\n", info.name,
	       (unsigned int)info.owner_uid, (const char *)map);
	r = strcmp(map, WORDS) == 0 ? 0 : 1;
	(void)contig_end_cpu(buffer, CONTIG_READ);
	return r;
}

static int consume(int socket_fd)
{
	int fd = receive_descriptor(socket_fd);
	struct contig_buffer *buffer;
	struct contig *contig;
	int r;

	if (fd < 0)
		return fail("consumer", "no descriptor came", fd);
	r = contig_open(&contig, NULL);
	if (r < 0)
		return fail("consumer", "contigd does not answer", r);
	r = contig_import(contig, fd, &buffer);
	close(fd); /* the import has its own */
	if (r < 0) {
		contig_close(contig);
		return fail("consumer", "not a buffer", r);
	}
	r = read_words(buffer);
	contig_release(buffer);
	contig_close(contig);
	return r;
}

static int write_words(struct contig_buffer *buffer)
{
	void *map;
	int r;

	r = contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map);
	if (!r)
		r = contig_begin_cpu(buffer, CONTIG_READ | CONTIG_WRITE);
	if (r < 0)
		return r;
	strcpy(map, WORDS);
	return contig_end_cpu(buffer, CONTIG_READ | CONTIG_WRITE);
}

static int produce(int socket_fd)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure;
	struct contig_buffer *buffer;
	struct contig *contig;
	int r;

	r = contig_open(&contig, NULL);
	if (r < 0)
		return fail("producer", "contigd does not answer", r);
	request.size_bytes = 4096;
	request.name = "letter";
	r = contig_alloc(contig, &request, &buffer, &failure);
	if (r < 0) {
		contig_close(contig);
		return fail("producer", failure.text, r);
	}
	r = write_words(buffer);
	if (!r)
		r = send_descriptor(socket_fd, contig_fd(buffer));
	contig_release(buffer);
	contig_close(contig);
	if (r < 0)
		return fail("producer", "cannot pass it on", r);
	printf("producer: written, passed on and let go\n");
	return 0;
}

int main(void)
{
	int sockets[2], status, r;
	pid_t consumer;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return fail("main", "no sockets", -errno);
	consumer = fork();
	if (consumer < 0)
		return fail("main", "no second process", -errno);
	if (!consumer) {
		close(sockets[0]);
		return consume(sockets[1]);
	}
	close(sockets[1]);
	r = produce(sockets[0]);
	fflush(stdout);
	close(sockets[0]); /* a consumer that got nothing stops waiting */
	if (waitpid(consumer, &status, 0) < 0 || status != 0)
		return 1;
	return r;
}
