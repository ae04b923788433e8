/* SPDX-License-Identifier: MIT */
#include "daemon/fit.h"

#include "tests/harness.h"

#define NOWHERE UINT64_C(0xdead)

static uint64_t place(struct fit fit, uint64_t phys, uint64_t size_bytes)
{
	struct run run = {.phys = phys, .size_bytes = size_bytes};
	uint64_t found = NOWHERE;

	if (!fit.align_bytes)
		fit.align_bytes = 1;
	if (!fit.max_phys)
		fit.max_phys = UINT64_MAX;
	if (!fit_place(&fit, &run, &found) && found != NOWHERE)
		ck_abort_msg("a place is written where there is none");
	return found;
}

#define PLACE(phys, size, ...) \
	place((struct fit){.size_bytes = __VA_ARGS__}, (phys), (size))

START_TEST(size)
{
	ck_assert_uint_eq(PLACE(100, 8, 8), 100);
	ck_assert_uint_eq(PLACE(100, 8, 9), NOWHERE);
	ck_assert_uint_eq(PLACE(0, 1, 1), 0);
}
END_TEST

START_TEST(alignment)
{
	ck_assert_uint_eq(PLACE(0x11, 0x1f, 0x10, .align_bytes = 0x10), 0x20);
	ck_assert_uint_eq(PLACE(0x11, 0x1e, 0x10, .align_bytes = 0x10), NOWHERE);
	ck_assert_uint_eq(PLACE(0x20, 0x10, 0x10, .align_bytes = 0x20), 0x20);
	ck_assert_uint_eq(PLACE(UINT64_MAX, 1, 1, .align_bytes = 2), NOWHERE);
}
END_TEST

START_TEST(highest_address)
{
	ck_assert_uint_eq(PLACE(0x10, 0x100, 0x10, .max_phys = 0x1f), 0x10);
	ck_assert_uint_eq(PLACE(0x10, 0x100, 0x10, .max_phys = 0x1e), NOWHERE);
	ck_assert_uint_eq(PLACE(0x10, 0x100, 0x10, .max_phys = 1), NOWHERE);
	ck_assert_uint_eq(
		PLACE(0x10, 0x100, 0x10, .align_bytes = 0x20, .max_phys = 0x2e),
		NOWHERE);
}
END_TEST

START_TEST(boundary)
{
	/* Up to the boundary, but not over it. */
	ck_assert_uint_eq(PLACE(0x18, 0x100, 8, .boundary_bytes = 0x20), 0x18);
	ck_assert_uint_eq(PLACE(0x18, 0x100, 9, .boundary_bytes = 0x20), 0x20);
	/* The whole window, and a run that holds none. */
	ck_assert_uint_eq(PLACE(0x18, 0x28, 0x20, .boundary_bytes = 0x20), 0x20);
	ck_assert_uint_eq(PLACE(0x18, 0x27, 0x20, .boundary_bytes = 0x20),
			  NOWHERE);
	/* In the second window the highest address is in the way. */
	ck_assert_uint_eq(
		PLACE(0x18, 0x100, 9, .boundary_bytes = 0x20, .max_phys = 0x28),
		0x20);
	ck_assert_uint_eq(
		PLACE(0x18, 0x100, 9, .boundary_bytes = 0x20, .max_phys = 0x27),
		NOWHERE);
}
END_TEST

START_TEST(boundary_and_alignment)
{
	/* An alignment below, at and above the boundary. */
	ck_assert_uint_eq(PLACE(0x31, 0x100, 0xa, .align_bytes = 8,
				.boundary_bytes = 0x20),
			  0x40);
	ck_assert_uint_eq(
		PLACE(0x31, 0x100, 8, .align_bytes = 8, .boundary_bytes = 0x20),
		0x38);
	ck_assert_uint_eq(PLACE(0x31, 0x100, 0x20, .align_bytes = 0x20,
				.boundary_bytes = 0x20),
			  0x40);
	ck_assert_uint_eq(PLACE(0x31, 0x100, 0x20, .align_bytes = 0x80,
				.boundary_bytes = 0x20),
			  0x80);
}
END_TEST

/* The tail is beyond every constraint, but not beyond the run. */
START_TEST(tail)
{
	ck_assert_uint_eq(PLACE(100, 12, 8, .tail_bytes = 4), 100);
	ck_assert_uint_eq(PLACE(100, 11, 8, .tail_bytes = 4), NOWHERE);
	ck_assert_uint_eq(PLACE(100, 4, 8, .tail_bytes = 4), NOWHERE);
	ck_assert_uint_eq(PLACE(100, 4, 8, .tail_bytes = UINT64_MAX), NOWHERE);
	ck_assert_uint_eq(PLACE(0x11, 0x23, 0x10, .align_bytes = 0x10,
				.tail_bytes = 4),
			  0x20);
	ck_assert_uint_eq(PLACE(0x11, 0x22, 0x10, .align_bytes = 0x10,
				.tail_bytes = 4),
			  NOWHERE);
	ck_assert_uint_eq(PLACE(0x10, 0x14, 0x10, .max_phys = 0x1f,
				.tail_bytes = 4),
			  0x10);
	ck_assert_uint_eq(PLACE(0x18, 0x100, 8, .boundary_bytes = 0x20,
				.tail_bytes = 8),
			  0x18);
	ck_assert_uint_eq(PLACE(0, UINT64_MAX, 1, .tail_bytes = UINT64_MAX - 1),
			  0);
}
END_TEST

START_TEST(end_of_address_space)
{
	uint64_t top = UINT64_MAX - 0xff; /* 2^64 - 256 */

	ck_assert_uint_eq(PLACE(top, 0x100, 0x100), top);
	ck_assert_uint_eq(PLACE(top, 0x100, 0x101), NOWHERE);
	ck_assert_uint_eq(PLACE(top + 1, 0xff, 0x80, .align_bytes = 0x80),
			  top + 0x80);
	ck_assert_uint_eq(PLACE(top + 0x81, 0x7f, 0x80, .align_bytes = 0x80),
			  NOWHERE);
	ck_assert_uint_eq(PLACE(top + 1, 0xff, 0x80, .boundary_bytes = 0x80),
			  top + 0x80);
	ck_assert_uint_eq(PLACE(0, UINT64_MAX, UINT64_MAX), 0);
	ck_assert_uint_eq(PLACE(1, UINT64_MAX, UINT64_C(1) << 63,
				.align_bytes = UINT64_C(1) << 63,
				.boundary_bytes = UINT64_C(1) << 63),
			  UINT64_C(1) << 63);
}
END_TEST

/* The same answer by trying every address. */
static uint64_t try_all(const struct fit *fit, uint64_t start, uint64_t length)
{
	uint64_t taken = fit_bytes(fit);

	for (uint64_t at = start; at + taken <= start + length; at++) {
		uint64_t last = at + fit->size_bytes - 1;

		if (at % fit->align_bytes == 0 && last <= fit->max_phys &&
		    (!fit->boundary_bytes ||
		     at / fit->boundary_bytes == last / fit->boundary_bytes))
			return at;
	}
	return NOWHERE;
}

static void compare(const struct fit *fit)
{
	for (uint64_t start = 0; start < 20; start++)
		for (uint64_t length = fit->size_bytes; length < 36; length++)
			/* An assertion of libcheck's costs a system call. */
			if (place(*fit, start, length) !=
			    try_all(fit, start, length))
				ck_assert_uint_eq(place(*fit, start, length),
						  try_all(fit, start, length));
}

/* Every combination of small values. */
START_TEST(exhaustive)
{
	static const uint64_t powers[] = {1, 2, 4, 8, 16, 0};
	struct fit fit = {.tail_bytes = 0};

	for (fit.size_bytes = 1; fit.size_bytes <= 17; fit.size_bytes++)
		for (int i = 0; i < 5 * 6; i++) {
			fit.align_bytes = powers[i / 6];
			fit.boundary_bytes = powers[i % 6];
			if (fit.boundary_bytes &&
			    fit.boundary_bytes < fit.size_bytes)
				continue;
			fit.tail_bytes = (fit.size_bytes + (uint64_t)i) % 3;
			for (fit.max_phys = 1; fit.max_phys < 60;
			     fit.max_phys += 3)
				compare(&fit);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fit");
	TCase *tcase = harness_case(suite, "fit");

	tcase_add_test(tcase, size);
	tcase_add_test(tcase, alignment);
	tcase_add_test(tcase, highest_address);
	tcase_add_test(tcase, boundary);
	tcase_add_test(tcase, boundary_and_alignment);
	tcase_add_test(tcase, tail);
	tcase_add_test(tcase, end_of_address_space);
	tcase_add_test(tcase, exhaustive);
	return harness_run(suite);
}
