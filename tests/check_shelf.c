/* SPDX-License-Identifier: MIT */
#include "daemon/shelf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * One shelf by itself, and a service manager that notes what it is told.
 */

#define N_ITEMS 20

static struct shelf *shelf;
static struct shelf_item items[N_ITEMS];
static int file = -1; /* what every item has */

static char told[256];
static int store_result, proof_result;

static void note(const char *what, const char *name)
{
	size_t used = strlen(told);

	(void)snprintf(told + used, sizeof(told) - used, "%s %s;", what, name);
}

static int store(const char *name, int fd)
{
	ck_assert_int_ge(fd, 0);
	note("store", name);
	return store_result;
}

static int forget(const char *name)
{
	note("forget", name);
	return 0;
}

static int prove(uint64_t limit_ms, struct error *why)
{
	ck_assert_uint_gt(limit_ms, 0);
	note("prove", "it");
	return proof_result ? error_set(why, proof_result, "no room") : 0;
}

static const struct shelf_keeper keeper = {store, forget, prove};

static void before(void)
{
	log_set_level(LOG_LEVEL_ERR);
	told[0] = '\0';
	store_result = proof_result = 0;
	file = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_ge(file, 0);
	for (uint64_t i = 0; i < N_ITEMS; i++)
		shelf_item_init(&items[i], i, file);
	shelf = shelf_new(7);
	ck_assert_ptr_nonnull(shelf);
	ck_assert_int_eq(shelf_queue_init(&shelf->queue), 0);
}

static void after(void)
{
	shelf = shelf_free(shelf);
	file = fd_close(file);
}

/* Puts n items from the first on, each in a message of its own. */
static void put(size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		struct shelf_item *const one[] = {&items[i]};

		ck_assert_int_eq(shelf_put(shelf, one, 1), 0);
	}
}

static void drop(size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		shelf_drop(&items[i]);
}

START_TEST(names_are_read_exactly)
{
	static const char *const strange[] = {
		"shelf-1.c", "shelf-01.a", "shelf-1.ab", "shelf-.a",
		"shelf-1",   "ledger",	   "shelf--1.a", "shelf-4294967296.a",
	};
	unsigned int number;
	char end;

	ck_assert(shelf_read_name("shelf-0.a", &number, &end));
	ck_assert_uint_eq(number, 0);
	ck_assert_int_eq(end, 'a');
	ck_assert(shelf_read_name("shelf-4294967295.b", &number, &end));
	ck_assert_uint_eq(number, UINT32_MAX);
	ck_assert_int_eq(end, 'b');
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
		ck_assert_msg(!shelf_read_name(strange[i], &number, &end), "%s",
			      strange[i]);
}
END_TEST

START_TEST(manager_has_both_ends)
{
	ck_assert_int_eq(shelf_leave(shelf, &keeper), 0);
	ck_assert_str_eq(told, "store shelf-7.a;store shelf-7.b;prove it;");
	told[0] = '\0';
	shelf_give_up(shelf, &keeper);
	ck_assert_str_eq(told, "forget shelf-7.a;forget shelf-7.b;");
}
END_TEST

/* It is put up with, unless it may pass. */
START_TEST(manager_that_keeps_nothing)
{
	proof_result = -ENOSPC;
	ck_assert_int_eq(shelf_leave(shelf, &keeper), 0);
	proof_result = -EMFILE;
	ck_assert_int_eq(shelf_leave(shelf, &keeper), -EMFILE);
	told[0] = '\0';
	store_result = -EPIPE;
	ck_assert_int_eq(shelf_leave(shelf, &keeper), 0);
	ck_assert_str_eq(told, "store shelf-7.a;"); /* there is no proof */
	store_result = -ENOMEM;
	ck_assert_int_eq(shelf_leave(shelf, &keeper), -ENOMEM);
}
END_TEST

START_TEST(items_and_messages_are_counted)
{
	struct shelf_item *const three[] = {&items[0], &items[1], &items[2]};
	struct shelf_batch batch;

	ck_assert_int_eq(shelf_put(shelf, three, 3), 0);
	put(3, 1);
	ck_assert_uint_eq(shelf->n_messages, 2);
	ck_assert_uint_eq(shelf->n_items, 4);
	ck_assert_ptr_eq(items[3].shelf, shelf);
	shelf_drop(&items[1]);
	ck_assert_ptr_null(items[1].shelf);
	ck_assert_uint_eq(shelf->n_messages, 2);
	ck_assert_uint_eq(shelf->n_items, 3);
	ck_assert_uint_eq(shelf->n_garbage, 1);
	ck_assert_int_eq(shelf_queue_peek(&shelf->queue, &batch), 0);
	ck_assert_uint_eq(batch.n, 3); /* it lies there still */
	while (batch.n > 0)
		(void)fd_close(batch.fds[--batch.n]);
}
END_TEST

/* Once more on the same shelf, and then on another. */
START_TEST(item_lies_where_it_was_put_last)
{
	struct shelf_item *const one[] = {&items[0]};
	struct shelf *other = shelf_new(8);

	ck_assert_ptr_nonnull(other);
	ck_assert_int_eq(shelf_queue_init(&other->queue), 0);
	put(0, 1);
	put(0, 1);
	ck_assert_uint_eq(shelf->n_items, 1);
	ck_assert_uint_eq(shelf->n_garbage, 1);
	ck_assert_int_eq(shelf_put(other, one, 1), 0);
	ck_assert_ptr_eq(items[0].shelf, other);
	ck_assert_uint_eq(shelf->n_items, 0);
	ck_assert_uint_eq(shelf->n_garbage, 2);
	ck_assert_uint_eq(other->n_items, 1);
	ck_assert_uint_eq(other->n_garbage, 0);
	ck_assert_ptr_null(shelf_free(other));
	ck_assert_ptr_null(items[0].shelf);
}
END_TEST

/* What is full stays so until something is taken off, and what could not be put
 * lies where it lay. */
START_TEST(full_until_something_is_taken_off)
{
	struct shelf_item *const one[] = {&items[0]};
	struct shelf_item *const last[] = {&items[1]};
	const int small = 1; /* the kernel has a least of its own */
	int r;

	ck_assert_int_eq(setsockopt(shelf->queue.in_fd, SOL_SOCKET, SO_SNDBUF,
				    &small, sizeof(small)),
			 0);
	do
		r = shelf_put(shelf, one, 1);
	while (r == 0);
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_uint_gt(shelf->n_messages, 1);
	ck_assert_uint_eq(shelf->n_garbage, shelf->n_messages - 1);
	ck_assert_ptr_eq(items[0].shelf, shelf);
	ck_assert_int_eq(shelf_put(shelf, last, 1), -EAGAIN);
	ck_assert_ptr_null(items[1].shelf);
	shelf_take_off(shelf, shelf->n_messages - 1);
	ck_assert_uint_eq(shelf->n_messages, 1);
	ck_assert_uint_eq(shelf->n_garbage, 0);
	ck_assert(!shelf->untidy);
	ck_assert_int_eq(shelf_put(shelf, last, 1), 0);
}
END_TEST

START_TEST(what_cannot_be_taken_off_is_untidy)
{
	put(0, 2);
	shelf_take_off(shelf, 3);
	ck_assert_uint_eq(shelf->n_messages, 0);
	ck_assert(shelf->untidy);
	ck_assert(shelf_needs_tidying(shelf));
	shelf_take_off(shelf, 0);
	ck_assert(!shelf->untidy);
}
END_TEST

START_TEST(tidied_when_most_is_garbage)
{
	put(0, 15);
	drop(0, 7);
	ck_assert(!shelf_needs_tidying(shelf)); /* 7 to 8 */
	put(15, 1);
	drop(7, 1);
	ck_assert(!shelf_needs_tidying(shelf)); /* 8 to 8 */
	drop(8, 1);
	ck_assert(shelf_needs_tidying(shelf)); /* 9 to 7 */
	shelf->inherited = true;
	ck_assert(!shelf_needs_tidying(shelf));
}
END_TEST

START_TEST(little_garbage_is_left_alone)
{
	ck_assert(!shelf_needs_tidying(shelf));
	put(0, 8);
	drop(0, 7);
	ck_assert(!shelf_needs_tidying(shelf)); /* 7 to 1 */
	drop(7, 1);
	ck_assert(shelf_needs_tidying(shelf)); /* 8 to none */
	shelf_take_off(shelf, 8);
	ck_assert(!shelf_needs_tidying(shelf));
	put(0, 1);
	drop(0, 1);
	ck_assert(shelf_needs_tidying(shelf)); /* 1 to none */
}
END_TEST

START_TEST(first_items_are_the_oldest)
{
	struct shelf_item *first[N_ITEMS];

	ck_assert_uint_eq(shelf_first_items(shelf, N_ITEMS, first), 0);
	put(0, 4);
	put(0, 1); /* goes behind the others */
	ck_assert_uint_eq(shelf_first_items(shelf, 3, first), 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_ptr_eq(first[i], &items[i + 1]);
	ck_assert_uint_eq(shelf_first_items(shelf, N_ITEMS, first), 4);
	ck_assert_ptr_eq(first[3], &items[0]);
}
END_TEST

START_TEST(inherited_one_takes_nothing)
{
	struct shelf_item *const one[] = {&items[0]};
	struct shelf *heir = shelf_new(7);

	ck_assert_ptr_nonnull(heir);
	ck_assert(!shelf_is_whole(heir));
	shelf_inherit_consume(heir, 'a', dup(shelf->queue.in_fd));
	ck_assert(!shelf_is_whole(heir));
	/* by the same name again: the former is closed */
	shelf_inherit_consume(heir, 'a', dup(shelf->queue.in_fd));
	ck_assert(!shelf_is_whole(heir));
	shelf_inherit_consume(heir, 'b', dup(shelf->queue.out_fd));
	ck_assert(shelf_is_whole(heir));
	ck_assert_int_eq(shelf_put(heir, one, 1), -EAGAIN);
	ck_assert_ptr_null(items[0].shelf);
	heir->inherited = false; /* gone through */
	ck_assert_int_eq(shelf_put(heir, one, 1), 0);
	ck_assert_ptr_null(shelf_free(heir));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shelf");
	TCase *tcase = harness_case(suite, "shelf");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, names_are_read_exactly);
	tcase_add_test(tcase, manager_has_both_ends);
	tcase_add_test(tcase, manager_that_keeps_nothing);
	tcase_add_test(tcase, items_and_messages_are_counted);
	tcase_add_test(tcase, item_lies_where_it_was_put_last);
	tcase_add_test(tcase, full_until_something_is_taken_off);
	tcase_add_test(tcase, what_cannot_be_taken_off_is_untidy);
	tcase_add_test(tcase, tidied_when_most_is_garbage);
	tcase_add_test(tcase, little_garbage_is_left_alone);
	tcase_add_test(tcase, first_items_are_the_oldest);
	tcase_add_test(tcase, inherited_one_takes_nothing);
	return harness_run(suite);
}
