/* SPDX-License-Identifier: MIT */
#include "daemon/attempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/rules.h"
#include "util/clock.h"

/*
 * Single attempts at two regions, of 8M and 4M, in states that the test makes:
 * nothing waits, and nothing changes by itself.
 */

#define MIB (UINT64_C(1) << 20)
#define UID 1000

static struct fake fakes[2];
static struct list regions;
static struct region *large, *small;
static struct accounts accounts;
static struct owner owner;
static struct rules rules;
static const struct credentials who = {.uid = UID, .gid = UID};
static struct choice choice;
static uint64_t next_id;
static struct attempt attempt;
static struct loan *loan;

static void before(void)
{
	next_id = 1;
	rules_init(&rules, "");
	list_init(&regions);
	large = fake_region(&fakes[0], 1, "large", 8 * MIB, true);
	small = fake_region(&fakes[1], 2, "small", 4 * MIB, true);
	list_append(&regions, &large->link);
	list_append(&regions, &small->link);
	for (int i = 0; i < 2; i++)
		fakes[i].memory.guarantees = CONTIG_MSG_CONTIGUOUS;
	accounts_init(&accounts);
	ck_assert_int_eq(owner_init(&owner, &accounts, UID), 0);
	choice = (struct choice){.regions = &regions};
}

static void end_all(struct region *region)
{
	struct buffer *buffer;

	while ((buffer = list_first(&region->buffers, struct buffer,
				    region_link)))
		(void)buffer_free(buffer, BUFFER_LEFT);
}

static void after(void)
{
	loan = loan_free(loan);
	end_all(large);
	end_all(small);
	owner_deinit(&owner);
	(void)region_free(large);
	(void)region_free(small);
	fake_deinit(&fakes[0]);
	fake_deinit(&fakes[1]);
	rules_deinit(&rules);
}

/* Asks for memory that is contiguous, of whichever region. */
static bool try(uint64_t size_bytes, uint32_t count)
{
	const struct want want = {
		.run.size_bytes = size_bytes,
		.run.max_phys = UINT64_MAX,
		.count = count,
		.require = CONTIG_MSG_CONTIGUOUS,
		.who = &who,
	};

	loan = loan_free(loan);
	loan = loan_new(&want, &owner, NULL, NULL);
	ck_assert_ptr_nonnull(loan);
	loan->parked_ms = clock_ms();
	loan->dirt_ticket = UINT64_MAX;
	return attempt_run(&attempt, &choice, loan, &next_id);
}

/* One buffer that takes all of a region. */
static struct buffer *fill(struct region *region)
{
	ck_assert(try(region_size_bytes(region), 1));
	ck_assert_ptr_eq(loan->buffers[0]->region, region);
	return loan->buffers[0];
}

static void expect_no_hope(void)
{
	ck_assert(!attempt.short_of_memory);
	ck_assert(!attempt.dirt);
	ck_assert_uint_eq(attempt.grace_ms, 0);
}

START_TEST(the_next_region_serves)
{
	(void)fill(large);
	ck_assert_uint_eq(next_id, 2);
	(void)fill(small);
	ck_assert_uint_eq(loan->n_lent, 1);
	ck_assert_int_ge(loan->fds[0], 0);
	ck_assert(!try(1, 1));
	ck_assert_uint_eq(loan->n_lent, 0);
	ck_assert(attempt.short_of_memory);
	ck_assert(!attempt.dirt);
	ck_assert_uint_eq(attempt.grace_ms, 0);
}
END_TEST

START_TEST(no_candidate_is_no_failure_of_one)
{
	fakes[0].memory.guarantees = 0;
	fakes[1].memory.guarantees = 0;
	ck_assert(!try(1, 1));
	expect_no_hope();
	ck_assert_ptr_null(attempt.closest);
	attempt_explain(&attempt, loan);
	ck_assert_uint_eq(loan->refusal.reason, CONTIG_MSG_R_GUARANTEE);
}
END_TEST

START_TEST(what_never_fits_is_not_waited_for)
{
	ck_assert(!try(8 * MIB + 1, 1));
	expect_no_hope();
	ck_assert(try(8 * MIB, 1));
}
END_TEST

/* The small region could never serve it, the large one could but for others. */
START_TEST(closest_refusal_is_told)
{
	(void)fill(large);
	ck_assert(!try(4 * MIB + 1, 1));
	ck_assert(attempt.short_of_memory);
	ck_assert_ptr_eq(attempt.closest, large);
	attempt_explain(&attempt, loan);
	ck_assert_uint_eq(loan->refusal.reason, CONTIG_MSG_R_FULL);
	ck_assert_ptr_nonnull(strstr(loan->refusal.text, "'large'"));
}
END_TEST

START_TEST(what_cannot_be_lent_is_no_shortage)
{
	fakes[0].failure = -EMFILE;
	fakes[0].lends_left = 1;
	fakes[1].objects_left = 0;
	ck_assert(!try(MIB, 2));
	expect_no_hope();
	ck_assert_uint_eq(large->n_buffers, 0);
	attempt_explain(&attempt, loan);
	ck_assert_uint_eq(loan->refusal.reason, CONTIG_MSG_R_BACKEND);
}
END_TEST

/* What began to drain is waited for as long as its grace lasts, and as the
 * request's does. */
START_TEST(draining_has_its_grace)
{
	uint64_t now = clock_ms();

	buffer_drain(fill(large), now);
	(void)fill(small);
	ck_assert(!try(8 * MIB, 1));
	ck_assert(attempt.short_of_memory);
	ck_assert_uint_le(attempt.grace_ms, ATTEMPT_GRACE_MS);
	large->drained_ms = now + 3600000; /* as if it never ended */
	ck_assert(!try(8 * MIB, 1));
	ck_assert_uint_gt(attempt.grace_ms, 0);
	ck_assert_uint_le(attempt.grace_ms, ATTEMPT_GRACE_MAX_MS);
	loan->parked_ms = now - ATTEMPT_GRACE_MAX_MS;
	ck_assert(!attempt_run(&attempt, &choice, loan, &next_id));
	ck_assert_uint_eq(attempt.grace_ms, 0);
	loan->parked_ms = now + 3600000;
	large->drained_ms = now - ATTEMPT_GRACE_MS;
	ck_assert(!attempt_run(&attempt, &choice, loan, &next_id));
	ck_assert_uint_eq(attempt.grace_ms, 0);
	ck_assert(attempt.short_of_memory);
}
END_TEST

/* Half of the region drains, the other half does not. */
START_TEST(draining_is_not_waited_for_where_it_is_too_little)
{
	ck_assert(try(4 * MIB, 2));
	buffer_drain(loan->buffers[0], clock_ms() + 3600000);
	(void)fill(small);
	ck_assert(!try(4 * MIB + 1, 1));
	ck_assert(attempt.short_of_memory);
	ck_assert_uint_eq(attempt.grace_ms, 0);
	ck_assert(!try(4 * MIB, 1));
	ck_assert_uint_gt(attempt.grace_ms, 0);
}
END_TEST

START_TEST(dirt_of_before_is_waited_for)
{
	struct buffer *buffer = fill(large);

	(void)fill(small);
	loan = loan_free(loan);
	(void)buffer_free(buffer, BUFFER_USED);
	ck_assert(!try(MIB, 1));
	ck_assert(attempt.short_of_memory);
	ck_assert(attempt.dirt);
	loan->dirt_ticket = 0; /* it became dirty after that */
	ck_assert(!attempt_run(&attempt, &choice, loan, &next_id));
	ck_assert(!attempt.dirt);
}
END_TEST

static void use_rules(const char *text)
{
	rules_deinit(&rules);
	rules_init(&rules, text);
	choice.policy = &rules.policy;
}

START_TEST(quota_may_come_free)
{
	struct buffer *buffer;

	use_rules("[quota *]\nbytes = 4M\n");
	ck_assert(!try(4 * MIB + 1, 1));
	expect_no_hope();
	ck_assert(try(4 * MIB, 1));
	buffer = loan->buffers[0];
	ck_assert(!try(1, 1));
	ck_assert(attempt.short_of_memory);
	ck_assert_uint_eq(attempt.grace_ms, 0);
	attempt_explain(&attempt, loan);
	ck_assert_uint_eq(loan->refusal.reason, CONTIG_MSG_R_QUOTA);
	ck_assert_uint_eq(loan->refusal.requested_bytes, FAKE_GRANULE);
	ck_assert_uint_eq(loan->refusal.draining_bytes, 0);

	buffer_drain(buffer, clock_ms() + 3600000);
	ck_assert(!try(1, 1));
	ck_assert_uint_gt(attempt.grace_ms, 0);
	attempt_explain(&attempt, loan);
	ck_assert_uint_eq(loan->refusal.draining_bytes, 4 * MIB);
}
END_TEST

/* What is on its way past its guard is charged as long. */
START_TEST(quota_waits_for_what_returns)
{
	struct buffer *buffer;

	use_rules("[quota *]\nbytes = 4M\n");
	ck_assert(try(4 * MIB, 1));
	buffer = loan->buffers[0];
	dirt_await(&large->dirt, buffer->stain);
	ck_assert(!try(1, 1));
	ck_assert(attempt.dirt);
	loan = loan_free(loan);
	(void)buffer_free(buffer, BUFFER_USED);
	ck_assert(try(1, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attempt");
	TCase *tcase = harness_case(suite, "attempt");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, the_next_region_serves);
	tcase_add_test(tcase, no_candidate_is_no_failure_of_one);
	tcase_add_test(tcase, what_never_fits_is_not_waited_for);
	tcase_add_test(tcase, closest_refusal_is_told);
	tcase_add_test(tcase, what_cannot_be_lent_is_no_shortage);
	tcase_add_test(tcase, draining_has_its_grace);
	tcase_add_test(tcase, draining_is_not_waited_for_where_it_is_too_little);
	tcase_add_test(tcase, dirt_of_before_is_waited_for);
	tcase_add_test(tcase, quota_may_come_free);
	tcase_add_test(tcase, quota_waits_for_what_returns);
	return harness_run(suite);
}
