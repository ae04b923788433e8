/* SPDX-License-Identifier: MIT */
#include "daemon/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/custody.h"
#include "daemon/roll.h"
#include "daemon/setup.h"
#include "tests/custodian.h"
#include "tests/harness.h"
#include "tests/logged.h"
#include "tests/treedir.h"
#include "util/fd.h"

/*
 * Preparing, with simulated memory, by whoever runs the test in the place of
 * root.  The devicetree is an empty directory.
 */

static struct custodian custodian;
static struct error why;
static char tree_path[TREEDIR_BYTES];
static const struct backend_options options = {
	.devmem_path = "/nonexistent",
	.udmabuf_path = "/nonexistent",
};

static void before(void)
{
	logged_begin(LOG_LEVEL_INFO);
	custodian_init(&custodian, 8);
	treedir_new(tree_path);
	treedir_reserved_memory(tree_path);
}

static void remove_roll(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/" ROLL_NAME, custodian.directory);
	(void)unlink(path);
}

static void after(void)
{
	remove_roll();
	treedir_remove(tree_path);
	custodian_deinit(&custodian);
}

static int prepare_in(const char *directory, const char *const *simulated)
{
	const struct setup_tree tree = {.tree = tree_path};
	struct configuration config;
	int r;

	logged_forget();
	why.text[0] = '\0';
	config_init(&config);
	for (; *simulated; simulated++)
		ck_assert_int_eq(
			config_add_simulated(&config, *simulated, &why), 0);
	r = prepare_run(&config, &tree, &options, directory, &why);
	config_deinit(&config);
	return r;
}

#define PREPARE(...)                    \
	prepare_in(custodian.directory, \
		   (const char *const[]){__VA_ARGS__, NULL})

/* Which file stands for a name in the store. */
static ino_t inode_of(const char *name)
{
	struct inheritance inheritance;
	struct stat st = {.st_ino = 0};
	int fd;

	custodian_bequeath(&custodian, &inheritance);
	fd = inheritance_take(&inheritance, name);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	(void)fd_close(fd);
	inheritance_deinit(&inheritance);
	return st.st_ino;
}

static size_t count_all(void)
{
	struct inheritance inheritance;
	size_t n;

	custodian_bequeath(&custodian, &inheritance);
	n = inheritance.n;
	inheritance_deinit(&inheritance);
	return n;
}

START_TEST(leaves_everything_once)
{
	ino_t a, b;

	ck_assert_msg(PREPARE("a=1M", "b=2M") == 0, "%s", why.text);
	ck_assert_uint_eq(custodian_count(&custodian, "probes"), 1);
	a = inode_of("region-a.deed");
	b = inode_of("region-b.deed");
	/* before the next start, and before one with something new */
	ck_assert_int_eq(PREPARE("a=1M", "b=2M"), 0);
	ck_assert(!logged_has("region"));
	ck_assert_int_eq(PREPARE("a=1M", "c=1M", "b=4M"), 0);
	ck_assert(logged_has("region 'b' is described differently now"));
	ck_assert_uint_eq(inode_of("region-a.deed"), a);
	ck_assert_uint_eq(inode_of("region-b.deed"), b);
	ck_assert_uint_eq(custodian_count(&custodian, "region-c.deed"), 1);
	/* probes, three deeds, and the seal of the roll that counts */
	ck_assert_uint_eq(count_all(), 5);
	ck_assert_int_eq(PREPARE("a=1M"), 0);
	ck_assert(logged_has("region 'c' is no longer described"));
	ck_assert_uint_eq(custodian_count(&custodian, "region-c.deed"), 1);
}
END_TEST

START_TEST(daemon_finds_it)
{
	struct inheritance inheritance;
	struct tract *tract;
	struct probes probes;

	ck_assert_int_eq(PREPARE("a=1M"), 0);
	custodian_bequeath(&custodian, &inheritance);
	ck_assert_int_eq(custody_claim_probes(&inheritance, &probes, &why), 1);
	ck_assert_int_eq(custody_claim(&inheritance, &options, &tract, &why), 1);
	ck_assert_str_eq(tract->name, "a");
	(void)tract_free(tract);
	inheritance_deinit(&inheritance);
}
END_TEST

START_TEST(nothing_to_lend_is_prepared_too)
{
	ck_assert_int_eq(
		prepare_in(custodian.directory, (const char *const[]){NULL}), 0);
	ck_assert_uint_eq(custodian_count(&custodian, "probes"), 1);
}
END_TEST

START_TEST(foreign_roll_is_not_believed)
{
	char path[64];
	int fd;

	ck_assert_int_eq(PREPARE("a=1M"), 0);
	(void)snprintf(path, sizeof(path), "%s/" ROLL_NAME, custodian.directory);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(fd_write_all(fd, "x", 1), 0);
	(void)fd_close(fd);
	ck_assert_int_eq(PREPARE("a=1M"), 0);
	ck_assert(logged_has("everything is prepared anew"));
	ck_assert_int_eq(PREPARE("a=1M"), 0);
	ck_assert(!logged_has("prepared anew"));
	ck_assert_uint_eq(custodian_count(&custodian, "region-a.deed"), 1);
}
END_TEST

START_TEST(needs_a_manager_with_room)
{
	char socket[64];

	/* the probes are there; of the deeds and the proof, one does not fit */
	ck_assert_int_eq(
		PREPARE("a=1M", "b=1M", "c=1M", "d=1M", "e=1M", "f=1M", "g=1M"),
		-ENOSPC);
	ck_assert_ptr_nonnull(strstr(why.text, "FileDescriptorStoreMax="));
	ck_assert_int_eq(prepare_in(NULL, (const char *const[]){NULL}), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "RUNTIME_DIRECTORY"));
	ck_assert_int_eq(prepare_in("", (const char *const[]){NULL}), -ENOENT);
	ck_assert_int_eq(
		prepare_in("/nonexistent:/tmp", (const char *const[]){NULL}),
		-ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "'/nonexistent'"));

	(void)strcpy(socket, getenv("NOTIFY_SOCKET"));
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(PREPARE("a=1M"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "NOTIFY_SOCKET"));
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", socket, 1), 0);
}
END_TEST

START_TEST(tree_given_by_name_must_be_readable)
{
	const struct setup_tree none = {.tree = "/nonexistent"};
	struct configuration config;

	config_init(&config);
	ck_assert_int_eq(prepare_run(&config, &none, &options,
				     custodian.directory, &why),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "/nonexistent"));
	config_deinit(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("prepare");
	TCase *tcase = harness_case(suite, "prepare");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, leaves_everything_once);
	tcase_add_test(tcase, daemon_finds_it);
	tcase_add_test(tcase, nothing_to_lend_is_prepared_too);
	tcase_add_test(tcase, foreign_roll_is_not_believed);
	tcase_add_test(tcase, needs_a_manager_with_room);
	tcase_add_test(tcase, tree_given_by_name_must_be_readable);
	return harness_run(suite);
}
