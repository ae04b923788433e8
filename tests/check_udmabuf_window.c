/* SPDX-License-Identifier: MIT */
#include "daemon/udmabuf_window.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "daemon/hugepages.h"
#include "daemon/udmabuf_probe.h"
#include "tests/harness.h"

/*
 * Where there is a udmabuf and all that it takes, as on the virtual board.  What
 * is in the pool is looked at in the pool's own mapping.
 */

#define BYTES 65536

static const struct backend_options insisting = {
	.allow_corrupting_kernel = true,
};

static uint64_t page_bytes, raised;
static struct udmabuf_memory *mem;
static unsigned char bytes[BYTES];

static void before(void)
{
	struct error why = ERROR_INIT;

	ck_assert_msg(udmabuf_memory_new(&mem, NULL, &why) == 0, "%s",
		      why.text);
	ck_assert_msg(udmabuf_memory_fill(mem, NULL, 2 * page_bytes, page_bytes,
					  &why) == 0,
		      "%s", why.text);
	raised = hugepool_raised_pages(mem->pool);
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (unsigned char)(i % 251 + 1);
}

static void after(void)
{
	struct hugepages stock;

	mem = udmabuf_memory_free(mem);
	if (raised == 0)
		return;
	ck_assert_int_eq(hugepages_init(&stock, NULL, NULL, page_bytes, NULL),
			 0);
	ck_assert_int_eq(hugepages_lower(&stock, raised), 0);
}

/* So many bytes from an offset within the first segment. */
static struct run run_at(uint64_t offset, uint64_t size_bytes)
{
	return (struct run){mem->memory.segments[0].phys + offset, size_bytes};
}

/* The byte of the pool that is at an offset within the first segment. */
static unsigned char byte_at(uint64_t offset)
{
	const struct run run = run_at(offset, 1);
	struct frames_piece piece;

	ck_assert_uint_eq(
		frames_pieces(hugepool_frames(mem->pool), &run, &piece, 1), 1);
	return *(unsigned char *)hugepool_at(mem->pool, piece.offset);
}

/* Within a page, and from one to the next where these two are adjacent. */
START_TEST(what_is_written_is_there_and_nowhere_else)
{
	uint64_t from = mem->memory.n_segments == 1 ? page_bytes - BYTES / 2
						    : BYTES;
	const struct run run = run_at(from, BYTES);
	unsigned char back[BYTES];

	ck_assert_int_eq(udmabuf_window_write(mem, &run, bytes), 0);
	ck_assert_int_eq(byte_at(from - 1), 0);
	ck_assert_int_eq(byte_at(from + BYTES), 0);
	for (size_t i = 0; i < BYTES; i += 127)
		ck_assert_int_eq(byte_at(from + i), bytes[i]);
	ck_assert_int_eq(udmabuf_window_read(mem, &run, back), 0);
	ck_assert_mem_eq(back, bytes, BYTES);
}
END_TEST

START_TEST(zero_ends_where_the_run_ends)
{
	const struct run run = run_at(0, BYTES);
	const struct run middle = run_at(BYTES / 4, BYTES / 2);

	ck_assert_int_eq(udmabuf_window_write(mem, &run, bytes), 0);
	ck_assert_int_eq(udmabuf_window_zero(mem, &middle, 0), 0);
	for (size_t i = 0; i < BYTES; i++)
		ck_assert_int_eq(byte_at(i),
				 i < BYTES / 4 || i >= BYTES / 4 * 3 ? bytes[i]
								     : 0);
}
END_TEST

START_TEST(runs_outside_are_refused)
{
	const struct run *last =
		&mem->memory.segments[mem->memory.n_segments - 1];
	const struct run outside = {last->phys + last->size_bytes, BYTES};
	const struct run beyond = {last->phys + last->size_bytes - BYTES / 2,
				   BYTES};

	ck_assert_int_eq(udmabuf_window_zero(mem, &outside, 0), -ERANGE);
	ck_assert_int_eq(udmabuf_window_write(mem, &beyond, bytes), -ERANGE);
	ck_assert_int_eq(udmabuf_window_read(mem, &beyond, bytes), -ERANGE);
}
END_TEST

int main(void)
{
	struct backend_report report;
	Suite *suite;
	TCase *tcase;

	harness_lock("/sys/kernel/mm/hugepages");
	udmabuf_probe(&insisting, &report);
	if (!report.serves)
		harness_skip(report.text);
	page_bytes = hugepages_default_bytes();
	suite = suite_create("udmabuf_window");
	tcase = harness_case(suite, "udmabuf_window");
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, what_is_written_is_there_and_nowhere_else);
	tcase_add_test(tcase, zero_ends_where_the_run_ends);
	tcase_add_test(tcase, runs_outside_are_refused);
	return harness_run(suite);
}
