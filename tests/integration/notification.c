/* SPDX-License-Identifier: MIT */
#include "tests/integration/notification.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/channel.h"
#include "util/fd.h"

/*
 * The protocol of sd_notify(3) from the manager's side: datagrams of text, with
 * descriptors beside it, and the sender's process as the kernel knows it.
 */

#define QUEUE_BYTES (8 << 20)

int notification_listen(const char *path)
{
	struct sockaddr_un address;
	socklen_t length;
	int on = 1, bytes = QUEUE_BYTES;
	int fd, r;

	r = channel_address(path, &address, &length);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, length) < 0) {
		r = -errno;
		(void)fd_close(fd);
		return r;
	}
	return fd;
}

static void take_control(struct notification *notification,
			 const struct cmsghdr *part)
{
	size_t bytes = part->cmsg_len - CMSG_LEN(0);

	if (part->cmsg_level != SOL_SOCKET)
		return;
	if (part->cmsg_type == SCM_RIGHTS) {
		memcpy(notification->fds, CMSG_DATA(part), bytes);
		notification->n_fds = bytes / sizeof(int);
	} else if (part->cmsg_type == SCM_CREDENTIALS) {
		struct ucred sender;

		memcpy(&sender, CMSG_DATA(part), sizeof(sender));
		notification->sender = sender.pid;
	}
}

bool notification_receive(int fd_borrow, struct notification *notification)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred)) +
			   CMSG_SPACE(sizeof(int) * NOTIFICATION_MAX_FDS)];
	} control;
	struct iovec iov = {.iov_base = notification->text,
			    .iov_len = sizeof(notification->text) - 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *part;
	ssize_t n;

	notification->sender = 0;
	notification->n_fds = 0;
	n = recvmsg(fd_borrow, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return false;
	notification->text[message.msg_flags & MSG_TRUNC ? 0 : n] = '\0';
	for (part = CMSG_FIRSTHDR(&message); part;
	     part = CMSG_NXTHDR(&message, part))
		take_control(notification, part);
	return true;
}

void notification_deinit(struct notification *notification)
{
	for (size_t i = 0; i < notification->n_fds; i++)
		notification->fds[i] = fd_close(notification->fds[i]);
	notification->n_fds = 0;
}

/* What follows prefix at the start of a line, or NULL. */
static const char *find(const struct notification *notification,
			const char *prefix)
{
	const char *line = notification->text;

	while (line) {
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			return line + strlen(prefix);
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return NULL;
}

bool notification_has(const struct notification *notification, const char *line)
{
	const char *end = find(notification, line);

	return end && (*end == '\n' || *end == '\0');
}

bool notification_get(const struct notification *notification, const char *name,
		      char *value, size_t room)
{
	char prefix[64] = "";
	const char *start;
	size_t length;

	(void)strncat(prefix, name, sizeof(prefix) - 2);
	(void)strcat(prefix, "=");
	start = find(notification, prefix);
	if (!start)
		return false;
	length = strcspn(start, "\n");
	if (length >= room)
		return false;
	memcpy(value, start, length);
	value[length] = '\0';
	return true;
}
