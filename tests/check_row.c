/* SPDX-License-Identifier: MIT */
#include "daemon/row.h"

#include <inttypes.h>
#include <string.h>

#include "tests/harness.h"

#define G    UINT64_C(4096)
#define BASE (UINT64_C(1) << 32)
#define MANY 16

static struct space *space;
static struct run runs[MANY];

static void setup(void)
{
	const struct run all = {.phys = BASE, .size_bytes = 64 * G};

	ck_assert_int_eq(space_new(&space, G, &all, 1, NULL), 0);
	memset(runs, 0, sizeof(runs));
}

static void teardown(void)
{
	space_verify(space);
	space = space_free(space);
}

static struct space_request each(uint64_t size_bytes)
{
	return (struct space_request){.size_bytes = size_bytes,
				      .max_phys = UINT64_MAX};
}

static void take(uint64_t first, uint64_t count)
{
	const struct run run = {.phys = BASE + first * G,
				.size_bytes = count * G};

	ck_assert_int_eq(space_claim(space, &run), 0);
}

/* Run number i of runs[] is where, in granules from the base. */
static void expect(uint32_t i, uint64_t first, uint64_t count)
{
	ck_assert_uint_eq(runs[i].phys, BASE + first * G);
	ck_assert_uint_eq(runs[i].size_bytes, count * G);
}

START_TEST(side_by_side)
{
	struct space_request request = each(3 * G - 1);

	take(4, 1);  /* room for one at 0 */
	take(12, 4); /* for two at 5, for all from 16 on */
	ck_assert_uint_eq(row_fill(space, &request, 4, runs), 4);
	for (uint32_t i = 0; i < 4; i++)
		expect(i, 16 + 3 * i, 3);
}
END_TEST

/* The smallest hole that has room for all of them. */
START_TEST(best_fit)
{
	struct space_request request = each(2 * G);

	take(7, 1); /* 7 free below, and from 8 to 15 as much as is needed */
	take(16, 1);
	ck_assert_uint_eq(row_fill(space, &request, 4, runs), 4);
	for (uint32_t i = 0; i < 4; i++)
		expect(i, 8 + 2 * i, 2);
}
END_TEST

/* One granule is missing for all: halves. */
START_TEST(halves)
{
	struct space_request request = each(2 * G);

	take(7, 2);
	take(16, 48);
	ck_assert_uint_eq(row_fill(space, &request, 4, runs), 4);
	expect(0, 0, 2);
	expect(1, 2, 2);
	expect(2, 9, 2);
	expect(3, 11, 2);
}
END_TEST

/* An odd number: the larger half comes first. */
START_TEST(odd_number)
{
	struct space_request request = each(2 * G);

	take(4, 1);
	take(11, 53);
	ck_assert_uint_eq(row_fill(space, &request, 5, runs), 5);
	expect(0, 5, 2);
	expect(1, 7, 2);
	expect(2, 9, 2);
	expect(3, 0, 2);
	expect(4, 2, 2);
}
END_TEST

START_TEST(as_many_as_there_is_room_for)
{
	struct space_request request = each(3 * G);

	take(3, 1);
	take(10, 54);
	ck_assert_uint_eq(row_fill(space, &request, 4, runs), 3);
	ck_assert_uint_eq(row_fill(space, &request, 1, runs), 0);
	ck_assert_uint_eq(space_free_bytes(space), 0);
}
END_TEST

/* What alignment leaves between two is free again, what is behind the last was
 * never taken. */
START_TEST(paddings_come_back)
{
	struct space_request request = each(3 * G);

	request.align_bytes = 4 * G;
	take(0, 1);
	take(15, 49); /* from 4 to 14 without the last padding */
	ck_assert_uint_eq(row_fill(space, &request, 3, runs), 3);
	expect(0, 4, 3);
	expect(1, 8, 3);
	expect(2, 12, 3);
	ck_assert_uint_eq(space_free_bytes(space), 5 * G);
	ck_assert_uint_eq(space_largest_free_bytes(space), 3 * G);
}
END_TEST

START_TEST(tails)
{
	struct space_request request = each(2 * G);

	request.tail_bytes = G;
	request.max_phys = BASE + 8 * G - 1; /* of the last run, not its tail */
	ck_assert_uint_eq(row_fill(space, &request, 3, runs), 3);
	for (uint32_t i = 0; i < 3; i++)
		expect(i, 3 * i, 3);
	ck_assert_uint_eq(space_free_bytes(space), 55 * G);
}
END_TEST

START_TEST(highest_address)
{
	struct space_request request = each(2 * G);

	request.max_phys = BASE + 8 * G - 2;
	ck_assert_uint_eq(row_fill(space, &request, 4, runs), 3);
	expect(2, 4, 2);
}
END_TEST

/* A portion as long as the boundary is one run, a longer one is not. */
START_TEST(boundary)
{
	struct space_request request = each(3 * G);

	request.boundary_bytes = 8 * G;
	take(0, 1);
	ck_assert_uint_eq(row_fill(space, &request, 4, runs), 4);
	expect(0, 1, 3);
	expect(1, 4, 3);
	expect(2, 8, 3);
	expect(3, 11, 3);
}
END_TEST

/* Three runs of 2 and a tail of 1 up to the boundary at 8, which the last tail
 * crosses; the next run is shifted by it. */
START_TEST(boundary_and_tail)
{
	struct space_request request = each(2 * G);

	request.boundary_bytes = 8 * G;
	request.tail_bytes = G;
	take(12, 52);
	ck_assert_uint_eq(row_fill(space, &request, 5, runs), 4);
	expect(2, 6, 3);
	expect(3, 9, 3);
}
END_TEST

START_TEST(invalid)
{
	struct space_request none = each(0), odd = each(G), beyond = each(G);

	odd.align_bytes = 3 * G;
	beyond.tail_bytes = UINT64_MAX - G + 1;
	ck_assert_uint_eq(row_fill(space, &none, 2, runs), 0);
	ck_assert_uint_eq(row_fill(space, &odd, 2, runs), 0);
	ck_assert_uint_eq(row_fill(space, &beyond, 2, runs), 0);
	none.size_bytes = UINT64_MAX;
	ck_assert_uint_eq(row_fill(space, &none, 2, runs), 0);
	none.size_bytes = UINT64_C(1) << 63; /* twice that is too much */
	ck_assert_uint_eq(row_fill(space, &none, 3, runs), 0);
	ck_assert_uint_eq(space_free_bytes(space), 64 * G);
}
END_TEST

/* Rows against runs that are taken one after another, in random holes: there
 * are never fewer of them. */

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
	/* xorshift64*, good enough to look everywhere */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

static struct space_request draw_request(void)
{
	struct space_request request = each(1 + draw(5 * G));

	if (draw(2))
		request.align_bytes = G << draw(4);
	if (draw(3) == 0)
		request.boundary_bytes = (8 * G) << draw(3);
	if (draw(3) == 0)
		request.tail_bytes = draw(3) * G;
	if (draw(3) == 0)
		request.max_phys = BASE + draw(64 * G);
	return request;
}

START_TEST(no_place_is_lost)
{
	const struct run all = {.phys = BASE, .size_bytes = 64 * G};

	random_state = 0x9e3779b97f4a7c15 + (uint64_t)_i;
	for (int round = 0; round < 400; round++) {
		struct space_request request = draw_request();
		uint32_t count = 1 + (uint32_t)draw(MANY), n = 0;
		uint64_t taken_bytes = 0;
		struct space *other;
		struct run run;

		teardown();
		setup();
		ck_assert_int_eq(space_new(&other, G, &all, 1, NULL), 0);
		for (int i = 0; i < 12; i++) {
			run.phys = BASE + draw(64) * G;
			run.size_bytes = (1 + draw(3)) * G;
			ck_assert_int_eq(space_claim(space, &run),
					 space_claim(other, &run));
		}
		taken_bytes = space_free_bytes(space);
		while (n < count && space_alloc(other, &request, &run, NULL) == 0)
			n++;
		ck_assert_uint_eq(row_fill(space, &request, count, runs), n);
		ck_assert_uint_eq(space_free_bytes(space),
				  space_free_bytes(other));
		for (uint32_t i = 0; i < n; i++)
			space_release(space, &runs[i]);
		ck_assert_uint_eq(space_free_bytes(space), taken_bytes);
		space_free(other);
	}
}
END_TEST

/* From partitions. */

static uint32_t camera_uid = 1000;
static const struct credentials camera = {.uid = 1000, .gid = 1000};
static struct partitions partitions;
static struct config_reservation reservation; /* the partitions borrow it */

static void partition(uint64_t reserved_bytes)
{
	const struct run all = {.phys = BASE, .size_bytes = 16 * G};
	const struct partitions_spec spec = {
		.granule_bytes = G,
		.segments = &all,
		.n_segments = 1,
		.reservations = &reservation,
		.n_reservations = reserved_bytes ? 1 : 0,
	};

	reservation = (struct config_reservation){
		.name = (char *)"camera",
		.who.uids = &camera_uid,
		.who.n_uids = 1,
		.size_bytes = reserved_bytes,
	};
	ck_assert_int_eq(partitions_init(&partitions, &spec, NULL), 0);
}

/* What is reserved comes first, even where the common part has room for all of
 * them. */
START_TEST(reserved_first)
{
	struct row row = {.who = &camera, .each = each(2 * G), .count = 4};
	struct run first;

	partition(6 * G);
	ck_assert_int_eq(row_take(&partitions, &row, runs, NULL), 0);
	first = *space_segments(partitions.items[0].space, &(size_t){0});
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(runs[i].phys, first.phys + 2 * i * G);
	ck_assert_uint_eq(space_free_bytes(partitions.items[0].space), 0);
	ck_assert_uint_eq(space_free_bytes(partitions.items[1].space), 8 * G);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(none_for_others)
{
	struct row row = {.each = each(2 * G), .count = 6};
	struct space_refusal refusal;

	partition(6 * G);
	ck_assert_int_eq(row_take(&partitions, &row, runs, &refusal),
			 SPACE_E_FULL);
	ck_assert_uint_eq(partitions_free_bytes(&partitions), 16 * G);
	row.count = 5;
	ck_assert_int_eq(row_take(&partitions, &row, runs, &refusal), 0);
	partitions_deinit(&partitions);
}
END_TEST

START_TEST(all_or_none)
{
	struct row row = {.each = each(3 * G), .count = 6};
	struct space_refusal refusal;

	partition(0);
	ck_assert_int_eq(row_take(&partitions, &row, runs, &refusal),
			 SPACE_E_FULL);
	ck_assert_uint_eq(partitions_free_bytes(&partitions), 16 * G);
	row.count = 5;
	ck_assert_int_eq(row_take(&partitions, &row, runs, NULL), 0);
	row.count = 1;
	ck_assert_int_eq(row_take(&partitions, &row, runs, NULL), SPACE_E_FULL);
	partitions_deinit(&partitions);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("row");
	TCase *tcase = harness_case(suite, "row");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, side_by_side);
	tcase_add_test(tcase, best_fit);
	tcase_add_test(tcase, halves);
	tcase_add_test(tcase, odd_number);
	tcase_add_test(tcase, as_many_as_there_is_room_for);
	tcase_add_test(tcase, paddings_come_back);
	tcase_add_test(tcase, tails);
	tcase_add_test(tcase, highest_address);
	tcase_add_test(tcase, boundary);
	tcase_add_test(tcase, boundary_and_tail);
	tcase_add_test(tcase, invalid);
	tcase_add_loop_test(tcase, no_place_is_lost, 0, 20);
	tcase_add_test(tcase, reserved_first);
	tcase_add_test(tcase, none_for_others);
	tcase_add_test(tcase, all_or_none);
	return harness_run(suite);
}
