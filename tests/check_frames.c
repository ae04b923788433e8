/* SPDX-License-Identifier: MIT */
#include "daemon/frames.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"

/*
 * Six pages as a kernel may give them: two segments, of which the first is not
 * in the order of the file.
 */

#define PAGE (UINT64_C(2) << 20)
#define N    6

static const uint64_t addresses[N] = {
	12 * PAGE, 13 * PAGE, 11 * PAGE, 40 * PAGE, 10 * PAGE, 41 * PAGE,
};
static const struct frames_spec spec = {PAGE, addresses, N};
static struct frames frames;

static void before(void)
{
	struct error why = ERROR_INIT;

	ck_assert_msg(frames_init(&frames, &spec, &why) == 0, "%s", why.text);
}

static void after(void)
{
	frames_deinit(&frames);
	ck_assert_ptr_null(frames.all);
}

START_TEST(adjacent_pages_are_joined)
{
	ck_assert_uint_eq(frames.n_segments, 2);
	ck_assert_uint_eq(frames.segments[0].phys, 10 * PAGE);
	ck_assert_uint_eq(frames.segments[0].size_bytes, 4 * PAGE);
	ck_assert_uint_eq(frames.segments[1].phys, 40 * PAGE);
	ck_assert_uint_eq(frames.segments[1].size_bytes, 2 * PAGE);
}
END_TEST

START_TEST(addresses_come_back_in_order)
{
	uint64_t back[N];

	frames_addresses(&frames, back);
	ck_assert_mem_eq(back, addresses, sizeof(back));
}
END_TEST

/* The pieces of a run must be these, of which n are given. */
static void expect(uint64_t phys, uint64_t size_bytes,
		   const struct frames_piece *expected, size_t n)
{
	const struct run run = {phys, size_bytes};
	struct frames_piece pieces[N + 2];

	ck_assert_uint_le(n, frames_max_pieces(&frames, size_bytes));
	ck_assert_uint_eq(frames_pieces(&frames, &run, pieces, N + 2), n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(pieces[i].offset, expected[i].offset);
		ck_assert_uint_eq(pieces[i].size_bytes, expected[i].size_bytes);
	}
}

START_TEST(pieces_make_up_the_run)
{
	const struct frames_piece all[] = {
		{4 * PAGE, PAGE}, {2 * PAGE, PAGE}, {0, 2 * PAGE}};
	const struct frames_piece ends[] = {{5 * PAGE - 1, 1}, {2 * PAGE, 1}};
	const struct frames_piece inside = {2 * PAGE + 4096, 8192};
	const struct frames_piece apart[] = {{3 * PAGE, PAGE}, {5 * PAGE, PAGE}};

	expect(10 * PAGE, 4 * PAGE, all, 3);
	expect(11 * PAGE - 1, 2, ends, 2);
	expect(11 * PAGE + 4096, 8192, &inside, 1);
	expect(13 * PAGE, PAGE, &(struct frames_piece){PAGE, PAGE}, 1);
	expect(40 * PAGE, 2 * PAGE, apart, 2);
}
END_TEST

START_TEST(pieces_end_with_the_segment)
{
	expect(10 * PAGE, 4 * PAGE + 1, NULL, 0);
	expect(14 * PAGE, 1, NULL, 0);
	expect(10 * PAGE - 1, 2, NULL, 0);
	expect(0, 1, NULL, 0);
	expect(41 * PAGE, PAGE + 1, NULL, 0);
	expect(42 * PAGE, 1, NULL, 0);
	expect(UINT64_MAX, 1, NULL, 0);
	expect(10 * PAGE, 0, NULL, 0);
}
END_TEST

START_TEST(pieces_are_counted_beyond_room)
{
	const struct run run = {10 * PAGE, 4 * PAGE};
	struct frames_piece pieces[3] = {{1, 1}, {2, 2}, {3, 3}};

	ck_assert_uint_eq(frames_pieces(&frames, &run, NULL, 0), 3);
	ck_assert_uint_eq(frames_pieces(&frames, &run, pieces, 2), 3);
	ck_assert_uint_eq(pieces[0].offset, 4 * PAGE);
	ck_assert_uint_eq(pieces[1].offset, 2 * PAGE);
	ck_assert_uint_eq(pieces[2].offset, 3);
	ck_assert_uint_eq(pieces[2].size_bytes, 3);
}
END_TEST

START_TEST(unknown_pages_have_no_pieces)
{
	const struct run run = {0, 1};
	const struct frames none = {.n = 0};
	struct frames_piece piece;

	ck_assert_uint_eq(frames_pieces(&none, &run, &piece, 1), 0);
}
END_TEST

/* With one address changed, it is refused and says why. */
static void refuse(size_t i, uint64_t address, const char *said)
{
	struct frames other;
	struct error why = ERROR_INIT;
	uint64_t wrong[N];
	const struct frames_spec changed = {PAGE, wrong, N};

	memcpy(wrong, addresses, sizeof(wrong));
	wrong[i] = address;
	ck_assert_int_eq(frames_init(&other, &changed, &why), -EPROTO);
	ck_assert_msg(strstr(why.text, said), "'%s' lacks '%s'", why.text, said);
	ck_assert_ptr_null(other.all);
}

START_TEST(impossible_addresses_are_refused)
{
	const uint64_t last = (UINT64_C(1) << 63) - PAGE;
	const struct frames_spec one = {PAGE, &last, 1};
	struct frames highest;

	refuse(0, 12 * PAGE + 4096, "0x1801000 is no address of a huge page");
	refuse(5, UINT64_C(1) << 63, "is no address of a huge page");
	refuse(2, addresses[4], "two pages of the pool are at 0x1400000");
	ck_assert_int_eq(frames_init(&highest, &one, NULL), 0);
	frames_deinit(&highest);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frames");
	TCase *tcase = harness_case(suite, "frames");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, adjacent_pages_are_joined);
	tcase_add_test(tcase, addresses_come_back_in_order);
	tcase_add_test(tcase, pieces_make_up_the_run);
	tcase_add_test(tcase, pieces_end_with_the_segment);
	tcase_add_test(tcase, pieces_are_counted_beyond_room);
	tcase_add_test(tcase, unknown_pages_have_no_pieces);
	tcase_add_test(tcase, impossible_addresses_are_refused);
	return harness_run(suite);
}
