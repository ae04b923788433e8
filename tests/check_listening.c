/* SPDX-License-Identifier: MIT */
#include "daemon/listening.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/channel.h"
#include "tests/harness.h"
#include "util/fd.h"
#include "util/log.h"

static char dir[32];
static char path[64];
static struct listening listening;
static struct error why;

static void before(void)
{
	log_set_level(LOG_LEVEL_WARNING);
	(void)strcpy(dir, "/tmp/contigd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	why.text[0] = '\0';
}

static void after(void)
{
	ck_assert_msg(rmdir(dir) == 0, "something was left behind");
}

static int open_at(struct listening *to, const char *at)
{
	const struct listening_owner self = {geteuid(), getegid()};

	return listening_open(to, at, &self, &why);
}

START_TEST(listens_and_cleans_up)
{
	struct stat st;
	int fd;

	ck_assert_int_eq(open_at(&listening, path), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	ck_assert_int_ne(fcntl(listening.fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(listening.fd, F_GETFD) & FD_CLOEXEC, 0);
	fd = channel_connect(path);
	ck_assert_int_ge(fd, 0);
	(void)fd_close(fd);
	listening_close(&listening);
	ck_assert_int_eq(listening.fd, -1);
	ck_assert_int_lt(lstat(path, &st), 0);
	listening_close(&listening); /* twice is harmless */
}
END_TEST

START_TEST(one_missing_directory_is_made)
{
	char deep[96];

	(void)snprintf(deep, sizeof(deep), "%s/a/sock", dir);
	ck_assert_int_eq(open_at(&listening, deep), 0);
	listening_close(&listening);
	(void)snprintf(deep, sizeof(deep), "%s/a", dir);
	ck_assert_int_eq(rmdir(deep), 0);

	(void)snprintf(deep, sizeof(deep), "%s/a/b/sock", dir);
	ck_assert_int_eq(open_at(&listening, deep), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "/a/b"));
	ck_assert_int_eq(listening.fd, -1);
}
END_TEST

START_TEST(listening_twice_is_refused)
{
	struct listening other;

	ck_assert_int_eq(open_at(&listening, path), 0);
	ck_assert_int_eq(open_at(&other, path), -EADDRINUSE);
	ck_assert_int_eq(other.fd, -1);
	ck_assert_ptr_nonnull(strstr(why.text, path));
	listening_close(&listening);
}
END_TEST

START_TEST(dead_socket_is_replaced)
{
	int fd = channel_listen(path, 1);

	ck_assert_int_ge(fd, 0);
	(void)fd_close(fd);
	ck_assert_int_eq(open_at(&listening, path), 0);
	listening_close(&listening);
}
END_TEST

START_TEST(dead_socket_of_another_user_is_not)
{
	int fd = channel_listen(path, 1);

	ck_assert_int_ge(fd, 0);
	(void)fd_close(fd);
	if (chown(path, 65534, (gid_t)-1) == 0) { /* it takes root */
		ck_assert_int_eq(open_at(&listening, path), -EADDRINUSE);
		ck_assert_ptr_nonnull(strstr(why.text, "another owner"));
	}
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(what_is_no_socket_stays)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	(void)fd_close(fd);
	ck_assert_int_eq(open_at(&listening, path), -EEXIST);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/nonexistent", path), 0);
	ck_assert_int_eq(open_at(&listening, path), -EEXIST);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(another_ones_socket_is_adopted)
{
	struct listening other;
	struct stat st;

	ck_assert_int_eq(open_at(&other, path), 0);
	listening_adopt_consume(&listening, dup(other.fd));
	ck_assert_int_ge(listening.fd, 0);
	listening_close(&listening);
	ck_assert_int_eq(listening.fd, -1);
	ck_assert_int_eq(lstat(path, &st), 0); /* whose path stays */
	listening_close(&other);
}
END_TEST

START_TEST(owner_gets_the_socket)
{
	struct listening_owner owner = {geteuid(), getegid()};
	struct stat st;

	ck_assert_int_eq(listening_open(&listening, path, &owner, &why), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, owner.uid);
	ck_assert_uint_eq(st.st_gid, owner.gid);
	listening_close(&listening);
	if (geteuid() != 0)
		return;
	owner = (struct listening_owner){65533, 65534};
	ck_assert_int_eq(listening_open(&listening, path, &owner, &why), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 65533);
	ck_assert_uint_eq(st.st_gid, 65534);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	listening_close(&listening);
}
END_TEST

/* A new directory is the owner's, one that was there stays whose it was. */
START_TEST(owner_gets_a_new_directory)
{
	const struct listening_owner owner = {65533, 65534};
	char deep[96];
	struct stat st;

	if (geteuid() != 0)
		return;
	(void)snprintf(deep, sizeof(deep), "%s/a/sock", dir);
	ck_assert_int_eq(listening_open(&listening, deep, &owner, &why), 0);
	listening_close(&listening);
	*strrchr(deep, '/') = '\0';
	ck_assert_int_eq(lstat(deep, &st), 0);
	ck_assert_uint_eq(st.st_uid, 65533);
	ck_assert_uint_eq(st.st_gid, 0);
	ck_assert_int_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(rmdir(deep), 0);
	ck_assert_int_eq(lstat(dir, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
}
END_TEST

/* Left over from a daemon that had become its user. */
START_TEST(dead_socket_of_the_owner_is_replaced)
{
	const struct listening_owner owner = {65533, 65534};
	int fd = channel_listen(path, 1);

	ck_assert_int_ge(fd, 0);
	(void)fd_close(fd);
	if (chown(path, owner.uid, (gid_t)-1) == 0) { /* it takes root */
		ck_assert_int_eq(listening_open(&listening, path, &owner, &why),
				 0);
		listening_close(&listening);
		return;
	}
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

/* Somebody else's socket took its place: that one stays. */
START_TEST(only_the_own_path_is_removed)
{
	int fd;

	ck_assert_int_eq(open_at(&listening, path), 0);
	ck_assert_int_eq(unlink(path), 0);
	fd = channel_listen(path, 1);
	ck_assert_int_ge(fd, 0);
	listening_close(&listening);
	ck_assert_int_eq(access(path, F_OK), 0);
	(void)fd_close(fd);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(path_that_does_not_fit)
{
	char longer[200];

	(void)snprintf(longer, sizeof(longer), "%s/%0120d", dir, 0);
	ck_assert_int_eq(open_at(&listening, longer), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listening");
	TCase *tcase = harness_case(suite, "listening");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, listens_and_cleans_up);
	tcase_add_test(tcase, one_missing_directory_is_made);
	tcase_add_test(tcase, listening_twice_is_refused);
	tcase_add_test(tcase, dead_socket_is_replaced);
	tcase_add_test(tcase, dead_socket_of_another_user_is_not);
	tcase_add_test(tcase, what_is_no_socket_stays);
	tcase_add_test(tcase, another_ones_socket_is_adopted);
	tcase_add_test(tcase, owner_gets_the_socket);
	tcase_add_test(tcase, owner_gets_a_new_directory);
	tcase_add_test(tcase, dead_socket_of_the_owner_is_replaced);
	tcase_add_test(tcase, only_the_own_path_is_removed);
	tcase_add_test(tcase, path_that_does_not_fit);
	return harness_run(suite);
}
