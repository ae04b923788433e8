/* SPDX-License-Identifier: MIT */
#include "daemon/roll.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/tract.h"
#include "tests/harness.h"
#include "util/fd.h"

static char path[32];
static int dir_fd;
static int seal_fd;
static struct list tracts;
static struct error why;

static void before(void)
{
	(void)strcpy(path, "/tmp/contigd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
	seal_fd = -1;
	list_init(&tracts);
}

static void drop_all(void)
{
	struct tract *tract;

	while ((tract = list_first(&tracts, struct tract, link)))
		(void)tract_free(tract);
}

static void after(void)
{
	drop_all();
	seal_fd = fd_close(seal_fd);
	(void)unlinkat(dir_fd, ROLL_NAME, 0);
	dir_fd = fd_close(dir_fd);
	ck_assert_msg(rmdir(path) == 0, "something was left behind");
}

static void add(uint32_t id, const char *name)
{
	const struct tract_description description = {
		.id = id,
		.name = name,
		.backend = "udmabuf",
		.memory.base = UINT64_MAX,
		.memory.size_bytes = 1,
		.memory.granule_bytes = 2,
		.memory.page_bytes = 3,
		.memory.guard_bytes = 4,
	};
	struct tract *tract;

	ck_assert_int_eq(tract_new(&tract, &description, &why), 0);
	list_append(&tracts, &tract->link);
}

/* Seals what is there as roll_draft() seals what it writes. */
static void put_seal(void)
{
	seal_fd = fd_close(seal_fd);
	seal_fd = openat(dir_fd, ROLL_NAME, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(seal_fd, 0);
	ck_assert_int_eq(flock(seal_fd, LOCK_SH | LOCK_NB), 0);
}

static void put_bytes(const char *text, size_t length)
{
	int fd = openat(dir_fd, ROLL_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(fd_write_all(fd, text, length), 0);
	(void)fd_close(fd);
	put_seal();
}

static void put(const char *text)
{
	put_bytes(text, strlen(text));
}

static void write_roll(void)
{
	int fd = roll_draft(dir_fd, &tracts, &why);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(roll_enact(dir_fd, &why), 0);
	(void)fd_close(seal_fd);
	seal_fd = fd;
}

static int read_roll(void)
{
	why.text[0] = '\0';
	return roll_read(dir_fd, &tracts, &why);
}

START_TEST(comes_back_as_it_was)
{
	const struct tract *tract;
	struct stat st;

	add(7, "with:colon,and%more");
	add(3, "b");
	write_roll();
	drop_all();
	ck_assert_int_eq(read_roll(), 0);
	tract = list_first(&tracts, struct tract, link);
	ck_assert_uint_eq(tract->id, 7);
	ck_assert_str_eq(tract->name, "with:colon,and%more");
	ck_assert_ptr_eq(tract->backend, &backend_udmabuf);
	ck_assert_uint_eq(tract->spec.base, UINT64_MAX);
	ck_assert_uint_eq(tract->spec.size_bytes, 1);
	ck_assert_uint_eq(tract->spec.granule_bytes, 2);
	ck_assert_uint_eq(tract->spec.page_bytes, 3);
	ck_assert_uint_eq(tract->spec.guard_bytes, 4);
	tract = list_first(&tract->link, struct tract, link);
	ck_assert_str_eq(tract->name, "b");

	/* and once more, over what is there */
	write_roll();
	drop_all();
	ck_assert_int_eq(read_roll(), 0);
	ck_assert_int_eq(fstatat(dir_fd, ROLL_NAME, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(st.st_uid, geteuid());
}
END_TEST

START_TEST(may_be_empty_or_missing)
{
	ck_assert_int_eq(read_roll(), -ENOENT);
	ck_assert_uint_eq(roll_number(dir_fd), 0);
	write_roll();
	ck_assert_int_eq(read_roll(), 0);
	ck_assert(list_empty(&tracts));
}
END_TEST

START_TEST(nonsense_is_refused_as_a_whole)
{
#define HEAD "contigd-prepared 1\n"
#define GOOD "1 0x0 1 1 1 1 devmem a\n"
	static const char *const texts[] = {
		"",
		"\n",
		"contigd-prepared 2\n",
		"contigd-prepared 1",
		HEAD "1",
		HEAD GOOD "2 0x0 1 1 1 1 devmem b",
		HEAD GOOD "2 0x0 1 1 1 1 devmem\n",
		HEAD GOOD "2 0x0 1 1 1 1 devmem \n",
		HEAD GOOD "2 0x0 1 1 1 1 devmem b c\n",
		HEAD GOOD "2 0x0 1 1 1 devmem b\n",
		HEAD GOOD "0 0x0 1 1 1 1 devmem b\n",
		HEAD GOOD "2147483648 0x0 1 1 1 1 devmem b\n",
		HEAD GOOD "-1 0x0 1 1 1 1 devmem b\n",
		HEAD GOOD "\n" GOOD,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		put(texts[i]);
		ck_assert_msg(read_roll() == -EPROTO, "text %zu", i);
		ck_assert_uint_gt(strlen(why.text), 0);
		ck_assert(list_empty(&tracts));
	}
	put(HEAD GOOD "2147483647 0x0 1 1 1 1 floppy b\n");
	ck_assert_int_eq(read_roll(), -EPROTO);
	put(HEAD GOOD "2147483647 0x0 1 1 1 1 devmem b\n");
	ck_assert_int_eq(read_roll(), 0);
}
END_TEST

START_TEST(bytes_beyond_text_are_refused)
{
	put_bytes(HEAD "\0" GOOD, sizeof(HEAD GOOD));
	ck_assert_int_eq(read_roll(), -EPROTO);
}
END_TEST

/* In the place of the C library's, which this calls otherwise. */
static bool locks_are_short;

int flock(int fd, int operation)
{
	if (!locks_are_short)
		return (int)syscall(SYS_flock, fd, operation);
	errno = ENOLCK;
	return -1;
}

/* What may be lent must not be prepared once more for that. */
START_TEST(seal_that_cannot_be_tried_is_not_missing)
{
	add(1, "a");
	write_roll();
	drop_all();
	locks_are_short = true;
	ck_assert_int_eq(read_roll(), -ENOLCK);
	locks_are_short = false;
	ck_assert(list_empty(&tracts));
	ck_assert_int_eq(read_roll(), 0);
}
END_TEST

START_TEST(counts_while_somebody_has_the_seal)
{
	int second_fd;

	add(1, "a");
	write_roll();
	drop_all();
	/* the last one of several: the lock is the open file's */
	second_fd = dup(seal_fd);
	seal_fd = fd_close(seal_fd);
	ck_assert_int_eq(read_roll(), 0);
	drop_all();
	ck_assert_int_eq(write(second_fd, "x", 1), -1);
	(void)fd_close(second_fd);
	ck_assert_int_eq(read_roll(), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "kept by nobody"));
	ck_assert(list_empty(&tracts));
}
END_TEST

/* Whoever is killed in between has changed nothing. */
START_TEST(draft_leaves_the_roll_alone)
{
	int draft_fd;

	add(1, "a");
	write_roll();
	add(2, "b");
	draft_fd = roll_draft(dir_fd, &tracts, &why);
	ck_assert_int_ge(draft_fd, 0);
	drop_all();
	ck_assert_int_eq(read_roll(), 0);
	ck_assert_str_eq(list_first(&tracts, struct tract, link)->name, "a");
	drop_all();
	/* the old seal says nothing about the new roll */
	ck_assert_uint_eq(roll_number(dir_fd), roll_seal_number(seal_fd));
	ck_assert_uint_ne(roll_number(dir_fd), roll_seal_number(draft_fd));
	ck_assert_int_eq(roll_enact(dir_fd, &why), 0);
	ck_assert_uint_eq(roll_number(dir_fd), roll_seal_number(draft_fd));
	(void)fd_close(draft_fd);
	ck_assert_int_eq(read_roll(), -ENOENT);
	ck_assert_int_eq(roll_enact(dir_fd, &why), -ENOENT);
}
END_TEST

/* The directory's owner tries to have something else read. */
START_TEST(only_a_plain_file_of_ones_own)
{
	int fd;

	ck_assert_int_eq(symlinkat("/etc/passwd", dir_fd, ROLL_NAME), 0);
	ck_assert_int_eq(read_roll(), -EPERM);
	ck_assert_int_eq(unlinkat(dir_fd, ROLL_NAME, 0), 0);

	ck_assert_int_eq(mkfifoat(dir_fd, ROLL_NAME, 0600), 0);
	ck_assert_int_eq(read_roll(), -EPERM); /* and does not wait */
	ck_assert_int_eq(unlinkat(dir_fd, ROLL_NAME, 0), 0);

	ck_assert_int_eq(mkdirat(dir_fd, ROLL_NAME, 0700), 0);
	ck_assert_int_eq(read_roll(), -EPERM);
	ck_assert_int_eq(unlinkat(dir_fd, ROLL_NAME, AT_REMOVEDIR), 0);

	put(HEAD GOOD);
	ck_assert_int_eq(linkat(dir_fd, ROLL_NAME, dir_fd, "other", 0), 0);
	ck_assert_int_eq(read_roll(), -EPERM);
	ck_assert_int_eq(unlinkat(dir_fd, "other", 0), 0);
	ck_assert_int_eq(fchmodat(dir_fd, ROLL_NAME, 0620, 0), 0);
	ck_assert_int_eq(read_roll(), -EPERM);
	ck_assert_int_eq(fchmodat(dir_fd, ROLL_NAME, 0602, 0), 0);
	ck_assert_int_eq(read_roll(), -EPERM);
	ck_assert_int_eq(fchmodat(dir_fd, ROLL_NAME, 0644, 0), 0);
	ck_assert_int_eq(read_roll(), 0);
	fd = openat(dir_fd, ROLL_NAME, O_RDONLY | O_CLOEXEC);
	if (fchown(fd, 65534, 65534) == 0) /* it takes root */
		ck_assert_int_eq(read_roll(), -EPERM);
	(void)fd_close(fd);
}
END_TEST

/* The directory's owner tries to have something else written to. */
START_TEST(nothing_that_is_there_is_written_to)
{
	char target[64];
	struct stat st;
	int fd;

	(void)snprintf(target, sizeof(target), "%s/target", path);
	fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	add(1, "a");
	ck_assert_int_eq(symlinkat(target, dir_fd, ROLL_NAME ".new"), 0);
	ck_assert_int_eq(symlinkat(target, dir_fd, ROLL_NAME), 0);
	write_roll();
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_eq(read_roll(), 0);
	(void)fd_close(fd);

	ck_assert_int_eq(mkdirat(dir_fd, ROLL_NAME ".new", 0700), 0);
	ck_assert_int_eq(roll_draft(dir_fd, &tracts, &why), -EEXIST);
	ck_assert_ptr_nonnull(strstr(why.text, "cannot be written"));
	ck_assert_int_eq(unlinkat(dir_fd, ROLL_NAME ".new", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlink(target), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("roll");
	TCase *tcase = harness_case(suite, "roll");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, comes_back_as_it_was);
	tcase_add_test(tcase, may_be_empty_or_missing);
	tcase_add_test(tcase, nonsense_is_refused_as_a_whole);
	tcase_add_test(tcase, bytes_beyond_text_are_refused);
	tcase_add_test(tcase, counts_while_somebody_has_the_seal);
	tcase_add_test(tcase, seal_that_cannot_be_tried_is_not_missing);
	tcase_add_test(tcase, draft_leaves_the_roll_alone);
	tcase_add_test(tcase, only_a_plain_file_of_ones_own);
	tcase_add_test(tcase, nothing_that_is_there_is_written_to);
	return harness_run(suite);
}
