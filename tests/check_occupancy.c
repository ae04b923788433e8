/* SPDX-License-Identifier: MIT */
#include "daemon/occupancy.h"

#include <string.h>

#include "tests/fake.h"
#include "tests/harness.h"
#include "tests/lot.h"

static struct lot lot;
static struct contig_msg_cell cells[CONTIG_MSG_MAX_CELLS];

/* 8 buffers and one granule that is free: 9 granules. */
static void before(void)
{
	lot_init(&lot, 8);
	memset(cells, 0, sizeof(cells));
}

static void after(void)
{
	lot_deinit(&lot);
}

START_TEST(cells_are_whole_granules)
{
	ck_assert_uint_eq(occupancy_cell_bytes(lot.region, 1), 9 * FAKE_GRANULE);
	ck_assert_uint_eq(occupancy_cell_bytes(lot.region, 2), 5 * FAKE_GRANULE);
	ck_assert_uint_eq(occupancy_cell_bytes(lot.region, 9), FAKE_GRANULE);
	ck_assert_uint_eq(occupancy_cell_bytes(lot.region, 500), FAKE_GRANULE);
	ck_assert_uint_eq(occupancy_count(lot.region, 9 * FAKE_GRANULE), 1);
	ck_assert_uint_eq(occupancy_count(lot.region, 5 * FAKE_GRANULE), 2);
	ck_assert_uint_eq(occupancy_count(lot.region, FAKE_GRANULE), 9);
}
END_TEST

START_TEST(every_byte_is_in_one_cell)
{
	/* by address: best fit lends from the low end */
	buffer_drain(lot.buffers[5], 0);
	lot_end(&lot, lot.buffers[0]); /* dirty */
	occupancy_fill(lot.region, 5 * FAKE_GRANULE, cells);
	ck_assert_uint_eq(cells[0].dirty_bytes, FAKE_GRANULE);
	ck_assert_uint_eq(cells[0].lent_bytes, 4 * FAKE_GRANULE);
	ck_assert_uint_eq(cells[0].draining_bytes, 0);
	ck_assert_uint_eq(cells[0].free_bytes, 0);
	ck_assert_uint_eq(cells[1].lent_bytes, 2 * FAKE_GRANULE);
	ck_assert_uint_eq(cells[1].draining_bytes, FAKE_GRANULE);
	ck_assert_uint_eq(cells[1].free_bytes, FAKE_GRANULE);
	ck_assert_uint_eq(cells[1].dirty_bytes, 0);
}
END_TEST

START_TEST(guards_count_as_their_buffer)
{
	struct lot guarded;

	lot_init_guarded(&guarded, 3, FAKE_GRANULE);
	buffer_drain(guarded.buffers[2], 0);
	occupancy_fill(guarded.region, 4 * FAKE_GRANULE, cells);
	ck_assert_uint_eq(cells[0].lent_bytes, 4 * FAKE_GRANULE);
	ck_assert_uint_eq(cells[1].draining_bytes, 2 * FAKE_GRANULE);
	ck_assert_uint_eq(cells[1].free_bytes, 2 * FAKE_GRANULE);
	lot_deinit(&guarded);
}
END_TEST

START_TEST(long_runs_cross_cells_and_gaps_stay_empty)
{
	const struct run segments[] = {
		{0, 0x8000},
		{0x10000, 0x8000},
	};
	const struct region_spec spec = {
		.id = 1,
		.name = "gap",
		.granule_bytes = FAKE_GRANULE,
		.ticketp = &lot.fake.ticket,
	};
	struct region *region;
	struct fake fake;

	fake_init(&fake, segments, 2, true);
	ck_assert_int_eq(region_new_consume(&region, &spec, &fake.memory, NULL),
			 0);
	ck_assert_uint_eq(occupancy_cell_bytes(region, 4), 0x6000);
	occupancy_fill(region, 0x6000, cells);
	ck_assert_uint_eq(cells[0].free_bytes, 0x6000);
	ck_assert_uint_eq(cells[1].free_bytes, 0x2000);
	ck_assert_uint_eq(cells[2].free_bytes, 0x2000);
	ck_assert_uint_eq(cells[3].free_bytes, 0x6000);
	(void)region_free(region);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("occupancy");
	TCase *tcase = harness_case(suite, "occupancy");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, cells_are_whole_granules);
	tcase_add_test(tcase, every_byte_is_in_one_cell);
	tcase_add_test(tcase, guards_count_as_their_buffer);
	tcase_add_test(tcase, long_runs_cross_cells_and_gaps_stay_empty);
	return harness_run(suite);
}
