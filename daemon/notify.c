/* SPDX-License-Identifier: MIT */
#include "daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"

/*
 * sd_notify(3) promises that its protocol stays as it is, and says to speak it
 * directly where the library is not wanted: one datagram a message, from a
 * socket that need not have an address, to the one that $NOTIFY_SOCKET names.
 * What libsystemd runs for that, and for LISTEN_FDS, makes 200 KiB of it
 * resident for as long as the daemon lives; this is one page.
 *
 * A barrier is the write end of a pipe: the manager closes it when it has gone
 * past everything else.
 */

/* A path, or '@' and an abstract name, which begins with a NUL and ends without
 * one. */
static int address_of(const char *name, struct sockaddr_un *address,
		      socklen_t *lengthp)
{
	size_t length = strlen(name);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((name[0] != '/' && name[0] != '@') || length < 2)
		return -EAFNOSUPPORT;
	if (length >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, name, length);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	*lengthp = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
			       (name[0] == '/'));
	return 0;
}

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static void put_fd(struct msghdr *message, union control *control,
		   const int *fd_borrow)
{
	struct cmsghdr *header = &control->header;

	memset(control, 0, sizeof(*control));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(*fd_borrow));
	memcpy(CMSG_DATA(header), fd_borrow, sizeof(*fd_borrow));
	message->msg_control = control;
	message->msg_controllen = sizeof(*control);
}

static int send_text(const char *text, int fd_borrow)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct iovec iov = {
		.iov_base = (void *)text,
		.iov_len = strlen(text),
	};
	struct sockaddr_un address;
	struct msghdr message = {
		.msg_name = &address,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	union control control;
	_cleanup_fd_ int fd = -1;
	ssize_t n;
	int r;

	if (!name)
		return -ENOENT;
	r = address_of(name, &address, &message.msg_namelen);
	if (r < 0)
		return r;
	if (fd_borrow >= 0)
		put_fd(&message, &control, &fd_borrow);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	do
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int notify_send(int fd_borrow, const char *format, ...)
{
	char text[NOTIFY_BYTES];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text))
		return -EMSGSIZE;
	return send_text(text, fd_borrow);
}

/* 0, -ETIMEDOUT or a negative errno. */
static int wait_for_hangup(int fd, uint64_t limit_ms)
{
	const uint64_t start_ms = clock_ms();
	struct pollfd hangup = {.fd = fd};
	int r;

	do {
		uint64_t gone_ms = clock_ms() - start_ms;
		uint64_t left_ms = gone_ms < limit_ms ? limit_ms - gone_ms : 0;

		r = poll(&hangup, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

int notify_barrier(uint64_t limit_ms)
{
	_cleanup_fd_ int ours = -1;
	int ends[2];
	int r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	ours = ends[0];
	r = notify_send(ends[1], "BARRIER=1");
	(void)fd_close(ends[1]);
	return r < 0 ? r : wait_for_hangup(ours, limit_ms);
}
