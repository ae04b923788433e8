/* SPDX-License-Identifier: MIT */
#include "daemon/buffer.h"

#include <errno.h>
#include <signal.h>

#include "tests/fake.h"
#include "tests/harness.h"

#define MIB (UINT64_C(1) << 20)

static struct fake fake;
static struct accounts accounts;
static struct owner owner;
static struct region *region;

static void before(void)
{
	region = fake_region(&fake, 1, "test", MIB, true);
	accounts_init(&accounts);
	ck_assert_int_eq(owner_init(&owner, &accounts, 1000), 0);
}

static void after(void)
{
	owner_deinit(&owner);
	ck_assert_ptr_null(account_find(&accounts, 1000));
	(void)region_free(region);
	fake_deinit(&fake);
}

static struct buffer *make(uint64_t size_bytes)
{
	const struct space_request request = {
		.size_bytes = size_bytes,
		.max_phys = UINT64_MAX,
	};
	const struct buffer_spec spec = {
		.id = 17,
		.name = "camera",
		.region = region,
		.owner = &owner,
	};
	struct buffer *buffer;
	struct run run;

	ck_assert_int_eq(partitions_alloc(&region->partitions, NULL, &request,
					  &run, NULL),
			 0);
	ck_assert_int_eq(buffer_new_consume(&buffer, &spec, &run, NULL), 0);
	return buffer;
}

START_TEST(charges_follow_the_buffer)
{
	struct buffer *buffer = make(64 * 1024);
	const struct account *account = account_find(&accounts, 1000);

	ck_assert_uint_eq(buffer->id, 17);
	ck_assert_str_eq(buffer->name, "camera");
	ck_assert_uint_eq(buffer_bytes(buffer), 64 * 1024);
	ck_assert_uint_eq(buffer_owner_uid(buffer), 1000);
	ck_assert_int_eq(buffer->state, BUFFER_LENT);
	ck_assert_uint_eq(region->lent_bytes, 64 * 1024);
	ck_assert_uint_eq(region->n_buffers, 1);
	ck_assert_uint_eq(owner.n_buffers, 1);
	ck_assert_uint_eq(owner.bytes, 64 * 1024);
	ck_assert_uint_eq(account->n_clients, 1);
	ck_assert_uint_eq(account->n_buffers, 1);
	ck_assert_uint_eq(account->bytes, 64 * 1024);

	(void)buffer_free(buffer, BUFFER_USED);
	ck_assert_uint_eq(region->lent_bytes, 0);
	ck_assert_uint_eq(region->n_buffers, 0);
	ck_assert_uint_eq(owner.n_buffers, 0);
	ck_assert_uint_eq(owner.bytes, 0);
	ck_assert_uint_eq(account->bytes, 0);
	ck_assert_uint_eq(fake.n_objects, 0);
}
END_TEST

START_TEST(used_is_dirty_and_untouched_is_clean)
{
	struct buffer *used = make(4096);
	struct buffer *untouched = make(8192);

	(void)buffer_free(untouched, BUFFER_UNTOUCHED);
	ck_assert_uint_eq(region->dirt.bytes, 0);
	(void)buffer_free(used, BUFFER_USED);
	ck_assert_uint_eq(region->dirt.bytes, 4096);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions),
			  MIB - 4096);
}
END_TEST

/* The guard comes from the region and goes back to it, dirty once it was
 * filled; nobody is charged for it. */
START_TEST(guard_is_taken_and_not_charged)
{
	struct buffer *buffer, *filled;

	fake.memory.guard_bytes = 8192;
	buffer = make(4096 + 8192); /* what the space gives with its tail */
	ck_assert_uint_eq(buffer_bytes(buffer), 4096);
	ck_assert_uint_eq(buffer->object->guard_bytes, 8192);
	ck_assert_uint_eq(region->lent_bytes, 4096);
	ck_assert_uint_eq(region->guarding_bytes, 8192);
	ck_assert_uint_eq(owner.bytes, 4096);
	ck_assert_uint_eq(account_find(&accounts, 1000)->bytes, 4096);
	buffer_drain(buffer, 0);
	ck_assert_uint_eq(region->draining_bytes, 4096);
	ck_assert_uint_eq(region->guarding_bytes, 8192);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions),
			  MIB - 12288);

	filled = make(4096 + 8192);
	filled->guard_filled = true;
	ck_assert_uint_eq(region->guarding_bytes, 2 * 8192);
	(void)buffer_free(buffer, BUFFER_UNTOUCHED);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions),
			  MIB - 12288);
	(void)buffer_free(filled, BUFFER_UNTOUCHED);
	ck_assert_uint_eq(region->guarding_bytes, 0);
	ck_assert_uint_eq(region->dirt.bytes, 12288);
}
END_TEST

START_TEST(drained_keeps_its_owner)
{
	struct buffer *buffer = make(4096);

	buffer_drain(buffer, 5);
	ck_assert_int_eq(buffer->state, BUFFER_DRAINING);
	ck_assert_uint_eq(region->lent_bytes, 0);
	ck_assert_uint_eq(region->draining_bytes, 4096);
	ck_assert_uint_eq(region->drained_ms, 5);
	ck_assert_ptr_eq(buffer->owner, &owner);
	buffer_drain(buffer, 9);
	ck_assert_uint_eq(region->draining_bytes, 4096);
	ck_assert_uint_eq(region->drained_ms, 5);
	(void)buffer_free(buffer, BUFFER_USED);
	ck_assert_uint_eq(region->draining_bytes, 0);
}
END_TEST

START_TEST(orphan_stays_charged_to_its_uid)
{
	struct buffer *buffer = make(4096);

	buffer_orphan(buffer, 5);
	ck_assert_ptr_null(buffer->owner);
	ck_assert_uint_eq(owner.n_buffers, 0);
	ck_assert_int_eq(buffer->state, BUFFER_DRAINING);
	owner_deinit(&owner);
	ck_assert_uint_eq(account_find(&accounts, 1000)->bytes, 4096);
	ck_assert_uint_eq(account_find(&accounts, 1000)->n_clients, 0);
	(void)buffer_free(buffer, BUFFER_USED);
	ck_assert_ptr_null(account_find(&accounts, 1000));
	ck_assert_int_eq(owner_init(&owner, &accounts, 1000), 0);
}
END_TEST

START_TEST(failed_object_leaves_the_run)
{
	const struct run run = {FAKE_BASE, 4096};
	const struct buffer_spec spec = {
		.name = "",
		.region = region,
		.owner = &owner,
	};
	struct error why = ERROR_INIT;
	struct buffer *buffer = NULL;

	fake.objects_left = 0;
	fake.failure = -EMFILE;
	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
	ck_assert_int_eq(buffer_new_consume(&buffer, &spec, &run, &why),
			 -EMFILE);
	ck_assert_ptr_null(buffer);
	ck_assert_str_eq(why.text, "the fake makes no more");
	ck_assert_uint_eq(owner.n_buffers, 0);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions),
			  MIB - 4096);
	region_give_back(region, &run);
}
END_TEST

START_TEST(pinned_buffer_cannot_end)
{
	struct buffer *buffer = make(4096);

	buffer->pins = 1;
	(void)buffer_free(buffer, BUFFER_USED);
}
END_TEST

/* Pages of its own are given back at once where they are few, and by the worker
 * where they are many: until then the object stays. */
START_TEST(large_objects_are_emptied_later)
{
	struct buffer *small, *large;

	fake_can_discard(&fake);
	small = make(BUFFER_DISCARD_BYTES);
	large = make(BUFFER_DISCARD_BYTES + FAKE_GRANULE);
	(void)buffer_free(small, BUFFER_USED);
	ck_assert_uint_eq(fake.n_objects, 1);
	ck_assert_uint_eq(fake.discarded_bytes, BUFFER_DISCARD_BYTES);
	(void)buffer_free(large, BUFFER_USED);
	ck_assert_uint_eq(fake.n_objects, 1); /* the region ends it */
	ck_assert_uint_eq(fake.discarded_bytes, BUFFER_DISCARD_BYTES);

	/* nobody got any, or somebody still has them */
	(void)buffer_free(make(4096), BUFFER_UNTOUCHED);
	(void)buffer_free(make(4096), BUFFER_LEFT);
	ck_assert_uint_eq(fake.n_objects, 1);
	ck_assert_uint_eq(fake.discarded_bytes, BUFFER_DISCARD_BYTES);
	ck_assert_uint_eq(region->dirt.bytes,
			  2 * BUFFER_DISCARD_BYTES + FAKE_GRANULE + 4096);
}
END_TEST

START_TEST(owner_cannot_end_before_its_buffers)
{
	(void)make(4096);
	owner_deinit(&owner);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tcase = harness_case(suite, "buffer");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, charges_follow_the_buffer);
	tcase_add_test(tcase, used_is_dirty_and_untouched_is_clean);
	tcase_add_test(tcase, large_objects_are_emptied_later);
	tcase_add_test(tcase, guard_is_taken_and_not_charged);
	tcase_add_test(tcase, drained_keeps_its_owner);
	tcase_add_test(tcase, orphan_stays_charged_to_its_uid);
	tcase_add_test(tcase, failed_object_leaves_the_run);
	tcase_add_test_raise_signal(tcase, pinned_buffer_cannot_end, SIGABRT);
	tcase_add_test_raise_signal(tcase, owner_cannot_end_before_its_buffers,
				    SIGABRT);
	return harness_run(suite);
}
