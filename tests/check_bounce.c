/* SPDX-License-Identifier: MIT */
#include "daemon/bounce.h"

#include <errno.h>
#include <poll.h>

#include "tests/harness.h"
#include "tests/lot.h"

#define MIB (UINT64_C(1) << 20)

static struct worker *worker;
static struct lot lot;
static int result;

static void copied(struct bounce *bounce, int r)
{
	ck_assert_ptr_eq(bounce->data, &lot);
	ck_assert_uint_eq(bounce->buffer->pins, 0);
	result = r;
}

static void before(void)
{
	ck_assert_int_eq(worker_new(&worker), 0);
	lot_init(&lot, 1);
}

static void after(void)
{
	worker = worker_free(worker);
	lot_deinit(&lot);
}

static void run(enum bounce_direction direction, uint64_t offset,
		uint64_t length)
{
	struct pollfd pollfd = {.fd = worker_fd(worker), .events = POLLIN};
	const struct bounce what = {
		.direction = direction,
		.offset_bytes = offset,
		.length_bytes = length,
		.done = copied,
		.data = &lot,
	};
	struct bounce *bounce = bounce_start(worker, lot.buffers[0], &what);

	ck_assert_ptr_nonnull(bounce);
	ck_assert_uint_eq(lot.buffers[0]->pins, 1);
	result = 1;
	while (result > 0) {
		ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
		worker_dispatch(worker);
	}
	ck_assert_ptr_null(bounce_free(bounce));
}

START_TEST(copies_exactly_the_range)
{
	run(BOUNCE_TO_CLIENT, 0, FAKE_GRANULE);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(lot.fake.copied_bytes, FAKE_GRANULE);
	run(BOUNCE_FROM_CLIENT, 100, 1);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(lot.fake.copied_bytes, FAKE_GRANULE + 1);
	ck_assert_uint_eq(lot.fake.n_copied, 2);
}
END_TEST

START_TEST(goes_in_slices)
{
	/* the object says how much it holds; the fake counts and copies not */
	lot.buffers[0]->object->run.size_bytes = 4 * MIB;
	run(BOUNCE_TO_CLIENT, 1, 2 * MIB + 1);
	lot.buffers[0]->object->run.size_bytes = FAKE_GRANULE;
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(lot.fake.n_copied, 3);
	ck_assert_uint_eq(lot.fake.largest_step, BOUNCE_SLICE_BYTES);
}
END_TEST

START_TEST(failure_is_told_and_ends_it)
{
	lot.fake.copy_result = -EFAULT;
	run(BOUNCE_TO_CLIENT, 0, 16);
	ck_assert_int_eq(result, -EFAULT);
	ck_assert_uint_eq(lot.fake.n_copied, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bounce");
	TCase *tcase = harness_case(suite, "bounce");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, copies_exactly_the_range);
	tcase_add_test(tcase, goes_in_slices);
	tcase_add_test(tcase, failure_is_told_and_ends_it);
	return harness_run(suite);
}
