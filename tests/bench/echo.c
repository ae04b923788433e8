/* SPDX-License-Identifier: MIT */
#include "tests/bench/echo.h"

#include <err.h>
#include <fcntl.h>
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
 * library and the same kind of socket, and has nothing to decide or to
 * remember: receive, send with SCM_RIGHTS.  Messages have the sizes of an ALLOC
 * and its answer, so that the kernel copies as much.
 *
 * Which open file it sends matters to the kernel: one that is sent again and
 * again is in the processor's cache on both sides, and its sender never closes
 * it.  Nobody can lend memory in that way.  So what is sent is an open file of
 * its own each time, closed as soon as it is sent, and opened ahead, when the
 * bench says that nobody's time is measured; behind all of them is one memfd,
 * so that none is made or ends.  The same open file each time can be had as
 * well, to show what the difference is.
 *
 * A message of one byte asks to open files and has no answer.
 */

#define ANSWER_BYTES                            \
	(sizeof(struct contig_msg_list_reply) + \
	 sizeof(struct contig_msg_buffer))
#define READY_FILES 64

/* What a message begins with. */
enum {
	OWN_FILE,
	SAME_FILE,
};

/* A message of ANSWER_BYTES at most, with room for a descriptor. */
struct letter {
	struct msghdr header;
	struct iovec iov;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char bytes[ANSWER_BYTES];
};

static struct event_base *base;
static int same_fd;
static int ready_fds[READY_FILES];
static size_t n_ready;

static void letter_init(struct letter *letter)
{
	memset(letter, 0, sizeof(*letter));
	letter->iov.iov_base = letter->bytes;
	letter->iov.iov_len = sizeof(letter->bytes);
	letter->header.msg_iov = &letter->iov;
	letter->header.msg_iovlen = 1;
	letter->header.msg_control = letter->control.bytes;
	letter->header.msg_controllen = sizeof(letter->control.bytes);
}

static int open_file(void)
{
	int fd = fd_reopen(same_fd, O_RDWR);

	if (fd < 0)
		errx(EXIT_FAILURE, "the echo cannot open its file");
	return fd;
}

static void prepare(void)
{
	while (n_ready < READY_FILES)
		ready_fds[n_ready++] = open_file();
}

static void send_fd(int to_fd, int fd)
{
	struct letter letter;

	letter_init(&letter);
	letter.control.align.cmsg_level = SOL_SOCKET;
	letter.control.align.cmsg_type = SCM_RIGHTS;
	letter.control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&letter.control.align), &fd, sizeof(fd));
	(void)!sendmsg(to_fd, &letter.header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer(evutil_socket_t fd, short what, void *data)
{
	char bytes[ANSWER_BYTES];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int own_fd;

	(void)what;
	(void)data;
	if (n <= 0) {
		(void)event_base_loopbreak(base);
	} else if (n == 1) {
		prepare();
	} else if (bytes[0] == SAME_FILE) {
		send_fd(fd, same_fd);
	} else {
		own_fd = n_ready > 0 ? ready_fds[--n_ready] : open_file();
		send_fd(fd, own_fd);
		(void)close(own_fd);
	}
}

static void serve(int fd)
{
	struct event *event = NULL;

	base = event_base_new();
	same_fd = memfd_create("echo", MFD_CLOEXEC);
	if (same_fd < 0)
		err(EXIT_FAILURE, "memfd_create");
	prepare();
	if (base)
		event = event_new(base, fd, EV_READ | EV_PERSIST, answer, NULL);
	if (!event || event_add(event, NULL) != 0)
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

static int call(const struct echo *echo, char which)
{
	struct letter letter;
	int fd;

	letter_init(&letter);
	letter.bytes[0] = which;
	if (send(echo->fd, letter.bytes, sizeof(struct contig_msg_alloc),
		 MSG_NOSIGNAL) < 0 ||
	    recvmsg(echo->fd, &letter.header, MSG_CMSG_CLOEXEC) != ANSWER_BYTES ||
	    letter.header.msg_controllen < CMSG_LEN(sizeof(int)))
		errx(EXIT_FAILURE, "the echo does not answer");
	memcpy(&fd, CMSG_DATA(&letter.control.align), sizeof(fd));
	return fd;
}

int echo_call(const struct echo *echo)
{
	return call(echo, OWN_FILE);
}

int echo_call_same(const struct echo *echo)
{
	return call(echo, SAME_FILE);
}

void echo_prepare(const struct echo *echo)
{
	if (send(echo->fd, "", 1, MSG_NOSIGNAL) < 0)
		err(EXIT_FAILURE, "the echo is gone");
}
