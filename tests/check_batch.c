/* SPDX-License-Identifier: MIT */
#include "daemon/batch.h"

#include <errno.h>
#include <semaphore.h>

#include "daemon/file_pages.h"
#include "tests/chore.h"
#include "tests/harness.h"

/* Memory is simulated, and a table that counts says how. */

#define BASE  (UINT64_C(1) << 32)
#define SIZE  UINT64_C(65536)
#define LARGE (BATCH_SLICE_BYTES * 2 + 4096)
#define HUGE  FILE_PAGES_HUGE_BYTES

static struct backend backend;
static struct memory *memory;
static struct worker *worker;
static struct batch batch;
static struct list doomed;
static int n_prepared, n_populated, n_huge, n_large, n_discarded, n_freed;
static int fails_at; /* the object that cannot be made; 0: none */
static bool held;    /* each has to be let go */
static bool huge_fails, large_fails;
static sem_t came, go;

static int prepare(struct memory *from, uint64_t size_bytes,
		   struct object **objectp, struct error *why)
{
	if (held) {
		(void)sem_post(&came);
		(void)sem_wait(&go);
	}
	if (++n_prepared == fails_at)
		return error_set(why, -EMFILE, "no");
	return backend_simulated.object_prepare(from, size_bytes, objectp, why);
}

static int populate(struct object *object, uint64_t offset, uint64_t length)
{
	n_populated++;
	return backend_simulated.object_populate(object, offset, length);
}

/* On every kernel. */
static int populate_huge(struct object *object, uint64_t offset)
{
	ck_assert_uint_eq(offset % HUGE, 0);
	n_huge++;
	return huge_fails
		       ? -EINVAL
		       : backend_simulated.object_populate(object, offset, HUGE);
}

static int populate_large(struct object *object, uint64_t offset,
			  uint64_t length)
{
	ck_assert_uint_eq(offset % HUGE, 0);
	ck_assert_uint_lt(length, HUGE);
	n_large++;
	return large_fails ? -EOPNOTSUPP
			   : backend_simulated.object_populate(object, offset,
							       length);
}

static int populate_nothing(struct object *object, uint64_t offset,
			    uint64_t length)
{
	(void)object;
	(void)offset;
	(void)length;
	return -ENOSPC;
}

static int discard(struct object *object, uint64_t offset, uint64_t length)
{
	ck_assert_uint_le(offset % HUGE + length, HUGE);
	n_discarded++;
	return backend_simulated.object_discard(object, offset, length);
}

static void free_counted(struct object *object)
{
	n_freed++;
	backend_simulated.object_free(object);
}

static void before(void)
{
	const struct memory_spec spec = {
		.region = "sim",
		.base = BASE,
		.size_bytes = UINT64_C(64) << 20,
		.granule_bytes = 4096,
	};

	backend = backend_simulated;
	backend.object_prepare = prepare;
	backend.object_populate = populate;
	backend.object_populate_huge = populate_huge;
	backend.object_populate_large = populate_large;
	backend.object_discard = discard;
	backend.object_free = free_counted;
	n_prepared = n_populated = n_huge = n_large = n_discarded = n_freed =
		fails_at = 0;
	held = huge_fails = false;
	large_fails = true;
	ck_assert_int_eq(sem_init(&came, 0, 0), 0);
	ck_assert_int_eq(sem_init(&go, 0, 0), 0);
	ck_assert_int_eq(
		backend_simulated.memory_open(NULL, &spec, &memory, NULL), 0);
	memory->backend = &backend;
	ck_assert_int_eq(worker_new(&worker), 0);
	batch_init(&batch);
	list_init(&doomed);
}

static void after(void)
{
	worker = worker_free(worker);
	batch_deinit(&batch);
	ck_assert_int_eq(n_freed, n_prepared - (fails_at != 0));
	backend_simulated.memory_close(memory);
	(void)sem_destroy(&came);
	(void)sem_destroy(&go);
}

static void submit(uint64_t size_bytes, size_t n, size_t n_with_pages)
{
	const struct batch_plan plan = {memory, size_bytes, n, n_with_pages};

	batch_submit(&batch, worker, &plan, &doomed);
}

/* Until it has ended. */
static void finish(void)
{
	chore_await(worker);
	ck_assert(worker_collect(worker, &batch.job));
}

static size_t drop(struct list *objects, uint64_t *ready_bytesp)
{
	struct object *object;
	size_t n = 0;

	while ((object = list_first(objects, struct object, link))) {
		list_remove(&object->link);
		*ready_bytesp += object->ready_bytes;
		backend.object_free(object);
		n++;
	}
	return n;
}

static size_t take(uint64_t *ready_bytesp)
{
	struct list made = LIST_INIT(made);

	*ready_bytesp = 0;
	batch_take_made(&batch, &made);
	return drop(&made, ready_bytesp);
}

static void doom(uint64_t size_bytes)
{
	struct object *object;

	ck_assert_int_eq(prepare(memory, size_bytes, &object, NULL), 0);
	ck_assert_int_eq(populate(object, 0, size_bytes), 0);
	object->ready_bytes = size_bytes;
	list_append(&doomed, &object->link);
}

START_TEST(makes_what_is_planned)
{
	uint64_t ready_bytes;

	submit(SIZE, 3, 2);
	finish();
	ck_assert_int_eq(batch.job.result, 0);
	ck_assert_int_eq(n_populated, 2);
	ck_assert_uint_eq(take(&ready_bytes), 3);
	ck_assert_uint_eq(ready_bytes, 2 * SIZE);
	ck_assert_uint_eq(take(&ready_bytes), 0);
}
END_TEST

/* Where the kernel tells of their end, it is asked to at once. */
START_TEST(watches_what_it_makes)
{
	struct closings closings;
	struct list made = LIST_INIT(made);
	struct object *object;
	uint64_t ready_bytes;

	ck_assert_int_eq(closings_init(&closings, NULL), 0);
	batch.closings = &closings;
	submit(SIZE, 2, 1);
	finish();
	batch_take_made(&batch, &made);
	list_for_each (object, &made, link)
		ck_assert_int_gt(object->ready_watch, 0);
	ck_assert_uint_eq(drop(&made, &ready_bytes), 2);

	backend.close_events = false;
	submit(SIZE, 1, 0);
	finish();
	batch_take_made(&batch, &made);
	object = list_first(&made, struct object, link);
	ck_assert_int_eq(object->ready_watch, 0);
	ck_assert_uint_eq(drop(&made, &ready_bytes), 1);

	closings_deinit(&closings); /* it cannot be watched any more */
	backend.close_events = true;
	submit(SIZE, 1, 0);
	finish();
	ck_assert_int_eq(batch.job.result, 0);
	batch_take_made(&batch, &made);
	object = list_first(&made, struct object, link);
	ck_assert_int_eq(object->ready_watch, 0);
	ck_assert_uint_eq(drop(&made, &ready_bytes), 1);
}
END_TEST

START_TEST(pages_come_in_slices)
{
	uint64_t ready_bytes;

	submit(LARGE, 1, 1);
	finish();
	ck_assert_int_eq(n_populated, 3);
	ck_assert_uint_eq(take(&ready_bytes), 1);
	ck_assert_uint_eq(ready_bytes, LARGE);
}
END_TEST

START_TEST(pages_are_huge)
{
	uint64_t ready_bytes;

	submit(2 * HUGE + BATCH_SLICE_BYTES + 4096, 1, 1);
	finish();
	ck_assert_int_eq(n_huge, 2);
	ck_assert_int_eq(n_populated, 2);
	ck_assert_uint_eq(take(&ready_bytes), 1);
	ck_assert_uint_eq(ready_bytes, 2 * HUGE + BATCH_SLICE_BYTES + 4096);
}
END_TEST

/* Where there is none, no other is asked for soon. */
START_TEST(goes_without_huge_pages)
{
	uint64_t ready_bytes;

	huge_fails = true;
	submit(2 * HUGE, 2, 2);
	finish();
	ck_assert_int_eq(n_huge, 1);
	ck_assert_int_eq(n_populated, (int)(4 * HUGE / BATCH_SLICE_BYTES));
	ck_assert_uint_eq(take(&ready_bytes), 2);
	ck_assert_uint_eq(ready_bytes, 4 * HUGE);
}
END_TEST

/* What is less than a huge page, in one go; but where it is very little. */
START_TEST(pages_are_large)
{
	uint64_t ready_bytes;

	large_fails = false;
	submit(HUGE + LARGE, 2, 2);
	finish();
	ck_assert_int_eq(n_huge, 2);
	ck_assert_int_eq(n_large, 2);
	ck_assert_int_eq(n_populated, 0);
	ck_assert_uint_eq(take(&ready_bytes), 2);
	ck_assert_uint_eq(ready_bytes, 2 * (HUGE + LARGE));
	submit(BATCH_LARGE_BYTES - 4096, 1, 1);
	finish();
	ck_assert_int_eq(n_large, 2);
	ck_assert_int_eq(n_populated, 1);
	ck_assert_uint_eq(take(&ready_bytes), 1);
}
END_TEST

START_TEST(goes_without_large_pages)
{
	uint64_t ready_bytes;

	submit(LARGE, 2, 2);
	finish();
	ck_assert_int_eq(n_large, 1);
	ck_assert_int_eq(n_populated, 6);
	ck_assert_uint_eq(take(&ready_bytes), 2);
	ck_assert_uint_eq(ready_bytes, 2 * LARGE);
}
END_TEST

START_TEST(goes_without_pages)
{
	uint64_t ready_bytes;

	backend.object_populate = populate_nothing;
	submit(LARGE, 2, 2);
	finish();
	ck_assert_int_eq(batch.job.result, 0);
	ck_assert_uint_eq(take(&ready_bytes), 2);
	ck_assert_uint_eq(ready_bytes, 0);
}
END_TEST

/* What was made before is there, and nothing more is tried. */
START_TEST(ends_where_it_fails)
{
	uint64_t ready_bytes;

	fails_at = 3;
	submit(SIZE, 5, 5);
	finish();
	ck_assert_int_eq(batch.job.result, -EMFILE);
	ck_assert_int_eq(n_prepared, 3);
	ck_assert_uint_eq(take(&ready_bytes), 2);
}
END_TEST

/* Whole huge pages, and the last slice goes with the object. */
START_TEST(frees_in_slices)
{
	doom(2 * HUGE + LARGE);
	doom(SIZE);
	batch_submit(&batch, worker, NULL, &doomed);
	ck_assert(list_empty(&doomed));
	finish();
	ck_assert_int_eq(n_discarded, 2);
	ck_assert_int_eq(n_freed, 2);
}
END_TEST

START_TEST(makes_before_it_frees)
{
	doom(SIZE);
	held = true;
	submit(SIZE, 1, 0);
	ck_assert_int_eq(sem_wait(&came), 0);
	ck_assert_int_eq(n_freed, 0);
	ck_assert_int_eq(sem_post(&go), 0);
	finish();
	ck_assert_int_eq(n_freed, 1);
}
END_TEST

/* While the second is made, the first can be had, and the number changes. */
START_TEST(tells_and_hears_on_its_way)
{
	uint64_t ready_bytes;

	held = true;
	submit(SIZE, 2, 2);
	ck_assert_int_eq(sem_wait(&came), 0);
	ck_assert_int_eq(sem_post(&go), 0);
	ck_assert_int_eq(sem_wait(&came), 0);
	ck_assert_uint_eq(take(&ready_bytes), 1);
	ck_assert_uint_eq(ready_bytes, SIZE);
	ck_assert(!worker_collect(worker, &batch.job));
	batch_set_left(&batch, 1);
	ck_assert_int_eq(sem_post(&go), 0);
	ck_assert_int_eq(sem_post(&go), 0);
	finish();
	/* those with pages are as many as were planned */
	ck_assert_uint_eq(take(&ready_bytes), 2);
	ck_assert_uint_eq(ready_bytes, SIZE);
}
END_TEST

START_TEST(ends_at_any_moment)
{
	doom(LARGE);
	held = true;
	submit(LARGE, 2, 2);
	ck_assert_int_eq(sem_wait(&came), 0);
	ck_assert_int_eq(sem_post(&go), 0);
	ck_assert_int_eq(sem_post(&go), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("batch");
	TCase *tcase = harness_case(suite, "batch");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, makes_what_is_planned);
	tcase_add_test(tcase, watches_what_it_makes);
	tcase_add_test(tcase, pages_come_in_slices);
	tcase_add_test(tcase, pages_are_huge);
	tcase_add_test(tcase, goes_without_huge_pages);
	tcase_add_test(tcase, pages_are_large);
	tcase_add_test(tcase, goes_without_large_pages);
	tcase_add_test(tcase, goes_without_pages);
	tcase_add_test(tcase, ends_where_it_fails);
	tcase_add_test(tcase, frees_in_slices);
	tcase_add_test(tcase, makes_before_it_frees);
	tcase_add_test(tcase, tells_and_hears_on_its_way);
	tcase_add_test(tcase, ends_at_any_moment);
	return harness_run(suite);
}
