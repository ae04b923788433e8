/* SPDX-License-Identifier: MIT */
#include "daemon/credentials.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/cleanup.h"

#define _cleanup_credentials_ _cleanup_(credentials_deinit)

static void make_pair(int pair[2])
{
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

/* The peer of a socket pair is the process that made it. */
static void read_own(struct credentials *credentials)
{
	int pair[2];

	make_pair(pair);
	ck_assert_int_eq(credentials_read(credentials, pair[0]), 0);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

START_TEST(own)
{
	_cleanup_credentials_ struct credentials self = {.groups = NULL};
	_cleanup_free_ gid_t *groups = NULL;
	int n = getgroups(0, NULL);

	read_own(&self);
	ck_assert_uint_eq(self.uid, geteuid());
	ck_assert_uint_eq(self.gid, getegid());
	ck_assert_int_eq(self.pid, getpid());
	ck_assert_int_ge(n, 0);
	ck_assert_uint_eq(self.n_groups, n);
	groups = calloc((size_t)n + 1, sizeof(*groups));
	ck_assert_ptr_nonnull(groups);
	ck_assert_int_eq(getgroups(n, groups), n); /* sorted by the kernel */
	for (int i = 0; i < n; i++)
		ck_assert_uint_eq(self.groups[i], groups[i]);
	credentials_deinit(&self);
	ck_assert_ptr_null(self.groups);
	ck_assert_uint_eq(self.n_groups, 0);
}
END_TEST

/* None, as many as are asked for at first, one more, and as many as a process
 * can have; only root can choose its groups. */
static const size_t counts[] = {0, 1, 32, 33, 65536};

START_TEST(many_groups)
{
	_cleanup_credentials_ struct credentials self = {.groups = NULL};
	_cleanup_free_ gid_t *groups = NULL;
	size_t n = counts[_i];

	groups = calloc(n + 1, sizeof(*groups));
	ck_assert_ptr_nonnull(groups);
	for (size_t i = 0; i < n; i++)
		groups[i] = (gid_t)(100000 + n - 1 - i);
	if (setgroups(n, groups) < 0) {
		ck_assert_int_eq(errno, EPERM);
		return;
	}
	read_own(&self);
	ck_assert_uint_eq(self.n_groups, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(self.groups[i], 100000 + i);
}
END_TEST

START_TEST(nobody_there)
{
	struct credentials none = {.uid = 4711};
	_cleanup_fd_ int alone =
		socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	_cleanup_fd_ int inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(alone, 0);
	ck_assert_int_eq(credentials_read(&none, alone), -ENOTCONN);
	if (inet >= 0)
		ck_assert_int_eq(credentials_read(&none, inet), -ENOTCONN);
	ck_assert_int_eq(credentials_read(&none, -1), -EBADF);
	ck_assert_uint_eq(none.uid, 4711);
	ck_assert_ptr_null(none.groups);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credentials");
	TCase *tcase = harness_case(suite, "credentials");

	tcase_add_test(tcase, own);
	tcase_add_loop_test(tcase, many_groups, 0,
			    sizeof(counts) / sizeof(*counts));
	tcase_add_test(tcase, nobody_there);
	return harness_run(suite);
}
