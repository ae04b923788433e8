/* SPDX-License-Identifier: MIT */
#include "daemon/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"
#include "util/log.h"

#define BOOT "0b1c8d3e-1111-2222-3333-444455556666"

static char directory[32];
static struct ledger_file file;
static struct error why;

static void before(void)
{
	log_set_level((enum log_level)0); /* refusals are expected */
	(void)strcpy(directory, "/tmp/contigd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static const char *path_of(const char *name)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(path_of(name), &st) == 0;
}

static void after(void)
{
	file.ledger = ledger_free(file.ledger);
	(void)unlink(path_of("ledger"));
	(void)unlink(path_of("ledger.refused"));
	ck_assert_msg(rmdir(directory) == 0, "something was left behind");
}

static int get(int stored_fd, bool shelves_stored, const char *where)
{
	const struct ledger_places places = {
		.stored_fd = stored_fd,
		.shelves_stored = shelves_stored,
		.directory = where,
		.boot_id = BOOT,
	};

	return ledger_file_get(&file, &places, &why);
}

static void claim(uint64_t id)
{
	const struct ledger_claim what = {
		.id = id,
		.shelf_id = id,
		.run = {id << 20, 1 << 20},
		.region = "r",
		.backend = "devmem",
		.name = "n",
	};
	size_t place;

	ck_assert_int_eq(ledger_claim(file.ledger, &what, &place), 0);
}

/* The daemon ends; returns what the manager keeps. */
static int end(void)
{
	int fd = dup(ledger_fd(file.ledger));

	ck_assert_int_ge(fd, 0);
	file.ledger = ledger_free(file.ledger);
	return fd;
}

/* As a later version would have written it. */
static void make_newer(int fd)
{
	uint32_t version = LEDGER_VERSION + 1;

	ck_assert_int_eq(pwrite(fd, &version, sizeof(version),
				offsetof(struct ledger_header, version)),
			 sizeof(version));
}

START_TEST(first_one_is_made)
{
	ck_assert_int_eq(get(-1, false, NULL), 0);
	ck_assert_ptr_nonnull(file.ledger);
	ck_assert(!file.is_stored && !file.store_lost);
	ck_assert_int_eq(file.doubt, LEDGER_CERTAIN);
	ck_assert_int_eq(ftruncate(ledger_fd(file.ledger), 0), -1);
}
END_TEST

START_TEST(boot_is_the_machines_own)
{
	const struct ledger_places places = {.stored_fd = -1};
	struct ledger_header header;

	ck_assert_int_eq(ledger_file_get(&file, &places, &why), 0);
	ck_assert_int_eq(
		pread(ledger_fd(file.ledger), &header, sizeof(header), 0),
		sizeof(header));
	ck_assert_uint_eq(strlen(header.boot_id), 36);
}
END_TEST

START_TEST(stored_one_is_taken)
{
	ck_assert_int_eq(get(-1, false, NULL), 0);
	claim(5);
	ck_assert_int_eq(get(end(), true, NULL), 0);
	ck_assert(file.is_stored && !file.store_lost);
	ck_assert_uint_eq(ledger_count(file.ledger), 1);
}
END_TEST

START_TEST(named_one_is_the_stored_one)
{
	struct stat by_name, by_fd;

	ck_assert_int_eq(get(-1, false, directory), 0);
	claim(5);
	ck_assert_int_eq(stat(path_of("ledger"), &by_name), 0);
	ck_assert_int_eq(fstat(ledger_fd(file.ledger), &by_fd), 0);
	ck_assert_uint_eq(by_name.st_ino, by_fd.st_ino);
	ck_assert_uint_eq(by_name.st_mode & 07777, 0600);
	ck_assert(!exists("ledger.new"));
	ck_assert_int_eq(get(end(), true, directory), 0);
	ck_assert(file.is_stored);
}
END_TEST

START_TEST(name_outlives_the_store)
{
	ck_assert_int_eq(get(-1, false, directory), 0);
	claim(5);
	(void)fd_close(end());
	ck_assert_int_eq(get(-1, false, directory), 0);
	ck_assert(!file.is_stored && file.store_lost);
	ck_assert_int_eq(file.doubt, LEDGER_CERTAIN);
	ck_assert_uint_eq(ledger_count(file.ledger), 1);
	(void)fd_close(end());
	/* buffers are there: it was the ledger alone that was lost */
	ck_assert_int_eq(get(-1, true, directory), 0);
	ck_assert(!file.store_lost);
}
END_TEST

START_TEST(refused_in_the_store_doubts_all)
{
	int fd;

	ck_assert_int_eq(get(-1, false, directory), 0);
	fd = end();
	make_newer(fd);
	ck_assert_int_eq(get(dup(fd), true, directory), 0);
	ck_assert_ptr_null(file.ledger);
	ck_assert(file.is_stored);
	ck_assert_int_eq(file.doubt, LEDGER_DOUBTS_ALL);
	ck_assert_ptr_nonnull(strstr(file.reason.text, "of version 2"));
	ck_assert(exists("ledger") && !exists("ledger.refused"));
	(void)fd_close(fd);
}
END_TEST

START_TEST(refused_by_name_doubts_permanent_memory)
{
	int fd;

	ck_assert_int_eq(get(-1, false, directory), 0);
	fd = end();
	make_newer(fd);
	(void)fd_close(fd);
	for (int start = 0; start < 3; start++) {
		ck_assert_int_eq(get(-1, false, directory), 0);
		ck_assert_ptr_nonnull(file.ledger);
		ck_assert_int_eq(file.doubt, LEDGER_DOUBTS_PERMANENT);
		ck_assert(exists("ledger") && exists("ledger.refused"));
		ck_assert_uint_eq(ledger_count(file.ledger), 0);
		fd = end();
		ck_assert_int_eq(get(fd, false, directory), 0);
		ck_assert_int_eq(file.doubt, LEDGER_DOUBTS_PERMANENT);
		(void)fd_close(end());
	}
	/* until the administrator knows better */
	ck_assert_int_eq(unlink(path_of("ledger.refused")), 0);
	ck_assert_int_eq(get(-1, false, directory), 0);
	ck_assert_int_eq(file.doubt, LEDGER_CERTAIN);
}
END_TEST

START_TEST(shelves_without_a_ledger_doubt_all)
{
	ck_assert_int_eq(get(-1, true, directory), 0);
	ck_assert_ptr_null(file.ledger);
	ck_assert_int_eq(file.doubt, LEDGER_DOUBTS_ALL);
}
END_TEST

START_TEST(links_are_not_followed)
{
	ck_assert_int_eq(symlink("/etc/passwd", path_of("ledger")), 0);
	ck_assert_int_eq(get(-1, false, directory), -ELOOP);
	ck_assert_ptr_nonnull(strstr(why.text, "ledger"));
}
END_TEST

START_TEST(half_made_one_is_replaced)
{
	int fd = open(path_of("ledger.new"), O_CREAT | O_WRONLY | O_CLOEXEC,
		      0600);

	ck_assert_int_eq(write(fd, "half", 4), 4);
	(void)fd_close(fd);
	ck_assert_int_eq(get(-1, false, directory), 0);
	ck_assert(exists("ledger") && !exists("ledger.new"));
}
END_TEST

START_TEST(without_a_directory_it_has_no_name)
{
	ck_assert_int_eq(get(-1, false, "/nonexistent"), 0);
	ck_assert_ptr_nonnull(file.ledger);
	file.ledger = ledger_free(file.ledger);
	ck_assert_int_eq(get(-1, false, "/proc"), 0); /* takes no files */
	ck_assert_ptr_nonnull(file.ledger);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger_file");
	TCase *tcase = harness_case(suite, "ledger_file");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, first_one_is_made);
	tcase_add_test(tcase, boot_is_the_machines_own);
	tcase_add_test(tcase, stored_one_is_taken);
	tcase_add_test(tcase, named_one_is_the_stored_one);
	tcase_add_test(tcase, name_outlives_the_store);
	tcase_add_test(tcase, refused_in_the_store_doubts_all);
	tcase_add_test(tcase, refused_by_name_doubts_permanent_memory);
	tcase_add_test(tcase, shelves_without_a_ledger_doubt_all);
	tcase_add_test(tcase, links_are_not_followed);
	tcase_add_test(tcase, half_made_one_is_replaced);
	tcase_add_test(tcase, without_a_directory_it_has_no_name);
	return harness_run(suite);
}
