/* SPDX-License-Identifier: MIT */
#include "tests/bench/echo.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "proto/message.h"
#include "util/fd.h"

/*
 * What a round trip costs a server that is built as contigd is, on the same
 * library and the same kind of socket, and has nothing to decide, to make or to
 * remember: receive, send with SCM_RIGHTS.  Messages have the sizes of an ALLOC
 * and its answer, so that the kernel copies as much.
 *
 * It always sends the same descriptor, so what ends when the client closes it
 * is never the file.
 */

#define ANSWER_BYTES                                                           \
	(sizeof(struct contig_msg_list_reply) + sizeof(struct contig_msg_buffer))

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int memfd;

static void answer(evutil_socket_t fd, short what, void *data)
{
	char bytes[ANSWER_BYTES] = {0};
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	union control control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};

	(void)what;
	if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0) {
		(void)event_base_loopbreak(data);
		return;
	}
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &memfd, sizeof(memfd));
	(void)!sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void serve(int fd)
{
	struct event_base *base = event_base_new();
	struct event *event = NULL;

	memfd = memfd_create("echo", MFD_CLOEXEC);
	if (base)
		event = event_new(base, fd, EV_READ | EV_PERSIST, answer, base);
	if (memfd < 0 || !event || event_add(event, NULL) != 0)
		errx(EXIT_FAILURE, "no event loop for the echo");
	(void)event_base_dispatch(base);
	event_free(event);
	event_base_free(base);
}

void echo_start(struct echo *echo)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		err(EXIT_FAILURE, "socketpair");
	echo->pid = fork();
	if (echo->pid < 0)
		err(EXIT_FAILURE, "fork");
	if (echo->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(fds[0]);
		serve(fds[1]);
		_exit(EXIT_SUCCESS);
	}
	(void)close(fds[1]);
	echo->fd = fds[0];
}

void echo_stop(struct echo *echo)
{
	echo->fd = fd_close(echo->fd);
	(void)waitpid(echo->pid, NULL, 0);
}

int echo_call(const struct echo *echo)
{
	char bytes[ANSWER_BYTES] = {0};
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	union control control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	int fd;

	if (send(echo->fd, bytes, sizeof(struct contig_msg_alloc),
		 MSG_NOSIGNAL) < 0 ||
	    recvmsg(echo->fd, &message, MSG_CMSG_CLOEXEC) != ANSWER_BYTES ||
	    message.msg_controllen < CMSG_LEN(sizeof(int)))
		errx(EXIT_FAILURE, "the echo does not answer");
	memcpy(&fd, CMSG_DATA(&control.align), sizeof(fd));
	return fd;
}
