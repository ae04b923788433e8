/* SPDX-License-Identifier: MIT */
#include "daemon/scrubber.h"

#include <errno.h>
#include <poll.h>

#include "daemon/file_pages.h"
#include "tests/fake.h"
#include "tests/harness.h"
#include "util/log.h"

#define MIB (UINT64_C(1) << 20)

static struct worker *worker;
static struct scrubber scrubber;
static struct fake fakes[2];
static int told;

static void cleaned(void *data, struct region *region)
{
	(void)data;
	(void)region;
	told++;
}

static void before(void)
{
	told = 0;
	ck_assert_int_eq(worker_new(&worker), 0);
	scrubber_init(&scrubber, worker, cleaned, NULL);
}

/* The worker's answers, until the region has no dirt left. */
static void wait_until_clean(const struct region *region)
{
	struct pollfd pollfd = {.fd = worker_fd(worker), .events = POLLIN};

	while (region->dirt.bytes > 0) {
		ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
		worker_dispatch(worker);
	}
}

static void end(struct region *region)
{
	if (worker)
		worker = worker_free(worker);
	scrubber_deinit(&scrubber);
	(void)region_free(region);
}

START_TEST(everything_gets_zeroed_in_slices)
{
	struct region *region =
		fake_region(&fakes[0], 1, "a", 9 * MIB + 4096, false);

	ck_assert_int_eq(scrubber_add(&scrubber, region), 0);
	scrubber_kick(&scrubber, region, false);
	scrubber_kick(&scrubber, region, true); /* already under way */
	wait_until_clean(region);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions),
			  9 * MIB + 4096);
	ck_assert_uint_eq(fakes[0].zeroed_bytes, 9 * MIB + 4096);
	ck_assert_uint_eq(fakes[0].largest_step, SCRUB_SLICE_BYTES);
	ck_assert_uint_eq(fakes[0].n_zeroed, 9 * MIB / SCRUB_SLICE_BYTES + 1);
	ck_assert_uint_eq(fakes[0].most_waiting_bytes, 9 * MIB + 4096);
	ck_assert_int_eq(told, 3); /* pieces: 4, 4 and the rest */
	end(region);
}
END_TEST

START_TEST(regions_do_not_wait_for_each_other)
{
	struct region *a = fake_region(&fakes[0], 1, "a", 8 * MIB, false);
	struct region *b = fake_region(&fakes[1], 2, "b", MIB, false);

	ck_assert_int_eq(scrubber_add(&scrubber, a), 0);
	ck_assert_int_eq(scrubber_add(&scrubber, b), 0);
	scrubber_kick(&scrubber, a, false);
	scrubber_kick(&scrubber, b, true);
	wait_until_clean(b);
	wait_until_clean(a);
	worker = worker_free(worker);
	scrubber_deinit(&scrubber);
	(void)region_free(a);
	(void)region_free(b);
}
END_TEST

START_TEST(failure_takes_the_piece_out_of_use)
{
	struct region *region = fake_region(&fakes[0], 1, "a", 2 * MIB, false);

	log_set_level(0);
	fakes[0].zero_result = -EIO;
	ck_assert_int_eq(scrubber_add(&scrubber, region), 0);
	scrubber_kick(&scrubber, region, false);
	wait_until_clean(region);
	ck_assert_uint_eq(region->unusable_bytes, 2 * MIB);
	ck_assert_uint_eq(region_free_bytes(region), 0);
	end(region);
}
END_TEST

/* What is quick needs no other thread, unless something waits before it. */
START_TEST(quick_ones_are_done_at_once)
{
	struct region *region = fake_region(&fakes[0], 1, "a", 2 * MIB, true);
	const struct run small = {FAKE_BASE, 4096};
	const struct run large = {FAKE_BASE + MIB, 8192};

	ck_assert_int_eq(scrubber_add(&scrubber, region), 0);
	ck_assert_int_eq(partitions_claim(&region->partitions, &small), 0);
	ck_assert_int_eq(partitions_claim(&region->partitions, &large), 0);
	region_soil_consume(region, stain_new(&small));
	ck_assert(!scrubber_clean_now(region)); /* nothing is quick */
	fakes[0].backend.quick_zero_bytes = 4096;
	ck_assert(scrubber_clean_now(region));
	ck_assert_uint_eq(fakes[0].zeroed_bytes, 4096);
	ck_assert_uint_eq(fakes[0].most_waiting_bytes, 4096);
	ck_assert_uint_eq(region->dirt.bytes, 0);
	ck_assert(!scrubber_clean_now(region)); /* nothing is dirty */
	ck_assert_int_eq(partitions_claim(&region->partitions, &small), 0);
	region_soil_consume(region, stain_new(&large));
	region_soil_consume(region, stain_new(&small));
	ck_assert(!scrubber_clean_now(region));
	scrubber_kick(&scrubber, region, false);
	ck_assert(!scrubber_clean_now(region));
	wait_until_clean(region);
	ck_assert_uint_eq(partitions_free_bytes(&region->partitions), 2 * MIB);
	end(region);
}
END_TEST

/* An object with pages of its own loses them by huge pages, and ends when
 * the last one is gone. */
START_TEST(objects_are_emptied_in_slices)
{
	struct region *region = fake_region(&fakes[0], 1, "a", 7 * MIB, true);
	const struct run run = {FAKE_BASE + MIB, 5 * MIB + 4096};
	struct stain *stain = stain_new(&run);

	fake_can_discard(&fakes[0]);
	ck_assert_int_eq(scrubber_add(&scrubber, region), 0);
	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
	ck_assert_int_eq(fakes[0].backend.object_new(&fakes[0].memory, &run,
						     "x", &stain->object, NULL),
			 0);
	region_soil_consume(region, stain);
	scrubber_kick(&scrubber, region, false);
	ck_assert_uint_eq(fakes[0].n_objects, 1);
	wait_until_clean(region);
	ck_assert_uint_eq(fakes[0].n_objects, 0);
	ck_assert_uint_eq(fakes[0].discarded_bytes, 5 * MIB + 4096);
	ck_assert_uint_eq(fakes[0].zeroed_bytes, 5 * MIB + 4096);
	ck_assert_uint_eq(fakes[0].largest_step, FILE_PAGES_HUGE_BYTES);
	end(region);
}
END_TEST

START_TEST(nothing_to_do_and_early_end)
{
	struct region *region = fake_region(&fakes[0], 1, "a", MIB, true);
	const struct run run = {FAKE_BASE, MIB};

	ck_assert_int_eq(scrubber_add(&scrubber, region), 0);
	scrubber_kick(&scrubber, region, false);
	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
	region_soil_consume(region, stain_new(&run));
	scrubber_kick(&scrubber, region, false);
	end(region); /* with the job waiting, under way or finished */
	ck_assert_int_eq(told, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scrubber");
	TCase *tcase = harness_case(suite, "scrubber");

	tcase_add_checked_fixture(tcase, before, NULL);
	tcase_add_test(tcase, everything_gets_zeroed_in_slices);
	tcase_add_test(tcase, regions_do_not_wait_for_each_other);
	tcase_add_test(tcase, failure_takes_the_piece_out_of_use);
	tcase_add_test(tcase, quick_ones_are_done_at_once);
	tcase_add_test(tcase, objects_are_emptied_in_slices);
	tcase_add_test(tcase, nothing_to_do_and_early_end);
	return harness_run(suite);
}
