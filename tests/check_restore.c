/* SPDX-License-Identifier: MIT */
#include "daemon/restore.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/lives.h"
#include "tests/logged.h"
#include "util/fd.h"

/*
 * What the vault and the memory say of each other is right: every buffer comes
 * back as it was, or it is known why not.
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

START_TEST(what_is_lent_goes_on)
{
	const struct account *account;
	struct buffer *buffer;
	struct object was;
	uint64_t id;
	int fd;

	id = lives_ask(&lives, MIB + 1, 1, &fd);
	was = *lives_find(&lives, id)->object;
	ck_assert_uint_eq(was.references, 2);
	ck_assert_int_eq(pwrite(fd, "frame", 5, 100), 5);
	for (int life = 0; life < 3; life++) {
		char text[5];

		lives_restart(&lives);
		buffer = lives_find(&lives, id);
		ck_assert_ptr_nonnull(buffer);
		ck_assert_ptr_eq(registry_find_inode(&lives.lender->registry,
						     was.device, was.inode),
				 buffer);
		ck_assert_str_eq(buffer->name, "frame");
		ck_assert_int_eq(buffer->state, BUFFER_LENT);
		ck_assert_ptr_null(buffer->owner);
		ck_assert_uint_eq(buffer->object->run.phys, was.run.phys);
		ck_assert_uint_eq(buffer_bytes(buffer), MIB + LIVES_GRANULE);
		ck_assert_uint_eq(buffer->object->token, was.token);
		ck_assert_uint_eq(buffer->object->references, 2);
		account = account_find(&lives.lender->accounts, 1000);
		ck_assert_uint_eq(account->n_buffers, 1);
		ck_assert_uint_eq(account->bytes, MIB + LIVES_GRANULE);
		ck_assert_uint_eq(lives.region->lent_bytes, MIB + LIVES_GRANULE);
		ck_assert_uint_eq(region_free_bytes(lives.region),
				  LIVES_SIZE - MIB - LIVES_GRANULE);
		ck_assert_int_eq(pread(fd, text, 5, 100), 5);
		ck_assert_mem_eq(text, "frame", 5);
		ck_assert(logged_has("1M in 1 buffer still lent, 0B"));
	}
	(void)fd_close(fd);
	lives_wait_for_buffers(&lives, 0);
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
	lives_restart(&lives);
	ck_assert_uint_eq(lives.lender->registry.n_buffers, 0);
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
}
END_TEST

static int retire(struct object *object)
{
	return backend_simulated.object_discard(object, 0,
						object->run.size_bytes);
}

static int renew(struct object *object, const char *name)
{
	(void)name;
	object->token++;
	return 0;
}

static uint64_t shelf_id_of(uint64_t id)
{
	const struct ledger_record *record;

	for (size_t at = 0; (record = vault_next(lives.vault, &at)); at++)
		if (record->id == id)
			return record->shelf_id;
	return 0;
}

/* One object for one buffer after the other, the daemon's, of an earlier daemon
 * and again; what none of them lends at the end of one is nobody's. */
START_TEST(what_is_lent_again_goes_on)
{
	struct object was = {.token = 0}, *object;
	uint64_t first, id;
	int fd;

	lives.permanent_backend.object_retire = retire;
	lives.permanent_backend.object_renew = renew;
	lives.permanent = true;
	lives_restart(&lives);
	first = lives_ask(&lives, MIB, 1, &fd);
	was = *lives_find(&lives, first)->object;
	for (int life = 0; life < 3; life++) {
		for (int i = 0; i < 10; i++) {
			(void)fd_close(fd);
			lives_wait_for_buffers(&lives, 0);
			ck_assert_uint_eq(vault_count(lives.vault), 0);
			ck_assert_uint_eq(lives.lender->kept.n, 1);
			id = lives_ask(&lives, MIB, 1, &fd);
			object = lives_find(&lives, id)->object;
			ck_assert_uint_eq(object->inode, was.inode);
			ck_assert_uint_eq(object->token, ++was.token);
			ck_assert_uint_eq(object->references, 2);
			ck_assert_uint_eq(shelf_id_of(id), first);
		}
		lives_restart(&lives);
		object = lives_find(&lives, id)->object;
		ck_assert_uint_eq(object->inode, was.inode);
		ck_assert_uint_eq(object->token, was.token);
		ck_assert_uint_eq(object->references, 2);
	}
	(void)fd_close(fd);
	lives_wait_for_buffers(&lives, 0);
	ck_assert_uint_eq(lives.lender->kept.n, 1);
	lives_restart(&lives);
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
	id = lives_ask(&lives, MIB, 1, &fd);
	ck_assert_uint_ne(lives_find(&lives, id)->object->inode, was.inode);
	ck_assert_uint_eq(shelf_id_of(id), id);
	(void)fd_close(fd);
}
END_TEST

/* Some of a request are made anew, and some are not. */
START_TEST(half_of_a_request_is_lent_again)
{
	int fds[4];
	uint64_t id;

	lives.permanent_backend.object_retire = retire;
	lives.permanent_backend.object_renew = renew;
	lives.permanent = true;
	lives_restart(&lives);
	(void)lives_ask(&lives, MIB, 2, fds);
	(void)fd_close(fds[0]);
	(void)fd_close(fds[1]);
	lives_wait_for_buffers(&lives, 0);
	ck_assert_uint_eq(lives.lender->kept.n, 2);
	id = lives_ask(&lives, MIB, 4, fds);
	ck_assert_uint_eq(lives.lender->kept.n, 0);
	for (int life = 0; life < 2; life++) {
		for (uint64_t i = 0; i < 4; i++) {
			const struct object *object =
				lives_find(&lives, id + i)->object;

			ck_assert_uint_eq(object->references, 2);
			ck_assert_uint_eq(shelf_id_of(id + i) == id + i, i > 1);
		}
		lives_restart(&lives);
	}
	for (int i = 0; i < 4; i++)
		(void)fd_close(fds[i]);
	lives_wait_for_buffers(&lives, 0);
}
END_TEST

/* The holder may go while no daemon is there to see it. */
START_TEST(what_was_let_go_meanwhile_comes_back)
{
	int fds[2];

	(void)lives_ask(&lives, MIB, 2, fds);
	lives_end(&lives);
	(void)fd_close(fds[0]);
	lives_start(&lives);
	lives_wait_for_buffers(&lives, 1);
	ck_assert_uint_eq(lives.region->lent_bytes, MIB);
	(void)fd_close(fds[1]);
	lives_wait_for_buffers(&lives, 0);
}
END_TEST

START_TEST(draining_goes_on)
{
	struct buffer *buffer;
	uint64_t id;
	int fd;

	id = lives_ask(&lives, MIB, 1, &fd);
	lender_hint(lives.lender, lives_find(&lives, id), true);
	ck_assert_int_eq(lives_find(&lives, id)->state, BUFFER_DRAINING);
	lives_restart(&lives);
	buffer = lives_find(&lives, id);
	ck_assert_int_eq(buffer->state, BUFFER_DRAINING);
	ck_assert_uint_eq(lives.region->draining_bytes, MIB);
	ck_assert_uint_eq(lives.region->lent_bytes, 0);
	lives_restart(&lives);
	ck_assert_int_eq(lives_find(&lives, id)->state, BUFFER_DRAINING);
	(void)fd_close(fd);
	lives_wait_for_buffers(&lives, 0);
	ck_assert_uint_eq(lives.region->draining_bytes, 0);
}
END_TEST

START_TEST(nothing_is_owned_twice)
{
	int fds[64], more[64];
	uint64_t first, second;

	first = lives_ask(&lives, 64 * 1024, 64, fds); /* half of the region */
	lives_restart(&lives);
	second = lives_ask(&lives, 64 * 1024, 64, more);
	ck_assert_uint_ge(second, first + 64);
	for (uint64_t i = 0; i < 64; i++)
		for (uint64_t j = 0; j < 64; j++)
			ck_assert_uint_ne(
				lives_find(&lives, first + i)->object->run.phys,
				lives_find(&lives, second + j)->object->run.phys);
	ck_assert_uint_eq(region_free_bytes(lives.region), 0);
	ck_assert_uint_eq(lives_ask(&lives, 1, 1, fds), 0);
	lives_restart(&lives);
	ck_assert_uint_eq(lives.lender->registry.n_buffers, 128);
	ck_assert_uint_eq(lives_ask(&lives, 1, 1, fds), 0);
	for (int i = 0; i < 64; i++) {
		(void)fd_close(fds[i]);
		(void)fd_close(more[i]);
	}
	lives_wait_for_buffers(&lives, 0);
}
END_TEST

START_TEST(guards_are_remembered)
{
	struct buffer *buffer;
	uint64_t id;
	int fd;

	lives_end(&lives);
	custodian_replace(&lives.custodian, "ledger", -1);
	lives.guard_bytes = 2 * LIVES_GRANULE;
	lives_start(&lives);
	id = lives_ask(&lives, MIB, 1, &fd);
	ck_assert(lives_find(&lives, id)->guard_filled);
	lives.guard_bytes = LIVES_GRANULE; /* the configuration has changed */
	lives_restart(&lives);
	buffer = lives_find(&lives, id);
	ck_assert(buffer->guard_filled);
	ck_assert_uint_eq(buffer_bytes(buffer), MIB);
	ck_assert_uint_eq(buffer->object->guard_bytes, 2 * LIVES_GRANULE);
	ck_assert_uint_eq(lives.region->guarding_bytes, 2 * LIVES_GRANULE);
	(void)fd_close(fd);
	lives_wait_for_buffers(&lives, 0);
	ck_assert_uint_eq(lives.region->damaged_guards, 0);
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
}
END_TEST

/* The descriptor is gone from the store: nobody can tell when it is free. */
START_TEST(without_its_descriptor_it_is_quarantined)
{
	uint64_t id;
	int fd, other;

	id = lives_ask(&lives, MIB, 1, &fd);
	lives_end(&lives);
	custodian_replace(&lives.custodian, "shelf-0.a", -1);
	custodian_replace(&lives.custodian, "shelf-0.b", -1);
	(void)fd_close(fd);
	for (int life = 0; life < 2; life++) {
		lives_start(&lives);
		ck_assert_ptr_null(lives_find(&lives, id));
		ck_assert_uint_eq(lives.region->quarantined_bytes, MIB);
		ck_assert_uint_eq(region_free_bytes(lives.region),
				  LIVES_SIZE - MIB);
		ck_assert_uint_eq(lives_ask(&lives, LIVES_SIZE, 1, &other), 0);
		ck_assert(logged_has("lent as buffer"));
		ck_assert(logged_has("uid 1000, are quarantined"));
		lives_end(&lives);
	}
	lives_start(&lives);
}
END_TEST

START_TEST(wrong_descriptor_is_quarantined)
{
	const struct ledger_record *record;
	size_t place = 0;
	uint64_t id;
	int fd;

	id = lives_ask(&lives, MIB, 1, &fd);
	lives_end(&lives);
	lives_start(&lives);
	record = vault_next(lives.vault, &place);
	/* as if another file had come back */
	((struct ledger_record *)record)->inode++;
	((struct ledger_record *)record)->lent_check = ledger_lent_sum(record);
	lives_restart(&lives);
	ck_assert_ptr_null(lives_find(&lives, id));
	ck_assert_uint_eq(lives.region->quarantined_bytes, MIB);
	ck_assert(logged_has("it is another file"));
	(void)fd_close(fd);
}
END_TEST

START_TEST(what_was_only_claimed_is_free)
{
	const struct ledger_claim claim = {
		.id = lives.lender->next_id,
		.run = {UINT64_C(4) << 30, MIB},
		.flags = LEDGER_MADE_UP,
		.region = "camera",
		.backend = "simulated",
		.name = "",
	};
	struct vault_entry *entry;

	ck_assert_int_eq(vault_claim(lives.vault, &claim, &entry), 0);
	lives_restart(&lives);
	ck_assert_uint_eq(region_free_bytes(lives.region), LIVES_SIZE);
	ck_assert_uint_eq(ledger_count(lives.vault->file.ledger), 0);
}
END_TEST

START_TEST(thousands_are_restored)
{
	static int fds[2048];
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 10000)
		return;
	for (int i = 0; i < 2048; i += 64)
		ck_assert_uint_gt(lives_ask(&lives, LIVES_GRANULE, 64, &fds[i]),
				  0);
	lives_restart(&lives);
	ck_assert_uint_eq(lives.lender->registry.n_buffers, 2048);
	ck_assert_uint_eq(region_free_bytes(lives.region), 0);
	for (int i = 0; i < 2048; i++)
		if (i % 8)
			(void)fd_close(fds[i]);
	lives_wait_for_buffers(&lives, 256);
	lives_restart(&lives);
	ck_assert_uint_eq(lives.lender->registry.n_buffers, 256);
	for (int i = 0; i < 2048; i += 8)
		(void)fd_close(fds[i]);
	lives_wait_for_buffers(&lives, 0);
	ck_assert_uint_eq(ledger_count(lives.vault->file.ledger), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restore");
	TCase *tcase = harness_case(suite, "restore");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, what_is_lent_goes_on);
	tcase_add_test(tcase, what_is_lent_again_goes_on);
	tcase_add_test(tcase, half_of_a_request_is_lent_again);
	tcase_add_test(tcase, what_was_let_go_meanwhile_comes_back);
	tcase_add_test(tcase, draining_goes_on);
	tcase_add_test(tcase, nothing_is_owned_twice);
	tcase_add_test(tcase, guards_are_remembered);
	tcase_add_test(tcase, without_its_descriptor_it_is_quarantined);
	tcase_add_test(tcase, wrong_descriptor_is_quarantined);
	tcase_add_test(tcase, what_was_only_claimed_is_free);
	tcase_add_test(tcase, thousands_are_restored);
	return harness_run(suite);
}
