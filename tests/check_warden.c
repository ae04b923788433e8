/* SPDX-License-Identifier: MIT */
#include "daemon/warden.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "tests/harness.h"
#include "tests/lot.h"
#include "util/log.h"

#define MANY (PATROL_BUFFERS + 3) /* more than one patrol takes */

static struct worker *worker;
static struct warden warden;
static struct registry registry;
static struct lot lot;
static int n_ended, n_done;
static struct patrol *done_patrol;

static void returned(void *data, struct buffer *buffer)
{
	ck_assert_ptr_eq(data, &lot);
	ck_assert_uint_eq(buffer->pins, 0);
	ck_assert_ptr_null(buffer->owner);
	n_ended++;
	ck_assert_uint_eq(buffer->id, (uint64_t)n_ended); /* in their order */
	lot_end(&lot, buffer);
}

static void done(struct patrol *patrol, int result)
{
	ck_assert_int_eq(result, 0);
	n_done++;
	done_patrol = patrol;
}

static void before(void)
{
	n_ended = n_done = 0;
	log_set_level(0);
	ck_assert_int_eq(worker_new(&worker), 0);
	ck_assert_int_eq(warden_init(&warden, worker, &registry, returned, &lot), 0);
	registry_init(&registry);
	lot_init_guarded(&lot, MANY, FAKE_GRANULE);
	for (size_t i = 0; i < lot.n; i++)
		registry_add(&registry, lot.buffers[i]);
}

static void after(void)
{
	if (worker)
		worker = worker_free(worker);
	warden_deinit(&warden);
	lot_deinit(&lot);
}

static void wait_until(const int *counter, int value)
{
	struct pollfd pollfd = {.fd = worker_fd(worker), .events = POLLIN};

	while (*counter < value) {
		ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
		worker_dispatch(worker);
	}
}

static void fill(size_t from, size_t count)
{
	int before_done = n_done;

	ck_assert_ptr_nonnull(
		warden_fill(&warden, lot.buffers + from, count, done, NULL));
	wait_until(&n_done, before_done + 1);
	ck_assert_ptr_null(warden_patrol_free(done_patrol));
}

static void give_back(size_t i, bool hurry)
{
	registry_remove(&registry, lot.buffers[i]);
	warden_return(&warden, lot.buffers[i], 7, hurry);
}

START_TEST(returning_ones_are_looked_at_in_order)
{
	fill(0, PATROL_BUFFERS);
	fill(PATROL_BUFFERS, MANY - PATROL_BUFFERS);
	lot.fake.n_guarded = 0;
	fake_guard(lot.buffers[1]->object)[9] = 0;
	for (size_t i = 0; i < MANY; i++)
		give_back(i, false);
	ck_assert_uint_eq(lot.region->draining_bytes, MANY * FAKE_GRANULE);
	ck_assert_uint_eq(lot.region->dirt.awaited_bytes,
			  MANY * 2 * FAKE_GRANULE);
	ck_assert_uint_eq(lot.owner.n_buffers, 0);
	wait_until(&n_ended, MANY);
	ck_assert_uint_eq(lot.fake.n_guarded, MANY);
	ck_assert_uint_eq(lot.region->damaged_guards, 1);
	ck_assert_uint_eq(lot.region->draining_bytes, 0);
	ck_assert_uint_eq(lot.region->guarding_bytes, 0);
	ck_assert_uint_eq(lot.region->dirt.bytes, MANY * 2 * FAKE_GRANULE);
	ck_assert_uint_eq(lot.region->dirt.awaited_bytes, 0);
}
END_TEST

/* Its memory comes back all the same. */
START_TEST(unreadable_guard_keeps_nothing_back)
{
	fill(0, 1);
	lot.fake.guard_result = -EIO;
	give_back(0, true);
	wait_until(&n_ended, 1);
	ck_assert_uint_eq(lot.region->dirt.bytes, 2 * FAKE_GRANULE);
	ck_assert_uint_eq(lot.region->damaged_guards, 0);
}
END_TEST

START_TEST(hurrying_is_harmless)
{
	warden_hurry(&warden);
	fill(0, 2);
	give_back(0, false);
	warden_hurry(&warden);
	give_back(1, true);
	wait_until(&n_ended, 2);
	warden_hurry(&warden);
}
END_TEST

START_TEST(inspection_takes_what_is_filled)
{
	struct patrol *patrol;

	fill(1, 2);
	patrol = warden_inspect(&warden, NULL, 0, done, NULL);
	ck_assert_ptr_nonnull(patrol);
	ck_assert_uint_eq(patrol->n, 2);
	ck_assert_ptr_eq(patrol->buffers[0], lot.buffers[1]);
	ck_assert_ptr_eq(patrol->buffers[1], lot.buffers[2]);
	ck_assert_uint_eq(lot.buffers[1]->pins, 1);
	wait_until(&n_done, 2);
	(void)warden_patrol_free(patrol);
	ck_assert_uint_eq(lot.buffers[1]->pins, 0);

	patrol = warden_inspect(&warden, lot.region, 2, done, NULL);
	ck_assert_uint_eq(patrol->n, 1);
	wait_until(&n_done, 3);
	(void)warden_patrol_free(patrol);
}
END_TEST

START_TEST(inspection_stays_in_its_region)
{
	struct fake fake;
	struct region *other = fake_region(&fake, 2, "other", 4096, true);
	struct patrol *patrol;

	fill(0, 3);
	patrol = warden_inspect(&warden, other, 0, done, NULL);
	ck_assert_uint_eq(patrol->n, 0);
	wait_until(&n_done, 2);
	(void)warden_patrol_free(patrol);
	(void)region_free(other);
	fake_deinit(&fake);
}
END_TEST

START_TEST(inspection_goes_on_behind_the_last)
{
	struct patrol *patrol;
	uint64_t last;

	fill(0, PATROL_BUFFERS);
	fill(PATROL_BUFFERS, MANY - PATROL_BUFFERS);
	patrol = warden_inspect(&warden, NULL, 0, done, NULL);
	ck_assert(patrol_is_full(patrol));
	last = patrol->buffers[patrol->n - 1]->id;
	wait_until(&n_done, 3);
	(void)warden_patrol_free(patrol);
	patrol = warden_inspect(&warden, NULL, last, done, NULL);
	ck_assert_uint_eq(patrol->n, MANY - PATROL_BUFFERS);
	wait_until(&n_done, 4);
	(void)warden_patrol_free(patrol);
}
END_TEST

/* Two at a time: damage is told once. */
START_TEST(inspections_do_not_disturb_each_other)
{
	struct patrol *first, *second;

	fill(0, 3);
	fake_guard(lot.buffers[2]->object)[0] = 0;
	first = warden_inspect(&warden, NULL, 0, done, NULL);
	second = warden_inspect(&warden, NULL, 0, done, NULL);
	ck_assert_uint_eq(lot.buffers[0]->pins, 2);
	wait_until(&n_done, 3);
	(void)warden_patrol_free(first);
	(void)warden_patrol_free(second);
	ck_assert_uint_eq(lot.buffers[0]->pins, 0);
	ck_assert_uint_eq(lot.region->damaged_guards, 1);
}
END_TEST

START_TEST(ends_in_the_middle_of_everything)
{
	fill(0, PATROL_BUFFERS);
	ck_assert_ptr_nonnull(
		warden_inspect(&warden, NULL, 0, done, NULL));
	ck_assert_ptr_nonnull(warden_fill(&warden, lot.buffers + PATROL_BUFFERS,
					  1, done, NULL));
	for (size_t i = PATROL_BUFFERS + 1; i < MANY; i++) {
		give_back(i, false); /* the second while the first is busy */
		lot.buffers[i] = NULL;
	}
	worker = worker_free(worker);
	warden_deinit(&warden);
	ck_assert_int_eq(n_ended, 0);
	ck_assert_uint_eq(lot.region->n_buffers, PATROL_BUFFERS + 1);
	for (size_t i = 0; i < PATROL_BUFFERS + 1; i++)
		ck_assert_uint_eq(lot.buffers[i]->pins, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("warden");
	TCase *tcase = harness_case(suite, "warden");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, returning_ones_are_looked_at_in_order);
	tcase_add_test(tcase, unreadable_guard_keeps_nothing_back);
	tcase_add_test(tcase, hurrying_is_harmless);
	tcase_add_test(tcase, inspection_takes_what_is_filled);
	tcase_add_test(tcase, inspection_stays_in_its_region);
	tcase_add_test(tcase, inspection_goes_on_behind_the_last);
	tcase_add_test(tcase, inspections_do_not_disturb_each_other);
	tcase_add_test(tcase, ends_in_the_middle_of_everything);
	return harness_run(suite);
}
