/* SPDX-License-Identifier: MIT */
#include "daemon/stock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/chore.h"
#include "tests/harness.h"
#include "util/fd.h"

/*
 * Memory is simulated, and a table that a test may change says how.
 */

#define BASE	(UINT64_C(1) << 32)
#define GRANULE 4096
#define SIZE	UINT64_C(65536)
#define REGION	(UINT64_C(64) << 20)
#define LEAST	BINS_LEAST_OBJECTS
#define LARGE	(BATCH_SLICE_BYTES * 3)
#define MIB	(UINT64_C(1) << 20)

static struct backend backend;
static struct loop *loop;
static struct stock stock;
static uint64_t ticket;
static struct region *region;
static int prepared;
static int failure;

static int prepare(struct memory *memory, uint64_t size_bytes,
		   struct object **objectp, struct error *why)
{
	prepared++;
	if (failure)
		return error_set(why, failure, "no");
	return backend_simulated.object_prepare(memory, size_bytes, objectp,
						why);
}

static int populate_nothing(struct object *object, uint64_t offset,
			    uint64_t length)
{
	(void)object;
	(void)offset;
	(void)length;
	return -ENOSPC;
}

static struct region *new_region(uint64_t size_bytes)
{
	const struct memory_spec memory_spec = {
		.region = "sim",
		.base = BASE,
		.size_bytes = size_bytes,
		.granule_bytes = GRANULE,
	};
	const struct region_spec spec = {
		.id = 1,
		.name = "sim",
		.granule_bytes = GRANULE,
		.ticketp = &ticket,
	};
	struct region *made;
	struct memory *memory;

	ck_assert_int_eq(backend_simulated.memory_open(NULL, &memory_spec,
						       &memory, NULL),
			 0);
	memory->backend = &backend;
	ck_assert_int_eq(region_new_consume(&made, &spec, memory, NULL), 0);
	return made;
}

static void before(void)
{
	backend = backend_simulated;
	backend.object_prepare = prepare;
	prepared = 0;
	failure = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(stock_init(&stock, loop), 0);
	region = new_region(REGION);
}

static void after(void)
{
	stock_deinit(&stock);
	region = region_free(region);
	loop = loop_free(loop);
}

/* Until nothing is left to be made or freed. */
static void settle(void)
{
	while (stock.timer_set) {
		if (stock.worker)
			chore_await(stock.worker);
		ck_assert_int_eq(loop_turn(loop, true), 0);
	}
	ck_assert(!stock.busy);
}

static struct object *take(uint64_t size_bytes)
{
	return stock_take(&stock, region, size_bytes);
}

static void drop(struct object *object)
{
	ck_assert_ptr_nonnull(object);
	backend.object_free(object);
}

static void claim(uint64_t offset, uint64_t size_bytes)
{
	const struct run run = {BASE + offset, size_bytes};

	ck_assert_int_eq(partitions_claim(&region->partitions, &run), 0);
}

START_TEST(second_time_it_is_there)
{
	struct object *object;
	struct stat st;

	ck_assert_ptr_null(take(SIZE));
	settle();
	object = take(SIZE);
	ck_assert_ptr_nonnull(object);
	ck_assert_ptr_eq(object->memory, region->memory);
	ck_assert_uint_ne(object->token, 0);
	ck_assert_uint_eq(object->ready_bytes, SIZE);
	ck_assert_int_eq(fstat(object->fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, SIZE);
	ck_assert_uint_eq((uint64_t)st.st_blocks * 512, SIZE);
	ck_assert_uint_eq(st.st_ino, object->inode);
	drop(object);
}
END_TEST

/* The first client's open file is there; it counts as every other one. */
START_TEST(it_can_be_lent)
{
	struct object *object;
	int lent, again;

	(void)take(SIZE);
	settle();
	object = take(SIZE);
	object->run = (struct run){BASE, SIZE};
	lent = backend.object_lend(object);
	ck_assert_int_ge(lent, 0);
	ck_assert_int_eq(object->ready_fd, -1);
	again = backend.object_lend(object);
	ck_assert_int_ge(again, 0);
	ck_assert_int_ne(again, lent);
	ck_assert_int_eq(backend.object_held(object), 1);
	(void)fd_close(lent);
	ck_assert_int_eq(backend.object_held(object), 1);
	(void)fd_close(again);
	ck_assert_int_eq(backend.object_held(object), 0);
	drop(object);
}
END_TEST

START_TEST(all_of_it_is_zero_and_there)
{
	struct object *object;
	const char *map;
	unsigned char pages[LARGE / GRANULE];

	(void)take(LARGE);
	settle();
	object = take(LARGE);
	ck_assert_ptr_nonnull(object);
	map = mmap(NULL, LARGE, PROT_READ, MAP_SHARED, object->fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mincore((void *)(uintptr_t)map, LARGE, pages), 0);
	for (size_t i = 0; i < sizeof(pages); i++)
		ck_assert_uint_eq(pages[i] & 1, 1);
	ck_assert(map[0] == 0 && memcmp(map, map + 1, LARGE - 1) == 0);
	(void)munmap((void *)(uintptr_t)map, LARGE);
	drop(object);
}
END_TEST

START_TEST(sizes_and_regions_are_told_apart)
{
	struct region *first = region, *second = new_region(REGION);

	(void)take(SIZE);
	settle();
	ck_assert_ptr_null(take(SIZE * 2));
	region = second;
	ck_assert_ptr_null(take(SIZE));
	settle();
	drop(take(SIZE));
	region = first;
	drop(take(SIZE * 2));
	drop(take(SIZE));
	settle();
	stock_deinit(&stock);
	(void)region_free(second);
	stock.timer = NULL;
}
END_TEST

/* A burst that came once is met the second time. */
START_TEST(as_many_as_were_taken)
{
	const size_t burst = LEAST * 2;

	ck_assert_ptr_null(take(SIZE));
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, LEAST);
	for (size_t i = 0; i < LEAST; i++)
		drop(take(SIZE));
	for (size_t i = LEAST; i < burst; i++)
		ck_assert_ptr_null(take(SIZE));
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, burst);
	for (size_t i = 0; i < burst; i++)
		drop(take(SIZE));
	ck_assert_ptr_null(take(SIZE));
}
END_TEST

/* To wake up the worker costs whoever asks next. */
START_TEST(burst_like_the_last_one_ends_before_it_is_replaced)
{
	(void)take(SIZE);
	settle();
	for (size_t i = 0; i < LEAST; i++) {
		drop(take(SIZE));
		ck_assert(!stock.in_hurry);
	}
	ck_assert(stock.timer_set);
	ck_assert_ptr_null(take(SIZE));
	ck_assert(stock.in_hurry);
}
END_TEST

START_TEST(what_takes_long_is_replaced_before_it_ends)
{
	const size_t burst = 8;

	for (size_t i = 0; i < burst; i++)
		ck_assert_ptr_null(take(LARGE));
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, burst);
	while (stock.bins.n_objects > burst / 4 + 1)
		drop(take(LARGE));
	ck_assert(!stock.in_hurry);
	drop(take(LARGE));
	ck_assert(stock.in_hurry);
}
END_TEST

START_TEST(no_more_than_the_limit_of_a_size)
{
	for (size_t i = 0; i < BINS_OBJECTS + 1; i++)
		ck_assert_ptr_null(take(GRANULE));
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, BINS_OBJECTS);
}
END_TEST

START_TEST(one_of_a_large_size)
{
	ck_assert_ptr_null(take(BINS_LEAST_BYTES));
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, 1);
	ck_assert_ptr_null(take(BINS_LEAST_BYTES / 2));
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, 3);
}
END_TEST

START_TEST(no_more_than_descriptors_allow)
{
	stock_limit_files(&stock, 16 * 3 + 15);
	(void)take(SIZE);
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, 3);
	stock_limit_files(&stock, UINT64_MAX);
	ck_assert_uint_eq(stock.max_objects, STOCK_OBJECTS);
	(void)stock_empty(&stock);
	stock_limit_files(&stock, 15);
	ck_assert_ptr_null(take(SIZE));
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, 0);
}
END_TEST

START_TEST(pages_stay_within_what_is_free)
{
	claim(0, REGION - 3 * SIZE + GRANULE);
	(void)take(SIZE);
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, LEAST);
	ck_assert_uint_eq(region->ready_bytes, 2 * SIZE);
	ck_assert_uint_eq(stock.bins.ready_bytes, 2 * SIZE);
}
END_TEST

START_TEST(pages_go_when_memory_is_lent)
{
	(void)take(SIZE);
	settle();
	ck_assert_uint_eq(region->ready_bytes, LEAST * SIZE);
	claim(0, REGION - 2 * SIZE);
	ck_assert_ptr_null(take(GRANULE)); /* any size */
	ck_assert_uint_eq(region->ready_bytes, 2 * SIZE);
	ck_assert_uint_eq(stock.bins.n_doomed, LEAST - 2);
	claim(REGION - 2 * SIZE, 2 * SIZE);
	drop(take(SIZE));
	ck_assert_uint_eq(region->ready_bytes, 0);
	settle();
	ck_assert_uint_eq(region->ready_bytes, 0); /* without pages now */
	ck_assert_uint_ge(stock.bins.n_objects, 2 * LEAST);
}
END_TEST

START_TEST(pages_stay_within_the_machines_share)
{
	struct object *object;

	stock.max_ready_bytes = 2 * SIZE;
	(void)take(SIZE);
	settle();
	ck_assert_uint_eq(stock.bins.ready_bytes, 2 * SIZE);
	ck_assert_uint_eq(stock.bins.n_objects, LEAST);
	object = take(SIZE);
	ck_assert_uint_eq(object->ready_bytes, SIZE); /* those come first */
	drop(object);
}
END_TEST

START_TEST(it_goes_without_pages)
{
	struct object *object;

	backend.object_populate = populate_nothing;
	(void)take(SIZE);
	settle();
	object = take(SIZE);
	ck_assert_ptr_nonnull(object);
	ck_assert_uint_eq(object->ready_bytes, 0);
	drop(object);
}
END_TEST

/* It is tried again when somebody asks, and not before. */
START_TEST(failing_is_no_error)
{
	failure = -EMFILE;
	ck_assert_ptr_null(take(SIZE));
	settle();
	ck_assert_int_eq(prepared, 1);
	ck_assert_ptr_null(take(SIZE));
	settle();
	ck_assert_int_eq(prepared, 2);
	failure = 0;
	ck_assert_ptr_null(take(SIZE));
	settle();
	drop(take(SIZE));
}
END_TEST

START_TEST(nothing_where_the_backend_cannot)
{
	backend.object_prepare = NULL;
	ck_assert_ptr_null(take(SIZE));
	ck_assert(!stock.timer_set && !stock.period_timer_set);
	ck_assert_uint_eq(stock.bins.n, 0);
}
END_TEST

START_TEST(sizes_are_forgotten)
{
	for (uint64_t i = 1; i <= BINS_SIZES; i++)
		(void)take(i * MIB);
	ck_assert_uint_eq(stock.bins.n, BINS_SIZES);
	(void)take(MIB); /* no more the oldest */
	(void)take(SIZE);
	ck_assert_uint_eq(stock.bins.n, BINS_SIZES);
	settle();
	drop(take(MIB));
	ck_assert_ptr_null(take(2 * MIB));
}
END_TEST

START_TEST(disuse_empties_it)
{
	for (size_t i = 0; i < LEAST * 3; i++)
		(void)take(SIZE);
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, LEAST * 3);
	stock_end_period(&stock);
	settle();
	ck_assert_uint_eq(stock.bins.n_objects,
			  LEAST * 3); /* they were needed */
	drop(take(SIZE));
	settle();
	stock_end_period(&stock);
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, LEAST);
	ck_assert(stock.period_timer_set);
	stock_end_period(&stock);
	settle();
	ck_assert_uint_eq(stock.bins.n_objects, 0);
	ck_assert_uint_eq(stock.bins.ready_bytes, 0);
	ck_assert_uint_eq(region->ready_bytes, 0);
	ck_assert_uint_eq(stock.bins.n, 0);
	ck_assert(!stock.period_timer_set);
}
END_TEST

static struct object *new_object(uint64_t size_bytes)
{
	const struct run run = {BASE, size_bytes};
	struct object *object;

	ck_assert_int_eq(
		backend.object_new(region->memory, &run, "x", &object, NULL), 0);
	return object;
}

START_TEST(what_came_back_is_freed)
{
	struct object *large = new_object(LARGE);

	ck_assert(!stock_leave_consume(&stock, large, BATCH_SLICE_BYTES + 1));
	drop(large);
	ck_assert(stock_leave_consume(&stock, new_object(BATCH_SLICE_BYTES),
				      BATCH_SLICE_BYTES));
	ck_assert_uint_eq(stock.bins.doomed_bytes, BATCH_SLICE_BYTES);
	settle();
	ck_assert_uint_eq(stock.bins.n_doomed, 0);
	ck_assert_uint_eq(stock.bins.doomed_bytes, 0);
}
END_TEST

/* Its run is lent again: both exceed the region, but not by more than this. */
START_TEST(what_came_back_goes_first)
{
	const size_t n = BINS_REMAINS_BYTES / BATCH_SLICE_BYTES;

	claim(0, REGION);
	for (size_t i = 0; i < n; i++)
		ck_assert(stock_leave_consume(&stock,
					      new_object(BATCH_SLICE_BYTES),
					      BATCH_SLICE_BYTES));
	(void)take(SIZE);
	ck_assert_uint_eq(stock.bins.n_doomed, n);
	ck_assert(stock_leave_consume(&stock, new_object(GRANULE), GRANULE));
	(void)take(SIZE);
	ck_assert_uint_eq(stock.bins.n_doomed, n); /* the oldest one is gone */
	ck_assert_uint_eq(stock.bins.doomed_bytes,
			  (n - 1) * BATCH_SLICE_BYTES + GRANULE);
}
END_TEST

/* Where the worker does not keep up. */
START_TEST(it_takes_back_no_more_than_a_limit)
{
	struct object *object;

	for (size_t i = 0; i < STOCK_DOOMED_OBJECTS; i++)
		ck_assert(stock_leave_consume(&stock, new_object(GRANULE), 0));
	object = new_object(GRANULE);
	ck_assert(!stock_leave_consume(&stock, object, 0));
	settle();
	ck_assert(stock_leave_consume(&stock, object, 0));
}
END_TEST

START_TEST(it_can_be_given_up)
{
	ck_assert(!stock_empty(&stock));
	(void)take(SIZE);
	settle();
	ck_assert(stock_leave_consume(&stock, new_object(SIZE), SIZE));
	ck_assert(stock_empty(&stock));
	ck_assert_uint_eq(stock.bins.n_objects, 0);
	ck_assert_uint_eq(stock.bins.n_doomed, 0);
	ck_assert_uint_eq(region->ready_bytes, 0);
	ck_assert(!stock_empty(&stock));
}
END_TEST

static int count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(folder);
	while (readdir(folder))
		n++;
	(void)closedir(folder);
	return n;
}

/* Wherever the worker is with it, nothing stays open. */
START_TEST(so_can_what_is_being_made)
{
	int fds = count_fds();

	(void)take(SIZE);
	ck_assert(stock_leave_consume(&stock, new_object(SIZE), SIZE));
	while (!stock.busy)
		ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert(stock_empty(&stock));
	ck_assert(!stock.busy);
	ck_assert_int_eq(count_fds(), fds);
	ck_assert_uint_eq(region->ready_bytes, 0);
	settle();
	(void)take(SIZE);
	settle();
	drop(take(SIZE));
}
END_TEST

/* Whatever is under way when the daemon ends is freed. */
START_TEST(it_ends_at_any_moment)
{
	(void)take(LARGE);
	(void)take(SIZE);
	ck_assert_int_eq(loop_turn(loop, true), 0);
	ck_assert(stock.busy);
	ck_assert(stock_leave_consume(&stock, new_object(SIZE), SIZE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stock");
	TCase *tcase = harness_case(suite, "stock");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, second_time_it_is_there);
	tcase_add_test(tcase, it_can_be_lent);
	tcase_add_test(tcase, all_of_it_is_zero_and_there);
	tcase_add_test(tcase, sizes_and_regions_are_told_apart);
	tcase_add_test(tcase, as_many_as_were_taken);
	tcase_add_test(tcase,
		       burst_like_the_last_one_ends_before_it_is_replaced);
	tcase_add_test(tcase, what_takes_long_is_replaced_before_it_ends);
	tcase_add_test(tcase, no_more_than_the_limit_of_a_size);
	tcase_add_test(tcase, one_of_a_large_size);
	tcase_add_test(tcase, no_more_than_descriptors_allow);
	tcase_add_test(tcase, pages_stay_within_what_is_free);
	tcase_add_test(tcase, pages_go_when_memory_is_lent);
	tcase_add_test(tcase, pages_stay_within_the_machines_share);
	tcase_add_test(tcase, it_goes_without_pages);
	tcase_add_test(tcase, failing_is_no_error);
	tcase_add_test(tcase, nothing_where_the_backend_cannot);
	tcase_add_test(tcase, sizes_are_forgotten);
	tcase_add_test(tcase, disuse_empties_it);
	tcase_add_test(tcase, what_came_back_is_freed);
	tcase_add_test(tcase, what_came_back_goes_first);
	tcase_add_test(tcase, it_takes_back_no_more_than_a_limit);
	tcase_add_test(tcase, it_can_be_given_up);
	tcase_add_test(tcase, so_can_what_is_being_made);
	tcase_add_test(tcase, it_ends_at_any_moment);
	return harness_run(suite);
}
