/* SPDX-License-Identifier: MIT */
#include "proto/channel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

/*
 * The socket, and all that is dangerous about descriptors in messages.
 *
 * A receiver who offers a control buffer gets whatever fits: CMSG_SPACE() for
 * one descriptor has room for two on 64-bit machines, and a peer may send 253.
 * So the daemon, which needs none, offers no buffer at all, and the library
 * offers one of exactly CONTIG_MSG_MAX_BUFFERS (an even number, so that
 * alignment adds no room), walks every control message in it, and owns or
 * closes each descriptor on every path.  MSG_CTRUNC means that the kernel
 * dropped some, and a message without its descriptors has lost its meaning.
 *
 * Where the kernel closes descriptors that nobody took it does so in the
 * receiver, and closing can take as long as the sender likes (a socket with
 * SO_LINGER).  Since Linux 6.16 SO_PASSRIGHTS moves the refusal to the sender.
 */

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* include/uapi/asm-generic/socket.h, Linux 6.16 */
#endif

#define FDS_BYTES (sizeof(int) * CONTIG_MSG_MAX_BUFFERS)

/* Aligned for its first header, and of the exact size. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDS_BYTES)];
};

static_assert(CMSG_SPACE(FDS_BYTES) == CMSG_LEN(FDS_BYTES),
	      "no room for a descriptor more");

void channel_fds_close(struct channel_fds *fds)
{
	for (size_t i = 0; i < fds->count; i++)
		fds->fds[i] = fd_close(fds->fds[i]);
	fds->count = 0;
}

int channel_address(const char *path, struct sockaddr_un *address,
		    socklen_t *lengthp)
{
	size_t len = strlen(path);

	if (!len)
		return -ENOENT;
	if (len >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, len);
	*lengthp = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return 0;
}

int channel_connect(const char *path)
{
	_cleanup_fd_ int fd = -1;
	struct sockaddr_un address;
	socklen_t length;
	int r = channel_address(path, &address, &length);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	do
		r = connect(fd, (const struct sockaddr *)&address, length);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : TAKE_FD(fd);
}

int channel_listen(const char *path, int backlog)
{
	_cleanup_fd_ int fd = -1;
	struct sockaddr_un address;
	socklen_t length;
	int r = channel_address(path, &address, &length);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, length) < 0 ||
	    listen(fd, backlog) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int channel_refuse_descriptors(int fd_borrow)
{
	int no = 0;

	return setsockopt(fd_borrow, SOL_SOCKET, SO_PASSRIGHTS, &no,
			  sizeof(no)) < 0
		       ? -errno
		       : 0;
}

static void put_fds(struct msghdr *message, union control *control,
		    const int *fds, size_t n_fds)
{
	struct cmsghdr *header;

	/* alignment leaves a gap behind the last one */
	memset(control, 0, CMSG_SPACE(sizeof(int) * n_fds));
	message->msg_control = control->bytes;
	message->msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
	memcpy(CMSG_DATA(header), fds, sizeof(int) * n_fds);
}

int channel_send(int fd_borrow, const void *data, size_t size,
		 const int *fds_borrow, size_t n_fds)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data,
			    .iov_len = size};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;
	ssize_t n;

	if (n_fds > CONTIG_MSG_MAX_BUFFERS || size > CONTIG_MSG_MAX_BYTES)
		return -EMSGSIZE;
	if (n_fds)
		put_fds(&message, &control, fds_borrow, n_fds);
	do /* send() is the shorter way into the kernel */
		n = n_fds ? sendmsg(fd_borrow, &message,
				    MSG_NOSIGNAL | MSG_DONTWAIT)
			  : send(fd_borrow, data, size,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return CHANNEL_E_CLOSED;
	if (n < 0) /* Unix sockets say ENOBUFS where the kernel has no memory */
		return errno == ENOBUFS ? -ENOMEM : -errno;
	return 0;
}

/* Takes every descriptor out of a received control buffer.  One datagram can
 * carry several control messages; together they cannot exceed the buffer. */
static void take_fds(struct msghdr *message, struct channel_fds *fds)
{
	struct cmsghdr *header;

	for (header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		size_t n;

		if (header->cmsg_level != SOL_SOCKET ||
		    header->cmsg_type != SCM_RIGHTS)
			continue;
		n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds->fds + fds->count, CMSG_DATA(header),
		       n * sizeof(int));
		fds->count += n;
	}
}

/*
 * A peer that closes without having read everything leaves ECONNRESET behind,
 * and the kernel reports that before what the peer itself had sent: a last
 * word, such as why it hangs up.  Reporting clears it, so asking again is
 * enough, and what follows the last word is the ordinary end.
 */
static int receive(int fd, struct msghdr *message, int flags, size_t *sizep)
{
	bool reset = false;
	ssize_t n;

	for (;;) {
		n = recvmsg(fd, message, flags | MSG_CMSG_CLOEXEC);
		if (n >= 0)
			break;
		if (errno == ECONNRESET && !reset)
			reset = true;
		else if (errno != EINTR)
			break;
	}
	if (n < 0)
		return errno == ECONNRESET || errno == EPIPE ? CHANNEL_E_CLOSED
							     : -errno;
	*sizep = (size_t)n;
	return 0;
}

/* The worst first: descriptors that were lost outweigh a long datagram. */
static int judge(const struct msghdr *message, size_t size)
{
	if (message->msg_flags & MSG_CTRUNC)
		return CHANNEL_E_DESCRIPTORS;
	if (message->msg_flags & MSG_TRUNC)
		return CHANNEL_E_TRUNCATED;
	return size ? 0 : CHANNEL_E_CLOSED;
}

int channel_receive(int fd_borrow, void *data, size_t room, size_t *sizep)
{
	struct iovec iov = {.iov_base = data, .iov_len = room};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	int r = receive(fd_borrow, &message, MSG_DONTWAIT, sizep);

	return r ? r : judge(&message, *sizep);
}

bool channel_carries_descriptors(int fd_borrow)
{
	struct msghdr message = {.msg_iov = NULL};
	ssize_t n;

	do
		n = recvmsg(fd_borrow, &message, MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	return n >= 0 && (message.msg_flags & MSG_CTRUNC);
}

/* An empty datagram and the end of the stream are both 0 bytes; what tells them
 * apart is that only a datagram has a sender. */
bool channel_has_message(int fd_borrow)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct msghdr message = {
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	const int yes = 1;
	ssize_t n;

	(void)setsockopt(fd_borrow, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
	do
		n = recvmsg(fd_borrow, &message, MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	return n >= 0 && message.msg_controllen > 0;
}

static int receive_fds(int fd_borrow, int flags, const struct iovec *room,
		       size_t *sizep, struct channel_fds *fds)
{
	struct iovec iov = *room;
	union control control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	int r;

	fds->count = 0;
	r = receive(fd_borrow, &message, flags, sizep);
	if (r)
		return r;
	take_fds(&message, fds);
	r = judge(&message, *sizep);
	if (r) {
		size_t count = fds->count;

		channel_fds_close(fds);
		if (r == CHANNEL_E_DESCRIPTORS)
			fds->count = count;
	}
	return r;
}

int channel_receive_fds(int fd_borrow, void *data, size_t room, size_t *sizep,
			struct channel_fds *fds)
{
	const struct iovec iov = {.iov_base = data, .iov_len = room};

	return receive_fds(fd_borrow, MSG_DONTWAIT, &iov, sizep, fds);
}

int channel_wait_fds(int fd_borrow, void *data, size_t room, size_t *sizep,
		     struct channel_fds *fds)
{
	const struct iovec iov = {.iov_base = data, .iov_len = room};

	return receive_fds(fd_borrow, 0, &iov, sizep, fds);
}
