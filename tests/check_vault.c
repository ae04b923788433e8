/* SPDX-License-Identifier: MIT */
#include "daemon/vault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"
#include "util/log.h"

#define BOOT "0b1c8d3e-1111-2222-3333-444455556666"

/* The test is the service manager. */
static struct inheritance kept;
static struct vault *vault;
static struct error why;
static int store_result;

static int store(const char *name, int fd)
{
	if (store_result)
		return store_result;
	ck_assert_int_eq(inheritance_add_consume(&kept, name, dup(fd)), 0);
	return 0;
}

static int forget(const char *name)
{
	int fd;

	while ((fd = inheritance_take(&kept, name)) >= 0)
		(void)fd_close(fd);
	return 0;
}

static int prove(uint64_t limit_ms, struct error *reason)
{
	(void)limit_ms;
	(void)reason;
	return 0;
}

static const struct shelf_keeper keeper = {store, forget, prove};

static int start(const char *boot_id)
{
	const struct vault_spec spec = {.keeper = &keeper, .boot_id = boot_id};
	struct inheritance inheritance;
	int r;

	inheritance_init(&inheritance);
	for (size_t i = 0; i < kept.n; i++)
		ck_assert_int_eq(inheritance_add_consume(&inheritance,
							 kept.items[i].name,
							 dup(kept.items[i].fd)),
				 0);
	r = vault_open(&vault, &inheritance, &spec, &why);
	inheritance_deinit(&inheritance);
	return r;
}

static void restart(void)
{
	vault = vault_free(vault);
	ck_assert_int_eq(start(BOOT), 0);
}

static void before(void)
{
	log_set_level((enum log_level)0);
	inheritance_init(&kept);
	ck_assert_int_eq(start(BOOT), 0);
}

static void after(void)
{
	vault = vault_free(vault);
	inheritance_deinit(&kept);
}

static struct ledger_claim claim_of(uint64_t id)
{
	return (struct ledger_claim){
		.id = id,
		.run = {id << 20, 1 << 20},
		.owner_uid = 1000,
		.region = "r",
		.backend = "devmem",
		.name = "n",
	};
}

static struct vault_entry *claim(uint64_t id)
{
	const struct ledger_claim what = claim_of(id);
	struct vault_entry *entry;

	ck_assert_int_eq(vault_claim(vault, &what, &entry), 0);
	ck_assert_ptr_nonnull(entry);
	return entry;
}

static int new_file(void)
{
	int fd = memfd_create("buffer", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static ino_t inode_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* All steps of lending; the descriptor is the caller's. */
static struct vault_entry *lend(uint64_t id, int *fdp)
{
	struct vault_entry *entry = claim(id);
	struct ledger_object object = {.token = id};

	*fdp = new_file();
	object.inode = inode_of(*fdp);
	ck_assert_int_eq(vault_keep(&entry, fdp, 1), 0);
	vault_lend(entry, &object);
	return entry;
}

static uint32_t state_of(uint64_t id)
{
	const struct ledger_record *record;

	for (size_t at = 0; (record = vault_next(vault, &at)); at++)
		if (record->id == id)
			return record->state;
	return LEDGER_FREE;
}

START_TEST(no_vault_is_no_burden)
{
	const struct ledger_claim what = {.id = 1};
	struct vault_entry *entry = NULL;

	ck_assert_int_eq(vault_claim(NULL, &what, &entry), 0);
	ck_assert_ptr_null(entry);
	vault_lend(entry, &(struct ledger_object){.token = 1});
	vault_note_guard(entry);
	vault_drain(entry);
	ck_assert(vault_clear(entry));
	ck_assert(!vault_has_kept(entry));
	ck_assert_ptr_null(vault_erase(entry));
	ck_assert_uint_eq(vault_first_id(NULL), 1);
	vault_freeze(NULL);
	vault_settle(NULL);
	ck_assert_ptr_null(vault_free(NULL));
}
END_TEST

START_TEST(ledger_is_left_with_the_manager_once)
{
	ck_assert_uint_eq(kept.n, 1);
	ck_assert_str_eq(kept.items[0].name, "ledger");
	restart();
	ck_assert_uint_eq(kept.n, 1);
}
END_TEST

START_TEST(what_was_lent_is_taken_once)
{
	struct vault_entry *entry;
	ino_t inode;
	int fd;

	ck_assert_uint_eq(vault_first_id(vault), 1);
	ck_assert_uint_eq(vault_count(vault), 0);
	vault_drain(lend(1, &fd));
	inode = inode_of(fd);
	(void)fd_close(fd);
	restart();
	ck_assert_uint_gt(vault_first_id(vault), 1);
	ck_assert_uint_eq(vault_count(vault), 1);
	ck_assert_uint_eq(state_of(1), LEDGER_DRAINING);
	entry = vault_take(vault, 1, &fd);
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(inode_of(fd), inode);
	ck_assert_ptr_null(vault_take(vault, 1, &fd));
	vault_put_back_consume(entry, fd);
	ck_assert_ptr_eq(vault_take(vault, 1, &fd), entry);
	vault_settle(vault);
	ck_assert_ptr_null(vault_erase(entry));
	(void)fd_close(fd);
	restart();
	ck_assert_uint_eq(state_of(1), LEDGER_FREE);
	ck_assert_ptr_null(vault_take(vault, 1, &fd));
}
END_TEST

/* Killed after each of the steps. */
START_TEST(each_step_says_what_it_has_reached)
{
	struct vault_entry *entry = claim(1);
	int fd, found;

	restart();
	ck_assert_uint_eq(state_of(1), LEDGER_CLAIMED);
	ck_assert_ptr_null(vault_take(vault, 1, &found));

	entry = claim(2);
	fd = new_file();
	ck_assert_int_eq(vault_keep(&entry, &fd, 1), 0);
	(void)fd_close(fd);
	restart();
	ck_assert_uint_eq(state_of(2), LEDGER_CLAIMED);
	ck_assert_ptr_null(vault_take(vault, 2, &found));

	(void)lend(3, &fd);
	(void)fd_close(fd);
	restart();
	ck_assert_uint_eq(state_of(3), LEDGER_LENT);
	ck_assert_ptr_nonnull(vault_take(vault, 3, &found));
	(void)fd_close(found);
}
END_TEST

static size_t count_messages(void)
{
	const struct shelf *shelf;
	size_t n = 0;

	list_for_each (shelf, &vault->shelves.all, link)
		n += shelf->n_messages;
	return n;
}

static uint64_t shelf_id_of(uint64_t id)
{
	const struct ledger_record *record;

	for (size_t at = 0; (record = vault_next(vault, &at)); at++)
		if (record->id == id)
			return record->shelf_id;
	return 0;
}

/* The same descriptor for one buffer after the other, which is sent once. */
START_TEST(descriptor_is_kept_for_the_next_buffer)
{
	struct ledger_claim what;
	struct vault_entry *entry;
	int fd, found;

	entry = lend(1, &fd);
	for (uint64_t id = 2; id < 100; id++) {
		what = claim_of(id);
		ck_assert(vault_has_kept(entry));
		ck_assert(vault_clear(entry));
		ck_assert_uint_eq(vault_count(vault), 0);
		ck_assert_int_eq(vault_claim_again(entry, &what), 0);
		ck_assert(vault_has_kept(entry));
		vault_lend(entry, &(struct ledger_object){.token = id});
		ck_assert_uint_eq(count_messages(), 1);
	}
	restart();
	ck_assert_uint_eq(vault_count(vault), 1);
	ck_assert_uint_eq(shelf_id_of(99), 1);
	entry = vault_take(vault, 1, &found);
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(inode_of(found), inode_of(fd));
	/* and for one more, which an earlier daemon sent */
	ck_assert(vault_clear(entry));
	what = claim_of(2000);
	ck_assert_int_eq(vault_claim_again(entry, &what), 0);
	vault_lend(entry, &(struct ledger_object){.token = 2000});
	(void)fd_close(found);
	restart();
	ck_assert_uint_eq(shelf_id_of(2000), 1);
	ck_assert_ptr_nonnull(vault_take(vault, 1, &found));
	ck_assert_uint_eq(inode_of(found), inode_of(fd));
	(void)fd_close(found);
	(void)fd_close(fd);
}
END_TEST

/* Killed after each of the steps of lending it again. */
START_TEST(each_step_of_keeping_says_what_it_has_reached)
{
	const struct ledger_claim what[] = {claim_of(3), claim_of(5)};
	struct vault_entry *entry;
	int fd, found;

	entry = lend(1, &fd);
	ck_assert(vault_clear(entry));
	restart();
	ck_assert_uint_eq(vault_count(vault), 0);
	ck_assert_ptr_null(vault_take(vault, 1, &found));
	ck_assert_uint_eq(count_messages(), 0);
	(void)fd_close(fd);

	entry = lend(2, &fd);
	ck_assert(vault_clear(entry));
	ck_assert_int_eq(vault_claim_again(entry, &what[0]), 0);
	restart();
	ck_assert_uint_eq(state_of(3), LEDGER_CLAIMED);
	ck_assert_uint_eq(state_of(2), LEDGER_FREE);
	ck_assert_ptr_null(vault_take(vault, 2, &found));
	vault_void(vault, 0);
	(void)fd_close(fd);

	entry = lend(4, &fd);
	ck_assert(vault_clear(entry));
	ck_assert_int_eq(vault_claim_again(entry, &what[1]), 0);
	vault_lend(entry, &(struct ledger_object){.token = 5});
	restart();
	ck_assert_uint_eq(state_of(5), LEDGER_LENT);
	ck_assert_uint_eq(state_of(4), LEDGER_FREE);
	ck_assert_ptr_null(vault_take(vault, 5, &found));
	ck_assert_ptr_nonnull(vault_take(vault, 4, &found));
	ck_assert_uint_eq(inode_of(found), inode_of(fd));
	(void)fd_close(found);
	(void)fd_close(fd);
}
END_TEST

START_TEST(cleared_entry_is_dropped_like_any_other)
{
	struct vault_entry *entry;
	int fd;

	entry = claim(1);
	ck_assert(!vault_has_kept(entry));
	ck_assert(!vault_clear(entry)); /* it lies nowhere */
	ck_assert_uint_eq(state_of(1), LEDGER_CLAIMED);
	ck_assert_ptr_null(vault_erase(entry));
	entry = lend(2, &fd);
	ck_assert(vault_clear(entry));
	ck_assert_ptr_null(vault_erase(entry));
	ck_assert_uint_eq(vault_count(vault), 0);
	ck_assert_uint_eq(count_messages(), 0);
	(void)fd_close(fd);
}
END_TEST

START_TEST(frozen_vault_keeps_everything)
{
	struct vault_entry *entry;
	int fd, found;

	entry = lend(1, &fd);
	vault_freeze(vault);
	vault_drain(entry);
	vault_note_guard(entry);
	ck_assert(vault_clear(entry));
	ck_assert_ptr_null(vault_erase(entry));
	(void)fd_close(fd);
	restart();
	ck_assert_uint_eq(state_of(1), LEDGER_LENT);
	ck_assert_ptr_nonnull(vault_take(vault, 1, &found));
	(void)fd_close(found);
}
END_TEST

START_TEST(many_are_kept_in_one_go)
{
	struct vault_entry *entries[64];
	int fds[64], found;

	for (uint64_t i = 0; i < 64; i++) {
		entries[i] = claim(i + 1);
		fds[i] = new_file();
	}
	ck_assert_int_eq(vault_keep(entries, fds, 64), 0);
	for (uint64_t i = 0; i < 64; i++) {
		vault_lend(entries[i], &(struct ledger_object){.token = i});
		(void)fd_close(fds[i]);
	}
	ck_assert_uint_eq(kept.n, 3);
	restart();
	for (uint64_t i = 0; i < 64; i++) {
		ck_assert_ptr_nonnull(vault_take(vault, i + 1, &found));
		(void)fd_close(found);
	}
}
END_TEST

/* They lie there until somebody takes them: nobody may today. */
START_TEST(what_nobody_takes_stays)
{
	int fd, found;

	(void)lend(1, &fd);
	(void)fd_close(fd);
	for (int i = 0; i < 3; i++) {
		restart();
		vault_settle(vault);
	}
	restart();
	ck_assert_ptr_nonnull(vault_take(vault, 1, &found));
	(void)fd_close(found);
}
END_TEST

START_TEST(lost_shelves_leave_records)
{
	int fd, found;

	(void)lend(1, &fd);
	(void)fd_close(fd);
	(void)forget("shelf-0.a");
	(void)forget("shelf-0.b");
	restart();
	ck_assert_uint_eq(state_of(1), LEDGER_LENT);
	ck_assert_ptr_null(vault_take(vault, 1, &found));
	vault_quarantine(vault, 0);
	restart();
	ck_assert_uint_eq(state_of(1), LEDGER_QUARANTINED);
	vault_void(vault, 0);
	restart();
	ck_assert_uint_eq(state_of(1), LEDGER_FREE);
}
END_TEST

START_TEST(refused_ledger_leaves_shelves_alone)
{
	struct vault_entry *entry;
	size_t place = 0;
	int fd, found;

	(void)lend(1, &fd);
	(void)fd_close(fd);
	for (int i = 0; i < 2; i++) {
		const struct ledger_claim what = {.id = 7};

		vault = vault_free(vault);
		ck_assert_int_eq(start("another boot"), 0);
		ck_assert_int_eq(vault->file.doubt, LEDGER_DOUBTS_ALL);
		ck_assert_ptr_null(vault_next(vault, &place));
		ck_assert_ptr_null(vault_take(vault, 1, &found));
		ck_assert_int_eq(vault_claim(vault, &what, &entry), 0);
		ck_assert_ptr_null(entry);
		vault_settle(vault);
		ck_assert_uint_eq(kept.n, 3);
	}
	restart();
	ck_assert_ptr_nonnull(vault_take(vault, 1, &found));
	(void)fd_close(found);
}
END_TEST

START_TEST(manager_that_refuses_is_an_error)
{
	vault = vault_free(vault);
	(void)forget("ledger");
	store_result = -ECONNREFUSED;
	ck_assert_int_eq(start(BOOT), -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(why.text, "service manager"));
	store_result = 0;
}
END_TEST

START_TEST(what_may_pass_costs_nothing)
{
	int fds[2], found;

	(void)lend(1, &fds[0]);
	(void)lend(2, &fds[1]);
	vault = vault_free(vault);
	store_result = -EMFILE; /* no shelf to which they could be moved */
	ck_assert_int_eq(start(BOOT), -EMFILE);
	ck_assert_ptr_nonnull(strstr(why.text, "what is lent"));
	store_result = 0;
	ck_assert_int_eq(start(BOOT), 0);
	for (uint64_t id = 1; id <= 2; id++) {
		ck_assert_uint_eq(state_of(id), LEDGER_LENT);
		ck_assert_ptr_nonnull(vault_take(vault, id, &found));
		ck_assert_uint_eq(inode_of(found), inode_of(fds[id - 1]));
		(void)fd_close(found);
		(void)fd_close(fds[id - 1]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vault");
	TCase *tcase = harness_case(suite, "vault");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, no_vault_is_no_burden);
	tcase_add_test(tcase, ledger_is_left_with_the_manager_once);
	tcase_add_test(tcase, what_was_lent_is_taken_once);
	tcase_add_test(tcase, each_step_says_what_it_has_reached);
	tcase_add_test(tcase, descriptor_is_kept_for_the_next_buffer);
	tcase_add_test(tcase, each_step_of_keeping_says_what_it_has_reached);
	tcase_add_test(tcase, cleared_entry_is_dropped_like_any_other);
	tcase_add_test(tcase, frozen_vault_keeps_everything);
	tcase_add_test(tcase, many_are_kept_in_one_go);
	tcase_add_test(tcase, what_nobody_takes_stays);
	tcase_add_test(tcase, lost_shelves_leave_records);
	tcase_add_test(tcase, refused_ledger_leaves_shelves_alone);
	tcase_add_test(tcase, manager_that_refuses_is_an_error);
	tcase_add_test(tcase, what_may_pass_costs_nothing);
	return harness_run(suite);
}
