/* SPDX-License-Identifier: MIT */
#include "daemon/restore.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/lives.h"
#include "tests/logged.h"
#include "util/fd.h"

/*
 * What the vault says may be wrong, or about other memory: of another boot, of
 * another region, or of descriptors that are lost.
 */

#define MIB UINT64_C(1048576)

static struct lives lives;

static void before(void)
{
	lives_init(&lives);
}

static void after(void)
{
	lives_deinit(&lives);
}

static void expect_all_quarantined(const char *text)
{
	int fd;

	ck_assert_uint_eq(lives.region->quarantined_bytes, LIVES_SIZE);
	ck_assert_uint_eq(region_size_bytes(lives.region), LIVES_SIZE);
	ck_assert_uint_eq(region_free_bytes(lives.region), 0);
	ck_assert_uint_eq(lives_ask(&lives, 1, 1, &fd), 0);
	ck_assert_msg(logged_has(text), "'%s' is not in: %s", text,
		      logged_text());
}

START_TEST(refused_ledger_lends_nothing)
{
	uint64_t id;
	int fd;

	id = lives_ask(&lives, MIB, 1, &fd);
	lives.boot_id = "another";
	for (int life = 0; life < 2; life++) {
		lives_restart(&lives);
		expect_all_quarantined("of another boot");
	}
	lives.kept = false; /* not even what is new */
	lives_restart(&lives);
	expect_all_quarantined("of another boot");
	/* and nothing is lost for whoever can read it */
	lives.boot_id = NULL;
	lives.kept = true;
	lives_restart(&lives);
	ck_assert_ptr_nonnull(lives_find(&lives, id));
	(void)fd_close(fd);
}
END_TEST

START_TEST(record_out_of_place_quarantines_the_region)
{
	int fds[3];

	(void)lives_ask(&lives, 2 * MIB, 3, fds);
	lives.size_bytes = 4 * MIB; /* described differently now */
	lives_restart(&lives);
	ck_assert_uint_eq(lives.region->quarantined_bytes, 4 * MIB);
	ck_assert_uint_eq(region_free_bytes(lives.region), 0);
	ck_assert(logged_has("which is no place in it"));
	lives.size_bytes = LIVES_SIZE;
	lives_restart(&lives);
	ck_assert_uint_eq(lives.lender->registry.n_buffers, 3);
	lives.granule_bytes = 4 * MIB;
	lives_restart(&lives);
	ck_assert_uint_eq(lives.region->quarantined_bytes, LIVES_SIZE);
	lives.granule_bytes = LIVES_GRANULE;
	lives_restart(&lives);
	ck_assert_uint_eq(lives.lender->registry.n_buffers, 3);
	for (int i = 0; i < 3; i++)
		(void)fd_close(fds[i]);
}
END_TEST

/* ---- other memory --------------------------------------------------------- */

START_TEST(region_that_is_not_there_keeps_its_buffers)
{
	uint64_t id;
	int fd;

	id = lives_ask(&lives, MIB, 1, &fd);
	lives.name = "video";
	for (int life = 0; life < 2; life++) {
		lives_restart(&lives);
		ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
		ck_assert(logged_has("1 of the buffers that are lent belong"));
	}
	lives.name = "camera";
	lives_restart(&lives);
	ck_assert_ptr_nonnull(lives_find(&lives, id));
	(void)fd_close(fd);
}
END_TEST

START_TEST(new_memory_of_that_name_is_all_free)
{
	uint64_t id;
	int fd, other;

	id = lives_ask(&lives, MIB, 1, &fd);
	lives.kept = false;
	lives_restart(&lives);
	ck_assert_ptr_null(lives_find(&lives, id));
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
	ck_assert(logged_has("is of a region 'camera' that is no more"));
	(void)lives_ask(&lives, LIVES_SIZE, 1, &other);
	lives.kept = true;
	lives_restart(&lives);
	ck_assert_uint_eq(lives.lender->registry.n_buffers, 1);
	(void)fd_close(fd);
	(void)fd_close(other);
	lives_wait_for_buffers(&lives, 0);
}
END_TEST

static void use_permanent(void)
{
	lives_end(&lives);
	custodian_replace(&lives.custodian, "ledger", -1);
	lives.permanent = true;
	lives.kept = false;
	lives_start(&lives);
	lives_wait_for_buffers(&lives, 0);
}

START_TEST(permanent_memory_is_known_by_its_place)
{
	uint64_t id;
	int fd;

	use_permanent();
	id = lives_ask(&lives, MIB, 1, &fd);
	lives.name = "renamed";
	lives_restart(&lives);
	ck_assert_ptr_nonnull(lives_find(&lives, id));
	/* what is not lent may hold anything */
	ck_assert_uint_eq(lives.region->dirt.bytes, LIVES_SIZE - MIB);
	(void)fd_close(fd);
	lives_wait_for_buffers(&lives, 0);
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
}
END_TEST

/* Stopped and started: the store is gone, the machine's memory is not. */
static void lose_store(void)
{
	lives_end(&lives);
	custodian_replace(&lives.custodian, "ledger", -1);
	custodian_replace(&lives.custodian, "shelf-0.a", -1);
	custodian_replace(&lives.custodian, "shelf-0.b", -1);
	lives_start(&lives);
}

static void use_directory(char *name)
{
	(void)snprintf(name, 64, "%s/runtime", lives.custodian.directory);
	ck_assert_int_eq(mkdir(name, 0700), 0);
	lives_end(&lives);
	custodian_replace(&lives.custodian, "ledger", -1);
	lives.directory = name;
	lives_start(&lives);
}

static void remove_directory(void)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/ledger", lives.directory);
	ck_assert_int_eq(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/ledger.refused", lives.directory);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(lives.directory), 0);
}

START_TEST(lost_store_voids_what_was_made)
{
	char name[64];
	int fd;

	use_directory(name);
	(void)lives_ask(&lives, MIB, 1, &fd);
	lose_store();
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
	ck_assert_uint_eq(lives.region->quarantined_bytes, 0);
	ck_assert_uint_eq(ledger_count(lives.vault->file.ledger), 0);
	(void)fd_close(fd);
	remove_directory();
}
END_TEST

START_TEST(lost_store_quarantines_what_is_permanent)
{
	char name[64];
	int fd, other;

	use_directory(name);
	use_permanent();
	(void)lives_ask(&lives, MIB, 1, &fd);
	lose_store();
	ck_assert_uint_eq(lives.region->quarantined_bytes, MIB);
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE - MIB);
	ck_assert_uint_gt(lives_ask(&lives, LIVES_SIZE - MIB, 1, &other), 0);
	lose_store();
	ck_assert_uint_eq(lives.region->quarantined_bytes, LIVES_SIZE);
	lives_restart(&lives);
	ck_assert_uint_eq(lives.region->quarantined_bytes, LIVES_SIZE);
	(void)fd_close(fd);
	(void)fd_close(other);
	remove_directory();
}
END_TEST

START_TEST(lost_store_and_ledger_in_doubt)
{
	char name[64];
	int fd;

	use_directory(name);
	use_permanent();
	(void)lives_ask(&lives, MIB, 1, &fd);
	lives.boot_id = "another";
	lose_store();
	expect_all_quarantined("ledger.refused");
	lives_restart(&lives);
	expect_all_quarantined("ledger.refused");
	lives.permanent = false; /* what was made anew is in nobody's hands */
	lives_restart(&lives);
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
	(void)fd_close(fd);
	remove_directory();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restore_doubt");
	TCase *tcase = harness_case(suite, "restore_doubt");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, refused_ledger_lends_nothing);
	tcase_add_test(tcase, record_out_of_place_quarantines_the_region);
	tcase_add_test(tcase, region_that_is_not_there_keeps_its_buffers);
	tcase_add_test(tcase, new_memory_of_that_name_is_all_free);
	tcase_add_test(tcase, permanent_memory_is_known_by_its_place);
	tcase_add_test(tcase, lost_store_voids_what_was_made);
	tcase_add_test(tcase, lost_store_quarantines_what_is_permanent);
	tcase_add_test(tcase, lost_store_and_ledger_in_doubt);
	return harness_run(suite);
}
