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
	tcase_add_test_raise_signal(tcase, what_is_not_oldest_cannot_be_cleaned,
				    SIGABRT);
	tcase_add_test_raise_signal(tcase, more_than_is_dirty_cannot_be_cleaned,
				    SIGABRT);
	return harness_run(suite);
}
