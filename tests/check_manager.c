/* SPDX-License-Identifier: MIT */
#include "daemon/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

/* The test is the service manager: it sets the environment. */

static struct error why;

static void pass(int n)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	ck_assert_int_eq(setenv("LISTEN_PID", text, 1), 0);
	(void)snprintf(text, sizeof(text), "%d", n);
	ck_assert_int_eq(setenv("LISTEN_FDS", text, 1), 0);
}

START_TEST(without_a_manager_nothing_happens)
{
	ck_assert_int_eq(unsetenv("LISTEN_FDS"), 0);
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
	ck_assert_int_eq(manager_listen_fd(&why), -ENOENT);
	manager_ready("test");
	manager_stopping();
	manager_alive();
	ck_assert_uint_eq(manager_watchdog_ms(), 0);
}
END_TEST

START_TEST(garbage_is_an_error)
{
	pass(1);
	ck_assert_int_eq(setenv("LISTEN_FDS", "many", 1), 0);
	ck_assert_int_eq(manager_listen_fd(&why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "LISTEN_FDS"));
}
END_TEST

START_TEST(notifications_arrive)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[64], text[128];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	(void)snprintf(path, sizeof(path), "@contigd-test-%d", (int)getpid());
	(void)strcpy(address.sun_path + 1, path + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					  strlen(path))),
			 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);

	manager_ready("Serving 64M");
	n = recv(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_str_eq(text, "READY=1\nSTATUS=Serving 64M");
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
	manager_alive();
	n = recv(fd, text, sizeof(text) - 1, 0);
	text[n] = '\0';
	ck_assert_str_eq(text, "WATCHDOG=1");
	manager_stopping();
	n = recv(fd, text, sizeof(text) - 1, 0);
	text[n] = '\0';
	ck_assert_str_eq(text, "STOPPING=1");
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
	tcase_add_test(tcase, notifications_arrive);
	tcase_add_test(tcase, watchdog_is_answered_twice_as_often);
	return harness_run(suite);
}
