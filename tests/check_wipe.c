/* SPDX-License-Identifier: MIT */
#include "daemon/wipe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"

#define MARGIN 128 /* on both sides, which stays as it is */
#define ROOM   (2 * MARGIN + 2 * WIPE_BULK_BYTES)

static unsigned char *room;

static void before(void)
{
	room = malloc(ROOM);
	ck_assert_ptr_nonnull(room);
	memset(room, 0xa5, ROOM);
}

static void after(void)
{
	free(room);
}

static void assert_bytes(size_t from, size_t to, unsigned char value)
{
	for (size_t i = from; i < to; i++)
		if (room[i] != value)
			ck_abort_msg("byte %zu is %d", i, room[i]);
}

static void wipe(size_t offset, size_t size, uint64_t waiting_bytes)
{
	wipe_memory(room + offset, size, waiting_bytes);
	assert_bytes(0, offset, 0xa5);
	assert_bytes(offset, offset + size, 0);
	assert_bytes(offset + size, ROOM, 0xa5);
	memset(room + offset, 0xa5, size);
}

/* Just too small for stores past the caches, just large enough, and beyond. */
static const size_t sizes[] = {
	0,
	1,
	63,
	64,
	4096,
	WIPE_BULK_BYTES - 1,
	WIPE_BULK_BYTES,
	WIPE_BULK_BYTES + 1,
	WIPE_BULK_BYTES + 63,
	2 * WIPE_BULK_BYTES,
};

START_TEST(all_of_it_is_zero_and_nothing_else)
{
	wipe(MARGIN, sizes[_i], sizes[_i]);
}
END_TEST

START_TEST(so_it_is_behind_a_long_queue)
{
	wipe(MARGIN, sizes[_i], WIPE_QUEUE_BYTES);
}
END_TEST

START_TEST(at_any_place_in_a_line)
{
	for (size_t offset = 0; offset < 64; offset++) {
		size_t size = sizes[_i] > 64 ? sizes[_i] - 64 : sizes[_i];

		wipe(MARGIN + offset, size, size);
		wipe(MARGIN + offset, size, WIPE_QUEUE_BYTES);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wipe");
	TCase *tcase = harness_case(suite, "wipe");
	int n = (int)(sizeof(sizes) / sizeof(sizes[0]));

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_loop_test(tcase, all_of_it_is_zero_and_nothing_else, 0, n);
	tcase_add_loop_test(tcase, so_it_is_behind_a_long_queue, 0, n);
	tcase_add_loop_test(tcase, at_any_place_in_a_line, 0, n);
	return harness_run(suite);
}
