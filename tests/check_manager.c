/* SPDX-License-Identifier: MIT */
#include "daemon/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

/* The test is the service manager: it sets the environment. */

static struct error why;
static struct inheritance inheritance;

static void pass(int n, const char *names)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	ck_assert_int_eq(setenv("LISTEN_PID", text, 1), 0);
	(void)snprintf(text, sizeof(text), "%d", n);
	ck_assert_int_eq(setenv("LISTEN_FDS", text, 1), 0);
	ck_assert_int_eq(setenv("LISTEN_FDNAMES", names, 1), 0);
}

START_TEST(without_a_manager_nothing_happens)
{
	ck_assert_int_eq(unsetenv("LISTEN_FDS"), 0);
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
	inheritance_init(&inheritance);
	ck_assert_int_eq(manager_inherit(&inheritance, &why), 0);
	ck_assert_uint_eq(inheritance.n, 0);
	ck_assert_int_eq(manager_listen_fd(&inheritance, &why), -ENOENT);
	ck_assert_int_eq(manager_ready("test"), 0);
	manager_stopping();
	manager_alive();
	ck_assert_uint_eq(manager_watchdog_ms(), 0);
	ck_assert(!manager_has_store());
	ck_assert_int_eq(manager_store("x", STDERR_FILENO), -ENOENT);
	ck_assert_int_eq(manager_forget("x"), -ENOENT);
	ck_assert_int_eq(manager_prove_store(1000, &why), -ENOENT);
	inheritance_deinit(&inheritance);
}
END_TEST

START_TEST(garbage_is_an_error)
{
	inheritance_init(&inheritance);
	pass(1, "a");
	ck_assert_int_eq(setenv("LISTEN_FDS", "many", 1), 0);
	ck_assert_int_eq(manager_inherit(&inheritance, &why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "LISTEN_FDS"));
	inheritance_deinit(&inheritance);
}
END_TEST

/* In a process of its own, whose descriptors 3, 4 and 5 can be anything. */
static void inherit_three(void)
{
	int fd;

	pass(3, "x:ledger:x");
	for (fd = 3; fd < 6; fd++)
		if (dup2(STDERR_FILENO, fd) < 0)
			_exit(1);
	inheritance_init(&inheritance);
	if (manager_inherit(&inheritance, &why) < 0 || inheritance.n != 3)
		_exit(2);
	if (inheritance_take(&inheritance, "ledger") != 4 ||
	    inheritance_take(&inheritance, "x") != 3)
		_exit(3);
	if (!(fcntl(5, F_GETFD) & FD_CLOEXEC) || getenv("LISTEN_FDNAMES"))
		_exit(4);
	inheritance_deinit(&inheritance);
	if (fcntl(5, F_GETFD) >= 0)
		_exit(5);
	_exit(0);
}

START_TEST(descriptors_come_with_their_names)
{
	pid_t pid = fork();
	int code;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		inherit_three();
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert_int_eq(code, 0);
}
END_TEST

static int listening(int type)
{
	const struct sockaddr_un any = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
		bind(fd, (const struct sockaddr *)&any, sizeof(any.sun_family)),
		0);
	if (type != SOCK_DGRAM)
		ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* What the store may give back besides: a pair of sockets, and a file. */
static void inherit_others(void)
{
	int pair[2];
	int file = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	inheritance_init(&inheritance);
	ck_assert_int_eq(inheritance_add_consume(&inheritance, "f", file), 0);
	ck_assert_int_eq(inheritance_add_consume(&inheritance, "a", pair[0]), 0);
	ck_assert_int_eq(inheritance_add_consume(&inheritance, "b", pair[1]), 0);
}

static void inherit_socket(int type)
{
	ck_assert_int_eq(inheritance_add_consume(&inheritance, "ledger",
						 listening(type)),
			 0);
}

START_TEST(socket_is_known_by_what_it_is)
{
	int fd;

	inherit_others();
	ck_assert_int_eq(manager_listen_fd(&inheritance, &why), -ENOENT);
	inherit_socket(SOCK_SEQPACKET);
	fd = manager_listen_fd(&inheritance, &why);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_uint_eq(inheritance.n, 3);
	ck_assert_int_eq(manager_listen_fd(&inheritance, &why), -ENOENT);
	(void)fd_close(fd);
	inheritance_deinit(&inheritance);
}
END_TEST

START_TEST(other_sockets_are_refused)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

	for (size_t i = 0; i < 2; i++) {
		inherit_others();
		inherit_socket(types[i]);
		ck_assert_int_eq(manager_listen_fd(&inheritance, &why), -EINVAL);
		ck_assert_ptr_nonnull(strstr(why.text, "SOCK_SEQPACKET"));
		inheritance_deinit(&inheritance);
	}
	inherit_others();
	inherit_socket(SOCK_SEQPACKET);
	inherit_socket(SOCK_SEQPACKET);
	ck_assert_int_eq(manager_listen_fd(&inheritance, &why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "2 sockets"));
	inheritance_deinit(&inheritance);
}
END_TEST

static int open_notify_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(path, sizeof(path), "@contigd-test-%d", (int)getpid());
	(void)strcpy(address.sun_path + 1, path + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					  strlen(path))),
			 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
	return fd;
}

/* Receives one message and at most one descriptor; returns it or -1. */
static int receive(int fd, char *text, size_t size)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = text, .iov_len = size - 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *cmsg;
	int got = -1;
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -1;
	text[n] = '\0';
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&got, CMSG_DATA(cmsg), sizeof(got));
	return got;
}

static void expect(int fd, const char *expected)
{
	char text[256];

	ck_assert_int_lt(receive(fd, text, sizeof(text)), 0);
	ck_assert_str_eq(text, expected);
}

START_TEST(notifications_arrive)
{
	int fd = open_notify_socket();

	ck_assert_int_eq(manager_ready("Serving 64M"), 0);
	expect(fd, "READY=1\nSTATUS=Serving 64M");
	manager_status("Serving nobody");
	expect(fd, "STATUS=Serving nobody");
	manager_alive();
	expect(fd, "WATCHDOG=1");
	manager_stopping();
	expect(fd, "STOPPING=1");
	(void)fd_close(fd);
}
END_TEST

START_TEST(manager_that_does_not_hear_is_noticed)
{
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1), 0);
	ck_assert_int_eq(manager_ready("nobody there"), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "no/address", 1), 0);
	ck_assert_int_lt(manager_ready("nobody knows"), 0);
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
}
END_TEST

START_TEST(descriptors_are_stored_and_forgotten)
{
	char name[MANAGER_NAME_BYTES + 1], text[256], byte = 'x';
	int fd = open_notify_socket(), got;
	int ends[2];

	ck_assert(manager_has_store());
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(manager_store("ledger", ends[0]), 0);
	got = receive(fd, text, sizeof(text));
	ck_assert_int_ge(got, 0);
	ck_assert_str_eq(text, "FDSTORE=1\nFDPOLL=0\nFDNAME=ledger");
	ck_assert_int_eq(write(ends[1], &byte, 1), 1);
	ck_assert_int_eq(read(got, &byte, 1), 1); /* the very same */
	ck_assert_int_eq(manager_forget("ledger"), 0);
	expect(fd, "FDSTOREREMOVE=1\nFDNAME=ledger");

	memset(name, 'n', sizeof(name));
	name[MANAGER_NAME_BYTES] = '\0';
	ck_assert_int_eq(manager_store(name, ends[0]), -ENAMETOOLONG);
	name[MANAGER_NAME_BYTES - 1] = '\0';
	ck_assert_int_eq(manager_store(name, ends[0]), 0);
	(void)fd_close(receive(fd, text, sizeof(text)));
	(void)fd_close(got);
	(void)fd_close(ends[0]);
	(void)fd_close(ends[1]);
	(void)fd_close(fd);
}
END_TEST

/* A manager in a thread: takes n messages and keeps descriptors or not. */
struct manager {
	int fd;
	unsigned int n;
	bool keeps;
	char last[256];
};

static void *manage(void *data)
{
	struct manager *manager = data;
	int kept = -1;

	while (manager->n-- > 0) {
		int got = receive(manager->fd, manager->last,
				  sizeof(manager->last));

		if (manager->keeps && strncmp(manager->last, "FDSTORE=1", 9) == 0)
			kept = got;
		else
			(void)fd_close(got);
	}
	(void)fd_close(kept);
	return NULL;
}

static int prove(bool keeps)
{
	struct manager manager = {
		.fd = open_notify_socket(), .n = 3, .keeps = keeps};
	pthread_t thread;
	int r;

	ck_assert_int_eq(pthread_create(&thread, NULL, manage, &manager), 0);
	r = manager_prove_store(60000, &why);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_str_eq(manager.last, "FDSTOREREMOVE=1\nFDNAME=proof");
	(void)fd_close(manager.fd);
	return r;
}

START_TEST(store_that_keeps_is_proven)
{
	ck_assert_int_eq(prove(true), 0);
}
END_TEST

START_TEST(store_that_keeps_nothing_is_found_out)
{
	ck_assert_int_eq(prove(false), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(why.text, "FileDescriptorStoreMax="));
}
END_TEST

START_TEST(manager_that_sleeps_is_not_waited_for)
{
	int fd = open_notify_socket();

	ck_assert_int_eq(manager_prove_store(10, &why), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(why.text, "does not react"));
	(void)fd_close(fd);
}
END_TEST

START_TEST(watchdog_is_answered_twice_as_often)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	ck_assert_int_eq(setenv("WATCHDOG_PID", pid, 1), 0);
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	ck_assert_uint_eq(manager_watchdog_ms(), 15000);
	/* the timer asks each time that it is set again */
	ck_assert_uint_eq(manager_watchdog_ms(), 15000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("manager");
	TCase *tcase = harness_case(suite, "manager");

	tcase_add_test(tcase, without_a_manager_nothing_happens);
	tcase_add_test(tcase, garbage_is_an_error);
	tcase_add_test(tcase, descriptors_come_with_their_names);
	tcase_add_test(tcase, socket_is_known_by_what_it_is);
	tcase_add_test(tcase, other_sockets_are_refused);
	tcase_add_test(tcase, notifications_arrive);
	tcase_add_test(tcase, manager_that_does_not_hear_is_noticed);
	tcase_add_test(tcase, descriptors_are_stored_and_forgotten);
	tcase_add_test(tcase, store_that_keeps_is_proven);
	tcase_add_test(tcase, store_that_keeps_nothing_is_found_out);
	tcase_add_test(tcase, manager_that_sleeps_is_not_waited_for);
	tcase_add_test(tcase, watchdog_is_answered_twice_as_often);
	return harness_run(suite);
}
