/* SPDX-License-Identifier: MIT */
#include "daemon/inheritance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"

static struct inheritance inheritance;

static int any_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void add(const char *name, int fd)
{
	ck_assert_int_eq(inheritance_add_consume(&inheritance, name, fd), 0);
}

START_TEST(what_is_not_there_is_not_found)
{
	inheritance_init(&inheritance);
	ck_assert_int_eq(inheritance_take(&inheritance, "ledger"), -ENOENT);
	add("ledgers", any_fd());
	ck_assert_int_eq(inheritance_take(&inheritance, "ledger"), -ENOENT);
	inheritance_deinit(&inheritance);
	inheritance_deinit(&inheritance); /* twice is harmless */
}
END_TEST

START_TEST(each_is_taken_once_and_in_order)
{
	int a = any_fd(), b = any_fd(), c = any_fd();

	inheritance_init(&inheritance);
	add("x", a);
	add("y", b);
	add("x", c);
	ck_assert(inheritance_has(&inheritance, "x"));
	ck_assert(!inheritance_has(&inheritance, "z"));
	ck_assert_int_eq(inheritance_get(&inheritance, "x"), a);
	ck_assert_int_eq(inheritance_get(&inheritance, "z"), -ENOENT);
	ck_assert_uint_eq(inheritance.n, 3);
	ck_assert_int_eq(inheritance_take(&inheritance, "x"), a);
	ck_assert_uint_eq(inheritance.n, 2);
	ck_assert_str_eq(inheritance.items[0].name, "y");
	ck_assert_int_eq(inheritance_take(&inheritance, "x"), c);
	ck_assert_int_eq(inheritance_take(&inheritance, "x"), -ENOENT);
	ck_assert_int_eq(inheritance_take_at(&inheritance, 0), b);
	ck_assert_uint_eq(inheritance.n, 0);
	(void)fd_close(a);
	(void)fd_close(b);
	(void)fd_close(c);
	inheritance_deinit(&inheritance);
}
END_TEST

/* More than there is room for at first; the harness finds what stays open. */
START_TEST(the_rest_is_closed)
{
	char name[16];
	int taken;

	inheritance_init(&inheritance);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "fd-%d", i);
		add(name, any_fd());
	}
	taken = inheritance_take(&inheritance, "fd-20");
	ck_assert_int_ge(taken, 0);
	inheritance_deinit(&inheritance);
	ck_assert_int_ge(fcntl(taken, F_GETFD), 0);
	(void)fd_close(taken);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inheritance");
	TCase *tcase = harness_case(suite, "inheritance");

	tcase_add_test(tcase, what_is_not_there_is_not_found);
	tcase_add_test(tcase, each_is_taken_once_and_in_order);
	tcase_add_test(tcase, the_rest_is_closed);
	return harness_run(suite);
}
