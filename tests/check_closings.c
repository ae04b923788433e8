/* SPDX-License-Identifier: MIT */
#include "daemon/closings.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "daemon/file_pages.h"
#include "daemon/lease.h"
#include "tests/harness.h"
#include "tests/holder.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * When the word comes, and when it does not: nothing here waits, since the
 * kernel gives it before the call that ends the file returns.
 */

#define SIZE 8192

static struct closings closings;
static struct closing closing;
static int file_fd;
static int n_told;

static void told(void *data, struct closing *which)
{
	ck_assert_ptr_eq(data, &closings);
	ck_assert_ptr_eq(which, &closing);
	ck_assert(!closing_is_armed(&closings, which));
	n_told++;
}

static int read_all(void)
{
	int before = n_told;

	ck_assert_int_eq(closings_read(&closings, told, &closings), 0);
	return n_told - before;
}

static void before(void)
{
	struct error why = ERROR_INIT;

	ck_assert_msg(closings_init(&closings, &why) == 0, "%s", why.text);
	file_fd = lease_create("frame", SIZE, NULL, NULL);
	ck_assert_int_ge(file_fd, 0);
}

static void after(void)
{
	closing_disarm(&closings, &closing);
	closings_deinit(&closings);
	file_fd = fd_close(file_fd);
}

START_TEST(told_when_the_last_one_goes)
{
	enum holder_kind kind = (enum holder_kind)_i;
	struct holder holder;

	holder_take(&holder, kind, lease_lend(file_fd), SIZE);
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	ck_assert(closing_is_armed(&closings, &closing));
	ck_assert_msg(read_all() == 0, "%s", holder_name(kind));
	holder_drop(&holder);
	ck_assert_msg(read_all() == 1, "%s", holder_name(kind));
	ck_assert_int_eq(lease_held(file_fd), 0);
}
END_TEST

START_TEST(nothing_closed_nothing_told)
{
	int lent = lease_lend(file_fd), other;

	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	other = fcntl(lent, F_DUPFD_CLOEXEC, 0);
	(void)fd_close(other);
	(void)fd_close(fd_reopen(lent, O_PATH)); /* which no lease counts */
	ck_assert_int_eq(lease_held(file_fd), 1);
	ck_assert_int_eq(file_pages_discard(file_fd, 0, SIZE), 0);
	ck_assert_int_eq(read_all(), 0);
	(void)fd_close(lent);
	ck_assert_int_eq(read_all(), 1);
}
END_TEST

/* Whoever opens and closes in a loop is told of once. */
START_TEST(one_word_until_asked_again)
{
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	for (int i = 0; i < 1000; i++)
		(void)fd_close(lease_lend(file_fd));
	ck_assert_int_eq(read_all(), 1);
	(void)fd_close(lease_lend(file_fd));
	ck_assert_int_eq(read_all(), 0);

	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	(void)fd_close(lease_lend(file_fd));
	ck_assert_int_eq(read_all(), 1);
}
END_TEST

/* How many files the kernel watches. */
static size_t count_watches(void)
{
	char path[64], line[256];
	size_t n = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", closings.fd);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		n += strncmp(line, "inotify ", 8) == 0;
	(void)fclose(file);
	return n;
}

START_TEST(watched_ahead_and_adopted)
{
	int lent = lease_lend(file_fd);
	int watch = closings_watch(&closings, file_fd);

	ck_assert_int_gt(watch, 0);
	ck_assert(!closing_is_armed(&closings, &closing));
	closings.epoch++; /* what was lost before is not about it */
	closing_adopt(&closings, &closing, watch);
	ck_assert(closing_is_armed(&closings, &closing));
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	ck_assert_uint_eq(count_watches(), 1);
	(void)fd_close(lent);
	ck_assert_int_eq(read_all(), 1);
	ck_assert_uint_eq(count_watches(), 0);
	ck_assert_int_eq(lease_held(file_fd), 0);
}
END_TEST

/* An object that nobody took. */
START_TEST(watched_ahead_and_given_up)
{
	int lent = lease_lend(file_fd);

	ck_assert_int_gt(closings_watch(&closings, file_fd), 0);
	(void)fd_close(lent);
	file_fd = fd_close(file_fd);
	ck_assert_int_eq(read_all(), 0);
	ck_assert_uint_eq(count_watches(), 0);
}
END_TEST

START_TEST(disarmed_is_silent)
{
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	closing_disarm(&closings, &closing);
	ck_assert(!closing_is_armed(&closings, &closing));
	closing_disarm(&closings, &closing);
	(void)fd_close(lease_lend(file_fd));
	ck_assert_int_eq(read_all(), 0);

	/* also where the word is under way already */
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	(void)fd_close(lease_lend(file_fd));
	closing_disarm(&closings, &closing);
	ck_assert_int_eq(read_all(), 0);
}
END_TEST

/* A late event of an earlier watch is not taken for one of the next. */
START_TEST(words_are_about_this_watch)
{
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	(void)fd_close(lease_lend(file_fd));
	closing_disarm(&closings, &closing);
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	ck_assert_int_eq(read_all(), 0);
	ck_assert(closing_is_armed(&closings, &closing));
}
END_TEST

static unsigned long limit_of(const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	ck_assert_int_eq(fd_read_file(path, 64, &text, &len), 0);
	return strtoul(text, NULL, 10);
}

/* The queue is full: whatever was lost, everything can be armed again. */
START_TEST(lost_words_disarm_everything)
{
	unsigned long n = limit_of("/proc/sys/fs/inotify/max_queued_events");
	int noise = lease_create("noise", SIZE, NULL, NULL), r;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", noise);
	for (unsigned long i = 0; i < n / 2 + 1; i++) {
		ck_assert_int_gt(inotify_add_watch(closings.fd, path,
						   IN_CLOSE | IN_ONESHOT),
				 0);
		(void)fd_close(lease_lend(noise));
	}
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	(void)fd_close(lease_lend(file_fd)); /* nobody will hear of this */
	do
		r = closings_read(&closings, told, &closings);
	while (r == 0);
	ck_assert_int_eq(r, 1);
	ck_assert_int_eq(n_told, 0);
	ck_assert(!closing_is_armed(&closings, &closing));

	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	ck_assert(closing_is_armed(&closings, &closing));
	(void)fd_close(lease_lend(file_fd));
	while (n_told == 0)
		ck_assert_int_eq(closings_read(&closings, told, &closings), 0);
	(void)fd_close(noise);
}
END_TEST

/* A watch whose word was not lost is armed again under the same number. */
START_TEST(what_was_not_lost_stays_good)
{
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	closings.epoch++;
	ck_assert(!closing_is_armed(&closings, &closing));
	ck_assert_int_eq(closing_arm(&closings, &closing, file_fd), 0);
	(void)fd_close(lease_lend(file_fd));
	ck_assert_int_eq(read_all(), 1);
	ck_assert_int_eq(read_all(), 0);
}
END_TEST

/* Limits of a user namespace of one's own; false: not allowed here. */
static bool set_limit(const char *name, const char *value)
{
	char path[64];
	int fd, r;

	if (unshare(CLONE_NEWUSER) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/sys/user/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : fd_write_all(fd, value, strlen(value));
	(void)fd_close(fd);
	return r == 0;
}

static int n_warnings;

static void count_warnings(enum log_level level,
			   const struct log_fields *fields, const char *text)
{
	(void)fields;
	ck_assert_int_eq(level, LOG_LEVEL_WARNING);
	ck_assert_ptr_nonnull(strstr(text, "max_user_watches"));
	n_warnings++;
}

START_TEST(limit_of_watches)
{
	struct closings few;
	struct closing one = {.wd = 0}, two = {.wd = 0};
	int other = lease_create("other", SIZE, NULL, NULL);

	if (!set_limit("max_inotify_watches", "1")) {
		(void)fputs("user namespaces are not to be had here\n", stderr);
		(void)fd_close(other);
		return;
	}
	log_set_sink(count_warnings);
	ck_assert_int_eq(closings_init(&few, NULL), 0);
	ck_assert_int_eq(closing_arm(&few, &one, file_fd), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(closing_arm(&few, &two, other), -ENOSPC);
		ck_assert(!closing_is_armed(&few, &two));
	}
	ck_assert_int_eq(n_warnings, 1);
	closing_disarm(&few, &one);
	ck_assert_int_eq(closing_arm(&few, &two, other), 0);
	closing_disarm(&few, &two);
	closings_deinit(&few);
	(void)fd_close(other);
}
END_TEST

START_TEST(limit_of_instances)
{
	struct closings none;
	struct closing one = {.wd = 0};
	struct error why = ERROR_INIT;

	if (!set_limit("max_inotify_instances", "0")) {
		(void)fputs("user namespaces are not to be had here\n", stderr);
		return;
	}
	ck_assert_int_eq(closings_init(&none, &why), -EMFILE);
	ck_assert_ptr_nonnull(strstr(why.text, "inotify"));
	ck_assert_int_eq(none.fd, -1);
	ck_assert_int_eq(closing_arm(&none, &one, file_fd), -ENOTSUP);
	ck_assert(!closing_is_armed(&none, &one));
	closing_disarm(&none, &one);
	closings_deinit(&none);
}
END_TEST

START_TEST(no_file_no_watch)
{
	log_set_level(LOG_LEVEL_ERR);
	ck_assert_int_eq(closing_arm(&closings, &closing, -1), -ENOENT);
	ck_assert(!closing_is_armed(&closings, &closing));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("closings");
	TCase *words = harness_case(suite, "words");
	TCase *limits = harness_case(suite, "limits");

	tcase_add_checked_fixture(words, before, after);
	tcase_add_loop_test(words, told_when_the_last_one_goes, 0, HOLDER_KINDS);
	tcase_add_test(words, nothing_closed_nothing_told);
	tcase_add_test(words, one_word_until_asked_again);
	tcase_add_test(words, disarmed_is_silent);
	tcase_add_test(words, watched_ahead_and_adopted);
	tcase_add_test(words, watched_ahead_and_given_up);
	tcase_add_test(words, words_are_about_this_watch);
	tcase_add_checked_fixture(limits, before, after);
	tcase_add_test(limits, lost_words_disarm_everything);
	tcase_add_test(limits, what_was_not_lost_stays_good);
	tcase_add_test(limits, limit_of_watches);
	tcase_add_test(limits, limit_of_instances);
	tcase_add_test(limits, no_file_no_watch);
	return harness_run(suite);
}
