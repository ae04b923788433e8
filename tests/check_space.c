/* SPDX-License-Identifier: MIT */
#include "daemon/space.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness.h"
#include "util/cleanup.h"

#define K UINT64_C(1024)
#define G 4096 /* the granule of most spaces below */

DEFINE_CLEANUP(struct space *, space_free)
#define _cleanup_space_ _cleanup_(space_freep)

static struct space *make(uint64_t granule_bytes, const struct run *segments,
			  size_t n)
{
	struct space *space = NULL;
	struct error why = ERROR_INIT;

	ck_assert_msg(space_new(&space, granule_bytes, segments, n, &why) == 0,
		      "%s", why.text);
	space_verify(space);
	return space;
}

/* One segment of n granules from base on. */
static struct space *make_plain(uint64_t base, uint64_t n)
{
	return make(G, &(struct run){base, n * G}, 1);
}

static struct space_request request(uint64_t size_bytes)
{
	return (struct space_request){.size_bytes = size_bytes,
				      .max_phys = UINT64_MAX};
}

/* Allocates and checks where. */
#define ck_assert_alloc(space, req, expected_phys)                              \
	do {                                                                    \
		struct run run_;                                                \
		ck_assert_int_eq(space_alloc((space), &(req), &run_, NULL), 0); \
		ck_assert_uint_eq(run_.phys, (expected_phys));                  \
		space_verify(space);                                            \
	} while (0)

/* Is refused with this outcome; nothing changes.  The refusal is left in
 * `refusal`. */
#define ck_assert_refused(space, req, outcome)                                  \
	do {                                                                    \
		struct run run_ = {1, 2};                                       \
		uint64_t free_ = space_free_bytes(space);                       \
		memset(&refusal, 0xff, sizeof(refusal));                        \
		ck_assert_int_eq(space_alloc((space), &(req), &run_, &refusal), \
				 (outcome));                                    \
		ck_assert_int_eq(space_alloc((space), &(req), &run_, NULL),     \
				 (outcome));                                    \
		ck_assert_uint_eq(run_.phys, 1);                                \
		ck_assert_uint_eq(run_.size_bytes, 2);                          \
		ck_assert_uint_eq(space_free_bytes(space), free_);              \
		ck_assert_uint_eq(refusal.free_bytes, free_);                   \
		ck_assert_uint_eq(refusal.largest_free_bytes,                   \
				  space_largest_free_bytes(space));             \
		space_verify(space);                                            \
	} while (0)

static void claim(struct space *space, uint64_t phys, uint64_t size_bytes)
{
	ck_assert_int_eq(space_claim(space, &(struct run){phys, size_bytes}), 0);
	space_verify(space);
}

static void release(struct space *space, uint64_t phys, uint64_t size_bytes)
{
	space_release(space, &(struct run){phys, size_bytes});
	space_verify(space);
}

static int new_error(uint64_t granule_bytes, const struct run *segments,
		     size_t n)
{
	struct error why = ERROR_INIT;
	struct space *space = NULL;
	int r = space_new(&space, granule_bytes, segments, n, &why);

	ck_assert_ptr_null(space);
	ck_assert_str_ne(why.text, "");
	ck_assert_int_eq(space_new(&space, granule_bytes, segments, n, NULL), r);
	return r;
}

START_TEST(new_refuses)
{
	const struct run good = {G, G};
	const struct run odd_base = {G + 1, G}, odd_size = {G, G + 1};
	const struct run empty = {G, 0}, beyond = {-(uint64_t)G, 2 * G};
	const struct run overlapping[] = {{8 * G, 2 * G}, {7 * G, G + G}};
	const struct run twice[] = {{8 * G, G}, {8 * G, G}};
	const struct run everything[] = {
		{0, UINT64_C(1) << 63}, {UINT64_C(1) << 63, UINT64_C(1) << 63}};

	ck_assert_int_eq(new_error(0, &good, 1), -EINVAL);
	ck_assert_int_eq(new_error(G + 1, &good, 1), -EINVAL);
	ck_assert_int_eq(new_error(G, NULL, 0), -EINVAL);
	ck_assert_int_eq(new_error(G, &odd_base, 1), -EINVAL);
	ck_assert_int_eq(new_error(G, &odd_size, 1), -EINVAL);
	ck_assert_int_eq(new_error(G, &empty, 1), -EINVAL);
	ck_assert_int_eq(new_error(G, &beyond, 1), -EINVAL);
	ck_assert_int_eq(new_error(G, overlapping, 2), -EINVAL);
	ck_assert_int_eq(new_error(G, twice, 2), -EINVAL);
	ck_assert_int_eq(new_error(G, everything, 2), -EINVAL);
	/* 2^62 bits are more than any machine has. */
	ck_assert_int_eq(new_error(1, &(struct run){0, UINT64_C(1) << 62}, 1),
			 -ENOMEM);
}
END_TEST

START_TEST(segments)
{
	/* Unsorted; the two at 16 granules touch. */
	const struct run given[] = {{17 * G, 3 * G}, {4 * G, 2 * G}, {16 * G, G}};
	_cleanup_space_ struct space *space = make(G, given, 3);
	const struct run *runs;
	size_t n;

	runs = space_segments(space, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(runs[0].phys, 4 * G);
	ck_assert_uint_eq(runs[0].size_bytes, 2 * G);
	ck_assert_uint_eq(runs[1].phys, 16 * G);
	ck_assert_uint_eq(runs[1].size_bytes, 4 * G);
	ck_assert_uint_eq(space_granule_bytes(space), G);
	ck_assert_uint_eq(space_size_bytes(space), 6 * G);
	ck_assert_uint_eq(space_base(space), 4 * G);
	ck_assert_uint_eq(space_span_bytes(space), 16 * G);
	ck_assert_uint_eq(space_free_bytes(space), 6 * G);
	ck_assert_uint_eq(space_largest_free_bytes(space), 4 * G);
	ck_assert_uint_eq(space_count_free_runs(space), 2);
}
END_TEST

START_TEST(rounds_to_granules)
{
	_cleanup_space_ struct space *space = make_plain(16 * G, 4);
	struct space_request one = request(1), two = request(G + 1);
	struct run run;

	ck_assert_int_eq(space_alloc(space, &one, &run, NULL), 0);
	ck_assert_uint_eq(run.phys, 16 * G);
	ck_assert_uint_eq(run.size_bytes, G);
	ck_assert_int_eq(space_alloc(space, &two, &run, NULL), 0);
	ck_assert_uint_eq(run.phys, 17 * G);
	ck_assert_uint_eq(run.size_bytes, 2 * G);
	ck_assert_uint_eq(space_free_bytes(space), G);
}
END_TEST

START_TEST(whole_segment)
{
	_cleanup_space_ struct space *space = make_plain(16 * G, 4);
	struct space_request all = request(4 * G), more = request(4 * G + 1);
	struct space_refusal refusal;

	ck_assert_refused(space, more, SPACE_E_TOO_LARGE);
	ck_assert_uint_eq(refusal.constraints, 0);
	ck_assert_alloc(space, all, 16 * G);
	ck_assert_uint_eq(space_free_bytes(space), 0);
	ck_assert_uint_eq(space_largest_free_bytes(space), 0);
	ck_assert_uint_eq(space_count_free_runs(space), 0);
	ck_assert_refused(space, all, SPACE_E_FULL);
	release(space, 16 * G, 4 * G);
	ck_assert_alloc(space, all, 16 * G);
}
END_TEST

START_TEST(reasons_in_order)
{
	const struct run two[] = {{0, 4 * G}, {8 * G, 3 * G}};
	_cleanup_space_ struct space *space = make(G, two, 2);
	struct space_request three = request(3 * G), four = request(4 * G);
	struct space_request five = request(5 * G), huge = request(UINT64_MAX);
	struct space_refusal refusal;

	ck_assert_refused(space, five, SPACE_E_TOO_LARGE);
	ck_assert_refused(space, huge, SPACE_E_TOO_LARGE);
	claim(space, G, G); /* free: 1, 2 and 3 granules */
	ck_assert_refused(space, four, SPACE_E_FRAGMENTED);
	claim(space, 9 * G, G); /* 1, 2, 1 and 1 */
	ck_assert_refused(space, four, SPACE_E_FRAGMENTED);
	ck_assert_refused(space, three, SPACE_E_FRAGMENTED);
	ck_assert_uint_eq(refusal.largest_free_bytes, 2 * G);
	claim(space, 0, G); /* 2, 1 and 1 */
	ck_assert_refused(space, five, SPACE_E_TOO_LARGE);
	ck_assert_refused(space, four, SPACE_E_FRAGMENTED);
	claim(space, 8 * G, G); /* 2 and 1: one granule less than asked for */
	ck_assert_refused(space, four, SPACE_E_FULL);
	ck_assert_refused(space, three, SPACE_E_FRAGMENTED);
}
END_TEST

START_TEST(invalid_requests)
{
	_cleanup_space_ struct space *space = make_plain(0, 16);
	const struct space_request bad[] = {
		{.size_bytes = 0, .max_phys = UINT64_MAX},
		{.size_bytes = G, .align_bytes = 3, .max_phys = UINT64_MAX},
		{.size_bytes = G, .align_bytes = 3 * G},
		{.size_bytes = G, .boundary_bytes = 3 * G},
		{.size_bytes = 2 * G, .boundary_bytes = G},
		{.size_bytes = G + 1, .boundary_bytes = G},
		{.size_bytes = 1, .boundary_bytes = G / 2},
		{.size_bytes = UINT64_MAX, .boundary_bytes = G},
	};
	struct space_request exact = request(2 * G - 1);
	struct space_refusal refusal;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_refused(space, bad[i], SPACE_E_INVALID);
	exact.boundary_bytes = 2 * G;
	exact.align_bytes = 1;
	ck_assert_alloc(space, exact, 0);
}
END_TEST

START_TEST(best_fit)
{
	const uint64_t U = 64 * G; /* runs that differ by it are not near */
	const struct run given[] = {
		{0, 8 * U}, {16 * U, 3 * U}, {32 * U, 3 * U}, {48 * U, 2 * U}};
	_cleanup_space_ struct space *space = make(G, given, 4);
	struct space_request three = request(3 * U), one = request(U);
	struct space_request low = request(U), few = request(G);

	low.max_phys = 32 * U - 1;
	ck_assert_alloc(space, one, 48 * U); /* the smallest run */
	ck_assert_alloc(space, one, 49 * U);
	ck_assert_alloc(space, three, 16 * U); /* the lower of two */
	ck_assert_alloc(space, three, 32 * U);
	ck_assert_alloc(space, three, 0);
	release(space, 32 * U, 3 * U);
	ck_assert_alloc(space, low, 3 * U); /* the smallest below 32 */
	release(space, 16 * U, 2 * G);
	release(space, 48 * U, G);
	ck_assert_alloc(space, few, 16 * U); /* the lowest near to it */
}
END_TEST

START_TEST(alignment_refused)
{
	/* Holes of two granules that all miss the alignment by one. */
	const struct run given[] = {{G, 2 * G}, {5 * G, 2 * G}};
	_cleanup_space_ struct space *space = make(G, given, 2);
	struct space_request two = request(2 * G);
	struct space_refusal refusal;

	two.align_bytes = 2 * G;
	ck_assert_refused(space, two, SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(refusal.constraints, SPACE_ALIGN);
	two.boundary_bytes = 4 * G; /* excludes nothing that is left */
	ck_assert_refused(space, two, SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(refusal.constraints, SPACE_ALIGN);
	two.align_bytes = G;
	ck_assert_alloc(space, two, G);
}
END_TEST

START_TEST(highest_address_refused)
{
	_cleanup_space_ struct space *space = make_plain(4 * G, 4);
	struct space_request two = request(2 * G);
	struct space_refusal refusal;

	two.max_phys = 6 * G - 2;
	ck_assert_refused(space, two, SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(refusal.constraints, SPACE_MAX_PHYS);
	two.max_phys = 0;
	ck_assert_refused(space, two, SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(refusal.constraints, SPACE_MAX_PHYS);
	two.max_phys = 6 * G - 1;
	ck_assert_alloc(space, two, 4 * G);
}
END_TEST

START_TEST(boundary_refused)
{
	_cleanup_space_ struct space *space = make_plain(3 * G, 2);
	struct space_request two = request(2 * G);
	struct space_refusal refusal;

	two.boundary_bytes = 4 * G;
	ck_assert_refused(space, two, SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(refusal.constraints, SPACE_BOUNDARY);
	two.boundary_bytes = 0;
	ck_assert_alloc(space, two, 3 * G);
}
END_TEST

START_TEST(only_together)
{
	/* From 1 to 9: aligned to 4 there is 4, below 4 there is 1. */
	_cleanup_space_ struct space *space = make_plain(G, 8);
	struct space_request two = request(2 * G);
	struct space_refusal refusal;

	two.align_bytes = 4 * G;
	two.max_phys = 5 * G;
	two.boundary_bytes = 2 * G;
	ck_assert_refused(space, two, SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(refusal.constraints, SPACE_ALIGN | SPACE_MAX_PHYS);
	two.max_phys = 6 * G - 1;
	ck_assert_alloc(space, two, 4 * G);
}
END_TEST

START_TEST(each_alone)
{
	/* Dropping one is not enough; a third that does not matter is not
	 * named, one that does is. */
	_cleanup_space_ struct space *space = make_plain(G, 2);
	struct space_request two = request(2 * G);
	struct space_refusal refusal;

	two.align_bytes = 2 * G;
	two.max_phys = 2 * G;
	two.boundary_bytes = 4 * G;
	ck_assert_refused(space, two, SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(refusal.constraints, SPACE_ALIGN | SPACE_MAX_PHYS);
	two.boundary_bytes = 2 * G;
	ck_assert_refused(space, two, SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(refusal.constraints,
			  SPACE_ALIGN | SPACE_MAX_PHYS | SPACE_BOUNDARY);
}
END_TEST

START_TEST(claims)
{
	const struct run given[] = {{4 * G, 4 * G}, {16 * G, 4 * G}};
	_cleanup_space_ struct space *space = make(G, given, 2);
	const struct run out_of_range[] = {
		{3 * G, G},
		{8 * G, G},
		{7 * G, 2 * G},
		{20 * G, G},
		{4 * G, 16 * G},
		{4 * G + 1, G},
		{4 * G, G + 1},
		{4 * G, 0},
		{0, G},
		{16 * G, 5 * G},
		{16 * G, -(uint64_t)(16 * G)},
		{4 * G, UINT64_MAX},
	};

	for (size_t i = 0; i < sizeof(out_of_range) / sizeof(out_of_range[0]);
	     i++)
		ck_assert_int_eq(space_claim(space, &out_of_range[i]), -ERANGE);
	claim(space, 5 * G, 2 * G);
	ck_assert_int_eq(space_claim(space, &(struct run){4 * G, 2 * G}),
			 -EBUSY);
	ck_assert_int_eq(space_claim(space, &(struct run){6 * G, 2 * G}),
			 -EBUSY);
	claim(space, 4 * G, G);
	claim(space, 7 * G, G);
	claim(space, 16 * G, 4 * G);
	ck_assert_uint_eq(space_free_bytes(space), 0);
}
END_TEST

/* A run that comes back granule by granule, every second one first, needs the
 * most free runs that there can be: also in segments of odd length. */
START_TEST(release_in_parts)
{
	const struct run given[] = {{0, 5 * G}, {8 * G, G}, {16 * G, 7 * G}};
	_cleanup_space_ struct space *space = make(G, given, 3);

	for (int i = 0; i < 3; i++)
		claim(space, given[i].phys, given[i].size_bytes);
	for (int i = 0; i < 3; i++)
		for (uint64_t at = 0; at < given[i].size_bytes; at += 2 * G)
			release(space, given[i].phys + at, G);
	ck_assert_uint_eq(space_count_free_runs(space), 3 + 1 + 4);
	for (int i = 0; i < 3; i++)
		for (uint64_t at = G; at < given[i].size_bytes; at += 2 * G)
			release(space, given[i].phys + at, G);
	ck_assert_uint_eq(space_count_free_runs(space), 3);
	ck_assert_uint_eq(space_free_bytes(space), 13 * G);
}
END_TEST

START_TEST(end_of_address_space)
{
	const struct run given[] = {{0, G}, {-(uint64_t)(4 * G), 4 * G}};
	_cleanup_space_ struct space *space = make(G, given, 2);
	struct space_request four = request(4 * G), one = request(G);
	struct space_refusal refusal;

	ck_assert_uint_eq(space_span_bytes(space), UINT64_MAX);
	ck_assert_alloc(space, four, -(uint64_t)(4 * G));
	ck_assert_refused(space, four, SPACE_E_FULL);
	release(space, -(uint64_t)G, G);
	ck_assert_uint_eq(space_count_free_runs(space), 2);
	ck_assert_alloc(space, one, 0);
	ck_assert_alloc(space, one, -(uint64_t)G);
	ck_assert_int_eq(space_claim(space, &(struct run){-(uint64_t)G, 2 * G}),
			 -ERANGE);
	release(space, -(uint64_t)(4 * G), 4 * G);
	release(space, 0, G);
	ck_assert_uint_eq(space_free_bytes(space), 5 * G);
}
END_TEST

/* The constraints are the run's: a tail may lie beyond the highest address and
 * across a boundary. */
START_TEST(tail)
{
	_cleanup_space_ struct space *space = make_plain(16 * G, 8);
	struct space_request four = request(4 * G), odd = request(G);
	struct space_refusal refusal;
	struct run run;

	odd.tail_bytes = G / 2;
	ck_assert_refused(space, odd, SPACE_E_INVALID);
	four.max_phys = 20 * G - 1;
	four.align_bytes = 4 * G;
	four.boundary_bytes = 4 * G;
	four.tail_bytes = 5 * G;
	ck_assert_refused(space, four, SPACE_E_TOO_LARGE);
	four.tail_bytes = UINT64_MAX & ~(uint64_t)(G - 1);
	ck_assert_refused(space, four, SPACE_E_TOO_LARGE);
	four.tail_bytes = 4 * G;
	ck_assert_int_eq(space_alloc(space, &four, &run, NULL), 0);
	ck_assert_uint_eq(run.phys, 16 * G);
	ck_assert_uint_eq(run.size_bytes, 8 * G);
	space_verify(space);
	release(space, 17 * G, 7 * G);
	ck_assert_refused(space, four, SPACE_E_FULL);
	four.max_phys = UINT64_MAX;
	four.tail_bytes = 0;
	ck_assert_alloc(space, four, 20 * G);
	four.align_bytes = 0;
	four.boundary_bytes = 0;
	release(space, 21 * G, 3 * G); /* 3 and 3 granules */
	four.size_bytes = 2 * G;
	four.tail_bytes = 2 * G;
	ck_assert_refused(space, four, SPACE_E_FRAGMENTED);
	four.tail_bytes = G;
	four.align_bytes = 2 * G; /* room from 17 and from 21 on, both odd */
	ck_assert_refused(space, four, SPACE_E_CONSTRAINT);
	ck_assert_uint_eq(refusal.constraints, SPACE_ALIGN);
}
END_TEST

START_TEST(tiny_granule)
{
	_cleanup_space_ struct space *space =
		make(1, &(struct run){UINT64_MAX - 2, 3}, 1);
	struct space_request two = request(2);

	two.align_bytes = 2;
	ck_assert_alloc(space, two, UINT64_MAX - 1);
	ck_assert_uint_eq(space_largest_free_bytes(space), 1);
}
END_TEST

/* A terabyte costs what is used of it. */
START_TEST(large)
{
	_cleanup_space_ struct space *space =
		make(G, &(struct run){K * K * K, K * K * K * K}, 1);
	struct space_request half = request(K * K * K * K / 2);

	ck_assert_alloc(space, half, K * K * K);
	half.align_bytes = half.size_bytes;
	{
		struct space_refusal refusal;

		ck_assert_refused(space, half, SPACE_E_CONSTRAINT);
		ck_assert_uint_eq(refusal.constraints, SPACE_ALIGN);
	}
}
END_TEST

static void append_run(void *data, const struct run *run)
{
	char *text = data;

	(void)sprintf(text + strlen(text), "%d+%d ", (int)(run->phys / G),
		      (int)(run->size_bytes / G));
}

START_TEST(free_runs_in_order)
{
	_cleanup_space_ struct space *space = make_plain(0, 9);
	char text[128] = "";

	claim(space, 7 * G, G);
	claim(space, 2 * G, G);
	claim(space, 4 * G, G);
	space_for_each_free(space, append_run, text);
	ck_assert_str_eq(text, "0+2 3+1 5+2 8+1 ");
}
END_TEST

START_TEST(release_twice)
{
	struct space *space = make_plain(0, 4);

	claim(space, 0, 2 * G);
	release(space, G, G);
	space_release(space, &(struct run){G, G});
}
END_TEST

START_TEST(release_free_part)
{
	struct space *space = make_plain(0, 4);

	claim(space, 0, 2 * G);
	space_release(space, &(struct run){0, 3 * G});
}
END_TEST

START_TEST(release_gap)
{
	const struct run given[] = {{0, G}, {2 * G, G}};
	struct space *space = make(G, given, 2);

	claim(space, 0, G);
	claim(space, 2 * G, G);
	space_release(space, &(struct run){0, 3 * G});
}
END_TEST

START_TEST(release_odd)
{
	struct space *space = make_plain(0, 4);

	claim(space, 0, 4 * G);
	space_release(space, &(struct run){0, G / 2});
}
END_TEST

START_TEST(bytes_from_an_address)
{
	const struct run parts[] = {
		{0x10000, 0x2000},
		{0x20000, 0x1000},
		{UINT64_MAX - 0xfff, 0x1000},
	};
	struct space *space;

	ck_assert_int_eq(space_new(&space, 0x1000, parts, 3, NULL), 0);
	ck_assert_uint_eq(space_bytes_from(space, 0), 0);
	ck_assert_uint_eq(space_bytes_from(space, 0xffff), 0);
	ck_assert_uint_eq(space_bytes_from(space, 0x10000), 0x2000);
	ck_assert_uint_eq(space_bytes_from(space, 0x11fff), 1);
	ck_assert_uint_eq(space_bytes_from(space, 0x12000), 0);
	ck_assert_uint_eq(space_bytes_from(space, 0x20fff), 1);
	ck_assert_uint_eq(space_bytes_from(space, UINT64_MAX), 1);
	(void)space_free(space);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("space");
	TCase *tcase = harness_case(suite, "space");

	tcase_add_test(tcase, new_refuses);
	tcase_add_test(tcase, segments);
	tcase_add_test(tcase, rounds_to_granules);
	tcase_add_test(tcase, whole_segment);
	tcase_add_test(tcase, reasons_in_order);
	tcase_add_test(tcase, invalid_requests);
	tcase_add_test(tcase, best_fit);
	tcase_add_test(tcase, alignment_refused);
	tcase_add_test(tcase, highest_address_refused);
	tcase_add_test(tcase, boundary_refused);
	tcase_add_test(tcase, only_together);
	tcase_add_test(tcase, each_alone);
	tcase_add_test(tcase, claims);
	tcase_add_test(tcase, release_in_parts);
	tcase_add_test(tcase, end_of_address_space);
	tcase_add_test(tcase, tail);
	tcase_add_test(tcase, tiny_granule);
	tcase_add_test(tcase, large);
	tcase_add_test(tcase, free_runs_in_order);
	tcase_add_test_raise_signal(tcase, release_twice, SIGABRT);
	tcase_add_test_raise_signal(tcase, release_free_part, SIGABRT);
	tcase_add_test_raise_signal(tcase, release_gap, SIGABRT);
	tcase_add_test_raise_signal(tcase, release_odd, SIGABRT);
	tcase_add_test(tcase, bytes_from_an_address);
	return harness_run(suite);
}
