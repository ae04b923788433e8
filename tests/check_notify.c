/* SPDX-License-Identifier: MIT */
#include "daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

/* The test is the manager: it has the socket at the other end. */

static char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 2];

/* Listens at name, whose '@' is an abstract one's NUL. */
static int listen_there(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(address.sun_path, name, length);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					  length)),
			 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static int listen_abstract(void)
{
	(void)snprintf(name, sizeof(name), "@contigd-notify-%d", (int)getpid());
	return listen_there();
}

/* Its length; *fdp is a descriptor that came, or -1. */
static size_t receive(int fd, char *text, size_t size, int *fdp)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = text, .iov_len = size - 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	text[n] = '\0';
	*fdp = -1;
	if (CMSG_FIRSTHDR(&message))
		memcpy(fdp, CMSG_DATA(&control.header), sizeof(*fdp));
	return (size_t)n;
}

static void expect(int fd, const char *expected)
{
	char text[NOTIFY_BYTES + 1];
	int passed;

	(void)receive(fd, text, sizeof(text), &passed);
	ck_assert_int_eq(passed, -1);
	ck_assert_str_eq(text, expected);
}

START_TEST(without_a_manager_it_says_so)
{
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(notify_send(-1, "READY=1"), -ENOENT);
	ck_assert_int_eq(notify_barrier(1000), -ENOENT);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1), 0);
	ck_assert_int_eq(notify_send(-1, "READY=1"), -ENOENT);
}
END_TEST

START_TEST(socket_that_nobody_reads_refuses)
{
	(void)fd_close(listen_abstract());
	ck_assert_int_eq(notify_send(-1, "READY=1"), -ECONNREFUSED);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
	static const char *const wrong[] = {"", "/", "@", "notify", "vsock:2:1"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ck_assert_int_eq(setenv("NOTIFY_SOCKET", wrong[i], 1), 0);
		ck_assert_int_eq(notify_send(-1, "x"), -EAFNOSUPPORT);
	}
}
END_TEST

START_TEST(longest_address_is_good)
{
	const size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);
	int fd;

	memset(name, 'n', sizeof(name));
	(void)snprintf(name, sizeof(name), "@contigd-notify-%d", (int)getpid());
	name[strlen(name)] = '-';
	name[room - 1] = '\0';
	fd = listen_there();
	ck_assert_int_eq(notify_send(-1, "x"), 0);
	expect(fd, "x");
	name[room - 1] = 'n';
	name[room] = '\0';
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	ck_assert_int_eq(notify_send(-1, "x"), -ENAMETOOLONG);
	(void)fd_close(fd);
}
END_TEST

START_TEST(path_is_an_address)
{
	char directory[] = "/tmp/contigd-notify-XXXXXX";
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(name, sizeof(name), "%s/socket", directory);
	fd = listen_there();
	ck_assert_int_eq(notify_send(-1, "STATUS=%d of %s", 1, "two"), 0);
	expect(fd, "STATUS=1 of two");
	(void)fd_close(fd);
	(void)unlink(name);
	(void)rmdir(directory);
}
END_TEST

START_TEST(longest_message_arrives_whole)
{
	char text[NOTIFY_BYTES + 1];
	int fd = listen_abstract();

	memset(text, 't', sizeof(text));
	text[NOTIFY_BYTES] = '\0';
	ck_assert_int_eq(notify_send(-1, "%s", text), -EMSGSIZE);
	text[NOTIFY_BYTES - 1] = '\0';
	ck_assert_int_eq(notify_send(-1, "%s", text), 0);
	expect(fd, text);
	(void)fd_close(fd);
}
END_TEST

START_TEST(descriptor_goes_along)
{
	char text[NOTIFY_BYTES], byte = 'x';
	int fd = listen_abstract(), passed, ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(notify_send(ends[0], "FDSTORE=1"), 0);
	(void)fd_close(ends[0]);
	(void)receive(fd, text, sizeof(text), &passed);
	ck_assert_str_eq(text, "FDSTORE=1");
	ck_assert_int_eq(write(ends[1], &byte, 1), 1);
	ck_assert_int_eq(read(passed, &byte, 1), 1);
	(void)fd_close(passed);
	(void)fd_close(ends[1]);
	(void)fd_close(fd);
}
END_TEST

START_TEST(barrier_waits_for_the_manager)
{
	char text[NOTIFY_BYTES];
	int fd = listen_abstract(), passed;
	pid_t pid;

	/* it is in the queue, and nobody takes it */
	ck_assert_int_eq(notify_barrier(0), -ETIMEDOUT);
	(void)receive(fd, text, sizeof(text), &passed);
	ck_assert_str_eq(text, "BARRIER=1");
	(void)fd_close(passed);
	/* a manager that ends has let go of what was in its queue */
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct pollfd readable = {.fd = fd, .events = POLLIN};

		_exit(poll(&readable, 1, -1) == 1 ? 0 : 1);
	}
	(void)fd_close(fd);
	ck_assert_int_eq(notify_barrier(UINT64_MAX), 0);
	ck_assert_int_eq(waitpid(pid, &passed, 0), pid);
	ck_assert_int_eq(passed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tcase = harness_case(suite, "notify");

	tcase_add_test(tcase, without_a_manager_it_says_so);
	tcase_add_test(tcase, socket_that_nobody_reads_refuses);
	tcase_add_test(tcase, what_is_no_address_is_refused);
	tcase_add_test(tcase, longest_address_is_good);
	tcase_add_test(tcase, path_is_an_address);
	tcase_add_test(tcase, longest_message_arrives_whole);
	tcase_add_test(tcase, descriptor_goes_along);
	tcase_add_test(tcase, barrier_waits_for_the_manager);
	return harness_run(suite);
}
