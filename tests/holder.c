/* SPDX-License-Identifier: MIT */
#include "tests/holder.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"

/*
 * Each way of holding is made complete before holder_take() returns and is
 * undone completely before holder_drop() returns, so that a test can ask for
 * the evidence at once, without waiting.
 */

static const char *const names[HOLDER_KINDS] = {
	[HOLDER_DESCRIPTOR] = "descriptor", [HOLDER_DUPLICATE] = "duplicate",
	[HOLDER_MAPPING] = "mapping",	    [HOLDER_READ_ONLY] = "read-only",
	[HOLDER_IN_FLIGHT] = "in flight",   [HOLDER_PROCESS] = "process",
};

const char *holder_name(enum holder_kind kind)
{
	return names[kind];
}

static void send_descriptor(int socket_fd, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	char byte = 0;
	struct iovec iov = {&byte, 1};
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
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(socket_fd, &message, 0), 1);
}

/* The child tells that it has started, then sleeps until it is killed. */
static pid_t fork_holder(void)
{
	int ready[2];
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)fd_close(ready[0]);
	(void)fd_close(ready[1]);
	return child;
}

void holder_take(struct holder *holder, enum holder_kind kind, int fd_consume,
		 size_t size)
{
	int other;

	ck_assert_int_ge(fd_consume, 0);
	*holder = (struct holder){.kind = kind,
				  .fd = fd_consume,
				  .size = size,
				  .sockets = {-1, -1}};
	switch (kind) {
	case HOLDER_DESCRIPTOR:
		return;
	case HOLDER_DUPLICATE:
		other = fcntl(fd_consume, F_DUPFD_CLOEXEC, 0);
		ck_assert_int_ge(other, 0);
		(void)fd_close(fd_consume);
		holder->fd = other;
		return;
	case HOLDER_MAPPING:
		holder->mapping = mmap(NULL, size, PROT_READ | PROT_WRITE,
				       MAP_SHARED, fd_consume, 0);
		ck_assert_ptr_ne(holder->mapping, MAP_FAILED);
		break;
	case HOLDER_READ_ONLY:
		other = fd_reopen(fd_consume, O_RDONLY);
		ck_assert_int_ge(other, 0);
		(void)fd_close(fd_consume);
		holder->fd = other;
		return;
	case HOLDER_IN_FLIGHT:
		ck_assert_int_eq(socketpair(AF_UNIX,
					    SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
					    holder->sockets),
				 0);
		send_descriptor(holder->sockets[0], fd_consume);
		break;
	case HOLDER_PROCESS:
		holder->child = fork_holder();
		break;
	case HOLDER_KINDS:
		ck_abort();
	}
	holder->fd = fd_close(fd_consume);
}

void holder_drop(struct holder *holder)
{
	holder->fd = fd_close(holder->fd);
	if (holder->mapping)
		ck_assert_int_eq(munmap(holder->mapping, holder->size), 0);
	/* closing both ends throws away what is queued in them */
	(void)fd_close(holder->sockets[0]);
	(void)fd_close(holder->sockets[1]);
	if (holder->child) {
		ck_assert_int_eq(kill(holder->child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(holder->child, NULL, 0), holder->child);
	}
}
