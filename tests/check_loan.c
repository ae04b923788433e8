/* SPDX-License-Identifier: MIT */
#include "daemon/loan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/fake.h"
#include "tests/harness.h"

#define MIB (UINT64_C(1) << 20)

static struct fake fake;
static struct region *region;
static struct accounts accounts;
static struct owner owner;
static uint64_t next_id;
static struct refusal refusal;
static struct loan_failure failure;

static void before(void)
{
	region = fake_region(&fake, 1, "test", MIB, true);
	accounts_init(&accounts);
	ck_assert_int_eq(owner_init(&owner, &accounts, 0), 0);
	next_id = 1;
}

static void after(void)
{
	owner_deinit(&owner);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions) +
				  region->dirt.bytes,
			  MIB);
	(void)region_free(region);
}

static struct loan *make(uint64_t size_bytes, uint32_t count)
{
	const struct want want = {
		.run.size_bytes = size_bytes,
		.run.max_phys = UINT64_MAX,
		.count = count,
		.name = "frame",
	};
	struct loan *loan = loan_new(&want, &owner, NULL, NULL);

	ck_assert_ptr_nonnull(loan);
	return loan;
}

static int try(struct loan *loan)
{
	int r = loan_try(loan, region, &next_id, &failure);

	if (r)
		loan_explain(loan, region, &failure, &refusal);
	return r;
}

static void expect_nothing_taken(const struct loan *loan)
{
	ck_assert_uint_eq(loan->n_lent, 0);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), MIB);
	ck_assert_uint_eq(region->dirt.bytes, 0);
	ck_assert_uint_eq(region->n_buffers, 0);
	ck_assert_uint_eq(fake.n_objects, 0);
	ck_assert_uint_eq(owner.n_buffers, 0);
	ck_assert_uint_eq(loan->n_fds, 0);
}

START_TEST(all_of_it)
{
	struct loan *loan =
		make(MIB / CONTIG_MSG_MAX_BUFFERS, CONTIG_MSG_MAX_BUFFERS);

	ck_assert_int_eq(try(loan), 0);
	ck_assert_uint_eq(loan->n_lent, CONTIG_MSG_MAX_BUFFERS);
	ck_assert_uint_eq(region->lent_bytes, MIB);
	for (size_t i = 0; i < loan->n_lent; i++) {
		ck_assert_uint_eq(loan->buffers[i]->id, i + 1);
		ck_assert_str_eq(loan->buffers[i]->name, "frame");
		ck_assert_int_ge(fcntl(loan->fds[i], F_GETFD), 0);
	}
	ck_assert_uint_eq(next_id, CONTIG_MSG_MAX_BUFFERS + 1);
	for (size_t i = 0; i < loan->n_lent; i++)
		(void)buffer_free(loan->buffers[i], BUFFER_USED);
	ck_assert_ptr_null(loan_free(loan));
}
END_TEST

START_TEST(one_too_many_is_none)
{
	struct loan *loan = make(MIB / 4 + 1, 4);

	ck_assert_int_eq(try(loan), CONTIG_MSG_R_FULL);
	ck_assert_int_eq(failure.outcome, SPACE_E_FULL);
	ck_assert_uint_eq(refusal.free_bytes, MIB);
	expect_nothing_taken(loan);
	(void)loan_free(loan);
}
END_TEST

START_TEST(object_that_fails_undoes_all)
{
	struct loan *loan = make(4096, 5);

	for (size_t left = 0; left < 5; left++) {
		fake.objects_left = left;
		fake.failure = -EIO;
		ck_assert_int_eq(try(loan), CONTIG_MSG_R_BACKEND);
		ck_assert_int_eq(failure.outcome, 0);
		ck_assert_str_eq(refusal.text,
				 "region 'test': the fake makes no more");
		expect_nothing_taken(loan);
	}
	fake.objects_left = 3;
	fake.failure = -EMFILE;
	ck_assert_int_eq(try(loan), CONTIG_MSG_R_RESOURCE);
	expect_nothing_taken(loan);
	(void)loan_free(loan);
}
END_TEST

START_TEST(descriptor_that_fails_undoes_all)
{
	struct loan *loan = make(4096, 5);

	for (size_t left = 0; left < 5; left++) {
		fake.lends_left = left;
		fake.failure = -EMFILE;
		ck_assert_int_eq(try(loan), CONTIG_MSG_R_RESOURCE);
		ck_assert_ptr_nonnull(strstr(refusal.text, "no descriptor"));
		expect_nothing_taken(loan);
	}
	(void)loan_free(loan);
}
END_TEST

/* Each buffer takes its guard with it; constraints are the buffer's. */
START_TEST(guards_take_room_behind_each)
{
	struct loan *loan = make(65536 - FAKE_GRANULE, 16);
	struct loan *tight = make(65536, 16);

	fake.memory.guard_bytes = FAKE_GRANULE;
	ck_assert_int_eq(try(tight), CONTIG_MSG_R_FULL);
	ck_assert_uint_eq(refusal.requested_bytes, 16 * (65536 + FAKE_GRANULE));
	expect_nothing_taken(tight);
	loan->want.run.boundary_bytes = 65536;
	loan->want.run.max_phys = FAKE_BASE + MIB - FAKE_GRANULE - 1;
	ck_assert_int_eq(try(loan), 0);
	ck_assert_uint_eq(region->lent_bytes, 16 * (65536 - FAKE_GRANULE));
	ck_assert_uint_eq(region->guarding_bytes, 16 * FAKE_GRANULE);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), 0);
	for (size_t i = 0; i < loan->n_lent; i++) {
		ck_assert_uint_eq(buffer_bytes(loan->buffers[i]),
				  65536 - FAKE_GRANULE);
		ck_assert_uint_eq(loan->buffers[i]->object->run.phys % 65536, 0);
		(void)buffer_free(loan->buffers[i], BUFFER_USED);
	}
	(void)loan_free(loan);
	(void)loan_free(tight);
}
END_TEST

/* Nothing was filled yet, so all of it is still clean. */
START_TEST(failure_gives_guards_back)
{
	struct loan *loan = make(4096, 5);

	fake.memory.guard_bytes = FAKE_GRANULE;
	for (size_t left = 0; left < 5; left++) {
		fake.objects_left = left;
		ck_assert_int_eq(try(loan), CONTIG_MSG_R_BACKEND);
		expect_nothing_taken(loan);
		ck_assert_uint_eq(region->guarding_bytes, 0);
	}
	(void)loan_free(loan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loan");
	TCase *tcase = harness_case(suite, "loan");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, all_of_it);
	tcase_add_test(tcase, one_too_many_is_none);
	tcase_add_test(tcase, object_that_fails_undoes_all);
	tcase_add_test(tcase, descriptor_that_fails_undoes_all);
	tcase_add_test(tcase, guards_take_room_behind_each);
	tcase_add_test(tcase, failure_gives_guards_back);
	return harness_run(suite);
}
