/* SPDX-License-Identifier: MIT */
#include "daemon/dirt.h"

#include <signal.h>
#include <stdlib.h>

#include "tests/harness.h"

static uint64_t ticket;

static void add(struct dirt *dirt, uint64_t phys, uint64_t size_bytes)
{
	const struct run run = {phys, size_bytes};

	dirt_add_consume(dirt, stain_new(&run));
}

START_TEST(oldest_comes_first)
{
	struct dirt dirt;
	struct run run;

	dirt_init(&dirt, &ticket);
	ck_assert(!dirt_peek(&dirt, 4096, &run));
	add(&dirt, 0x20000, 0x3000);
	add(&dirt, 0x10000, 0x1000);
	ck_assert_uint_eq(dirt.bytes, 0x4000);

	ck_assert(dirt_peek(&dirt, 0x2000, &run));
	ck_assert_uint_eq(run.phys, 0x20000);
	ck_assert_uint_eq(run.size_bytes, 0x2000);
	dirt_remove(&dirt, &run);
	ck_assert_uint_eq(dirt.bytes, 0x2000);

	ck_assert(dirt_peek(&dirt, 0x2000, &run));
	ck_assert_uint_eq(run.phys, 0x22000);
	ck_assert_uint_eq(run.size_bytes, 0x1000);
	dirt_remove(&dirt, &run);

	ck_assert(dirt_peek(&dirt, UINT64_MAX, &run));
	ck_assert_uint_eq(run.phys, 0x10000);
	dirt_remove(&dirt, &run);
	ck_assert_uint_eq(dirt.bytes, 0);
	ck_assert(!dirt_peek(&dirt, UINT64_MAX, &run));
	dirt_deinit(&dirt);
}
END_TEST

START_TEST(ticket_waits_for_older_only)
{
	struct dirt dirt, other;
	struct run run;
	uint64_t mine;

	dirt_init(&dirt, &ticket);
	dirt_init(&other, &ticket);
	ck_assert(!dirt_waits(&dirt, UINT64_MAX));
	add(&dirt, 0x10000, 0x2000);
	add(&other, 0x10000, 0x1000);
	mine = ticket;
	add(&dirt, 0x20000, 0x1000);
	ck_assert(dirt_waits(&dirt, mine));
	ck_assert(dirt_waits(&other, mine));
	ck_assert(!dirt_waits(&other, mine - 1));

	ck_assert(dirt_peek(&dirt, 0x1000, &run));
	dirt_remove(&dirt, &run);
	ck_assert(dirt_waits(&dirt, mine)); /* half of it */
	ck_assert(dirt_peek(&dirt, 0x1000, &run));
	dirt_remove(&dirt, &run);
	ck_assert(!dirt_waits(&dirt, mine));
	ck_assert(dirt_waits(&dirt, mine + 1));
	dirt_deinit(&dirt);
	dirt_deinit(&other);
}
END_TEST

/* It is waited for before it is there, and after. */
START_TEST(awaited_counts_from_its_announcement)
{
	const struct run runs[] = {{0x10000, 0x1000}, {0x20000, 0x2000}};
	struct stain *first = stain_new(&runs[0]);
	struct stain *second = stain_new(&runs[1]);
	struct dirt dirt;
	struct run run;
	uint64_t mine;

	dirt_init(&dirt, &ticket);
	dirt_await(&dirt, first);
	mine = ticket;
	dirt_await(&dirt, second);
	ck_assert_uint_eq(dirt.awaited_bytes, 0x3000);
	ck_assert_uint_eq(dirt.bytes, 0);
	ck_assert(!dirt_peek(&dirt, UINT64_MAX, &run));
	ck_assert(dirt_waits(&dirt, mine));
	ck_assert(dirt_awaits(&dirt, mine));
	ck_assert(!dirt_waits(&dirt, mine - 1));
	ck_assert(!dirt_awaits(&dirt, mine - 1));

	dirt_add_consume(&dirt, first);
	ck_assert_uint_eq(dirt.awaited_bytes, 0x2000);
	ck_assert_uint_eq(dirt.bytes, 0x1000);
	ck_assert_uint_eq(ticket, mine + 1);
	ck_assert(dirt_waits(&dirt, mine));
	ck_assert(!dirt_awaits(&dirt, mine));
	ck_assert(dirt_awaits(&dirt, mine + 1));
	ck_assert(dirt_peek(&dirt, UINT64_MAX, &run));
	ck_assert_uint_eq(run.phys, 0x10000);
	dirt_remove(&dirt, &run);
	ck_assert(!dirt_waits(&dirt, mine));
	ck_assert(dirt_waits(&dirt, mine + 1));
	dirt_add_consume(&dirt, second);
	ck_assert_uint_eq(dirt.awaited_bytes, 0);
	ck_assert(dirt_waits(&dirt, mine + 1));
	dirt_deinit(&dirt);
}
END_TEST

/* Or who waits for the awaited one would not wait for its zeroing. */
START_TEST(unannounced_shares_the_next_ticket)
{
	const struct run run = {0x10000, 0x1000};
	struct stain *awaited = stain_new(&run);
	struct dirt dirt;
	struct run peeked;

	dirt_init(&dirt, &ticket);
	dirt_await(&dirt, awaited);
	add(&dirt, 0x20000, 0x1000);
	dirt_add_consume(&dirt, awaited);
	ck_assert(!dirt_waits(&dirt, ticket - 1));
	for (int i = 0; i < 2; i++) {
		ck_assert(dirt_waits(&dirt, ticket));
		ck_assert(dirt_peek(&dirt, UINT64_MAX, &peeked));
		dirt_remove(&dirt, &peeked);
	}
	ck_assert(!dirt_waits(&dirt, ticket));
	dirt_deinit(&dirt);
}
END_TEST

START_TEST(awaited_out_of_order)
{
	const struct run run = {0x10000, 0x1000};
	struct stain *first = stain_new(&run), *second = stain_new(&run);
	struct dirt dirt;

	dirt_init(&dirt, &ticket);
	dirt_await(&dirt, first);
	dirt_await(&dirt, second);
	dirt_add_consume(&dirt, second);
}
END_TEST

START_TEST(what_is_not_oldest_cannot_be_cleaned)
{
	const struct run later = {0x20000, 0x1000};
	struct dirt dirt;

	dirt_init(&dirt, &ticket);
	add(&dirt, 0x10000, 0x1000);
	add(&dirt, 0x20000, 0x1000);
	dirt_remove(&dirt, &later);
}
END_TEST

START_TEST(more_than_is_dirty_cannot_be_cleaned)
{
	const struct run longer = {0x10000, 0x2000};
	struct dirt dirt;

	dirt_init(&dirt, &ticket);
	add(&dirt, 0x10000, 0x1000);
	dirt_remove(&dirt, &longer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dirt");
	TCase *tcase = harness_case(suite, "dirt");

	tcase_add_test(tcase, oldest_comes_first);
	tcase_add_test(tcase, ticket_waits_for_older_only);
	tcase_add_test(tcase, awaited_counts_from_its_announcement);
	tcase_add_test(tcase, unannounced_shares_the_next_ticket);
	tcase_add_test_raise_signal(tcase, awaited_out_of_order, SIGABRT);
	tcase_add_test_raise_signal(tcase, what_is_not_oldest_cannot_be_cleaned,
				    SIGABRT);
	tcase_add_test_raise_signal(tcase, more_than_is_dirty_cannot_be_cleaned,
				    SIGABRT);
	return harness_run(suite);
}
