/* SPDX-License-Identifier: MIT */
#include "daemon/bins.h"

#include "daemon/batch.h"
#include "tests/fake.h"
#include "tests/harness.h"

/*
 * Objects are the fake's, which counts them, and have as many pages as the test
 * says.
 */

#define SIZE   UINT64_C(65536)
#define MIB    (UINT64_C(1) << 20)
#define REGION (8 * MIB)
#define LEAST  BINS_LEAST_OBJECTS

static struct fake fake;
static struct region *region;
static struct bins bins;

static void before(void)
{
	region = fake_region(&fake, 1, "test", REGION, true);
	bins_init(&bins);
}

static void after(void)
{
	bins_deinit(&bins);
	ck_assert_uint_eq(fake.n_objects, 0);
	ck_assert_uint_eq(region->ready_bytes, 0);
	region = region_free(region);
	fake_deinit(&fake);
}

static struct object *new_object(uint64_t ready_bytes)
{
	const struct run run = {FAKE_BASE, FAKE_GRANULE};
	struct object *object;

	ck_assert_int_eq(
		fake.backend.object_new(&fake.memory, &run, "x", &object, NULL),
		0);
	object->memory = &fake.memory;
	object->ready_bytes = ready_bytes;
	return object;
}

/* The bin of that size with so many objects, of which each has all its pages. */
static struct bin *fill(uint64_t size_bytes, size_t n)
{
	struct bin *bin = bins_get(&bins, region, size_bytes);

	ck_assert_ptr_nonnull(bin);
	while (n-- > 0)
		bins_put_consume(&bins, bin, new_object(size_bytes));
	return bin;
}

static void claim(uint64_t offset, uint64_t size_bytes)
{
	const struct run run = {FAKE_BASE + offset, size_bytes};

	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
}

/* Somebody asks so often, and gives back at once what there was. */
static size_t take(struct bin *bin, size_t n)
{
	size_t n_got = 0;

	while (n-- > 0) {
		struct object *object = bins_take(&bins, bin);

		if (object)
			fake.backend.object_free(object);
		n_got += object != NULL;
	}
	return n_got;
}

START_TEST(one_bin_a_size_and_region)
{
	struct region other = {.id = 2};
	struct bin *bin = fill(SIZE, 0);

	ck_assert_ptr_eq(fill(SIZE, 0), bin);
	ck_assert_ptr_ne(fill(SIZE * 2, 0), bin);
	ck_assert_ptr_ne(bins_get(&bins, &other, SIZE), bin);
	ck_assert_uint_eq(bins.n, 3);
}
END_TEST

START_TEST(all_is_counted)
{
	struct bin *bin = fill(SIZE, 2);
	struct object *object;

	bins_put_consume(&bins, bin, new_object(0));
	ck_assert_uint_eq(bin->n_objects, 3);
	ck_assert_uint_eq(bins.n_objects, 3);
	ck_assert_uint_eq(bins.ready_bytes, 2 * SIZE);
	ck_assert_uint_eq(region->ready_bytes, 2 * SIZE);
	ck_assert_uint_eq(take(bin, 2), 2);
	ck_assert_uint_eq(region->ready_bytes, 0);
	object = bins_take(&bins, bin);
	ck_assert_uint_eq(object->ready_bytes, 0); /* those come last */
	fake.backend.object_free(object);
	ck_assert_ptr_null(bins_take(&bins, bin));
}
END_TEST

START_TEST(as_many_are_wanted_as_were_taken)
{
	struct bin *bin = fill(SIZE, 0);

	ck_assert_ptr_null(bins_find_short(&bins));
	(void)take(bin, 1);
	ck_assert_ptr_eq(bins_find_short(&bins), bin);
	ck_assert_uint_eq(bin->target, LEAST);
	(void)take(bin, LEAST);
	ck_assert_uint_eq(bin->target, LEAST + 1);
	(void)take(bin, BINS_OBJECTS);
	ck_assert_uint_eq(bin->target, BINS_OBJECTS);
	bin = fill(BINS_LEAST_BYTES, 0);
	(void)take(bin, 1);
	ck_assert_uint_eq(bin->target, 1); /* so large that one is enough */
	ck_assert_ptr_eq(bins_find_short(&bins), bin);
}
END_TEST

/* The first of a size is nobody's fault. */
START_TEST(who_found_none_is_remembered)
{
	struct bin *bin = fill(SIZE, 0);

	(void)take(bin, 1);
	ck_assert(!bin->missed);
	(void)take(bin, 1);
	ck_assert(bin->missed);
}
END_TEST

START_TEST(a_quarter_is_low)
{
	struct bin *bin = fill(SIZE, 2);

	bin->target = 8;
	ck_assert(bin_is_low(bin));
	(void)fill(SIZE, 1);
	ck_assert(!bin_is_low(bin));
}
END_TEST

START_TEST(the_oldest_size_gives_way)
{
	struct bin *made = fill(SIZE, 1), *second = fill(2 * SIZE, 1);

	for (uint64_t i = 3; i <= BINS_SIZES; i++)
		(void)take(fill(i * SIZE, 0), 1);
	(void)take(second, 1);
	(void)take(made, 1);
	(void)take(second, 1);
	(void)fill(SIZE, 1);
	ck_assert_uint_eq(bins.n, BINS_SIZES);
	(void)fill(MIB, 0); /* in place of the third */
	ck_assert_uint_eq(bins.n, BINS_SIZES);
	ck_assert_ptr_eq(fill(SIZE, 0), made);
	ck_assert_uint_eq(bins.n_doomed, 0);
}
END_TEST

START_TEST(what_is_being_made_stays)
{
	struct bin *made = fill(SIZE, 1);

	made->is_made = true;
	for (uint64_t i = 2; i <= BINS_SIZES + 1; i++)
		(void)fill(i * SIZE, 1);
	ck_assert_uint_eq(bins.n, BINS_SIZES);
	ck_assert_ptr_eq(fill(SIZE, 0), made);
	ck_assert_uint_eq(bins.n_doomed, 1); /* of the second */
	bins_end_period(&bins);
	ck_assert_uint_eq(bins.n, 1);
	ck_assert_uint_eq(made->n_objects, 0);
	made->is_made = false;
	bins_end_period(&bins);
	ck_assert_uint_eq(bins.n, 0);
}
END_TEST

START_TEST(a_period_keeps_what_it_needed)
{
	struct bin *bin = fill(SIZE, 2 * LEAST);

	(void)take(bin, LEAST + 1);
	(void)fill(SIZE, LEAST + 1);
	bins_end_period(&bins);
	ck_assert_uint_eq(bin->n_objects, LEAST + 1);
	ck_assert_uint_eq(bins.n_doomed, LEAST - 1);
	bins_end_period(&bins);
	ck_assert_uint_eq(bins.n, 0);
	ck_assert_uint_eq(bins.n_doomed, 2 * LEAST);
	ck_assert_uint_eq(bins.doomed_bytes, 2 * LEAST * SIZE);
}
END_TEST

/* Of the one asked for longest ago, and no more than there has to be. */
START_TEST(ready_and_lent_stay_within_the_region)
{
	struct bin *older = fill(2 * SIZE, 2), *newer = fill(SIZE, 3);

	(void)take(older, 1);
	(void)take(newer, 1);
	claim(0, REGION - 4 * SIZE);
	bins_keep_within(&bins, region);
	ck_assert_uint_eq(bins.n_doomed, 0);
	claim(REGION - FAKE_GRANULE, FAKE_GRANULE);
	bins_keep_within(&bins, region);
	ck_assert_uint_eq(bins.n_doomed, 1);
	ck_assert_uint_eq(older->n_objects, 0);
	ck_assert_uint_eq(newer->n_objects, 2);
}
END_TEST

START_TEST(remains_are_freed_beyond_a_limit)
{
	const size_t n = BINS_REMAINS_BYTES / BATCH_SLICE_BYTES;

	claim(0, REGION);
	for (size_t i = 0; i < n; i++)
		bins_doom_consume(&bins, new_object(BATCH_SLICE_BYTES));
	bins_free_remains(&bins, region);
	ck_assert_uint_eq(bins.n_doomed, n);
	bins_doom_consume(&bins, new_object(1));
	bins_free_remains(&bins, region);
	ck_assert_uint_eq(bins.n_doomed, n);
	ck_assert_uint_eq(bins.doomed_bytes, (n - 1) * BATCH_SLICE_BYTES + 1);
	/* what is large takes too long */
	bins_doom_consume(&bins, new_object(BATCH_SLICE_BYTES + 1));
	bins_free_remains(&bins, region);
	ck_assert_uint_le(bins.doomed_bytes, BINS_REMAINS_BYTES);
	ck_assert_uint_eq(fake.n_objects, bins.n_doomed);
}
END_TEST

START_TEST(what_is_doomed_is_handed_over)
{
	struct list doomed = LIST_INIT(doomed);
	struct object *object;

	bins_doom_consume(&bins, new_object(SIZE));
	bins_doom_consume(&bins, new_object(0));
	bins_give_doomed(&bins, &doomed);
	ck_assert_uint_eq(bins.n_doomed, 0);
	ck_assert_uint_eq(bins.doomed_bytes, 0);
	while ((object = list_first(&doomed, struct object, link))) {
		list_remove(&object->link);
		fake.backend.object_free(object);
	}
}
END_TEST

START_TEST(all_can_be_given_up)
{
	struct bin *bin = fill(SIZE, 3);

	(void)take(bin, 1);
	bins_doom_consume(&bins, new_object(SIZE));
	bins_empty(&bins);
	ck_assert_uint_eq(fake.n_objects, 0);
	ck_assert_uint_eq(bins.n_objects, 0);
	ck_assert_ptr_null(bins_find_short(&bins));
	ck_assert_ptr_eq(fill(SIZE, 0), bin); /* of use again */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bins");
	TCase *tcase = harness_case(suite, "bins");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, one_bin_a_size_and_region);
	tcase_add_test(tcase, all_is_counted);
	tcase_add_test(tcase, as_many_are_wanted_as_were_taken);
	tcase_add_test(tcase, who_found_none_is_remembered);
	tcase_add_test(tcase, a_quarter_is_low);
	tcase_add_test(tcase, the_oldest_size_gives_way);
	tcase_add_test(tcase, what_is_being_made_stays);
	tcase_add_test(tcase, a_period_keeps_what_it_needed);
	tcase_add_test(tcase, ready_and_lent_stay_within_the_region);
	tcase_add_test(tcase, remains_are_freed_beyond_a_limit);
	tcase_add_test(tcase, what_is_doomed_is_handed_over);
	tcase_add_test(tcase, all_can_be_given_up);
	return harness_run(suite);
}
