/* SPDX-License-Identifier: MIT */
#include "daemon/hugepool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/hugepages.h"
#include "tests/harness.h"

/*
 * Real huge pages, for which the test needs some free or the right to ask for
 * them, and the right to see addresses; without, only the limits are tested.
 */

#define PAGES 4

static uint64_t page_bytes;
static struct hugepool *pool;

/* Frees the pool and puts the kernel's stock back to what it was before. */
static int give_back(struct hugepool *used)
{
	uint64_t raised = hugepool_raised_pages(used);
	struct hugepages stock;
	int r;

	(void)hugepool_free(used);
	if (raised == 0)
		return 0;
	r = hugepages_init(&stock, NULL, NULL, page_bytes, NULL);
	return r ? r : hugepages_lower(&stock, raised);
}

static void make_pool(void)
{
	struct error why = ERROR_INIT;

	ck_assert_msg(hugepool_new(&pool, "test", PAGES * page_bytes,
				   page_bytes, &why) == 0,
		      "%s", why.text);
	ck_assert_msg(hugepool_locate(pool, &why) == 0, "%s", why.text);
}

static void drop_pool(void)
{
	ck_assert_int_eq(give_back(pool), 0);
}

START_TEST(refuses_odd_sizes)
{
	struct error why = ERROR_INIT;
	struct hugepool *none = NULL;

	ck_assert_int_eq(hugepool_new(&none, "test", 0, 2 << 20, &why), -EINVAL);
	ck_assert_int_eq(
		hugepool_new(&none, "test", (2 << 20) + 4096, 2 << 20, &why),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "whole number"));
	ck_assert_int_eq(hugepool_new(&none, "test", 3 << 20, 3 << 20, &why),
			 -EINVAL);
	ck_assert_int_eq(hugepool_new(&none, "test", 4096, 0, &why), -EINVAL);
	ck_assert_int_eq(hugepool_new(&none, "test", 8192, 8192, &why),
			 -ENOENT); /* no machine has such huge pages */
	ck_assert_ptr_nonnull(strstr(why.text, "huge pages of 8K"));
	ck_assert_ptr_null(none);
	ck_assert_ptr_null(hugepool_free(NULL));
}
END_TEST

START_TEST(pages_are_there_and_zero)
{
	uint64_t size = hugepool_size_bytes(pool);

	ck_assert_uint_eq(size, PAGES * page_bytes);
	ck_assert_uint_eq(hugepool_page_bytes(pool), page_bytes);
	for (uint64_t i = 0; i < size; i += 8)
		if (*(const uint64_t *)hugepool_at(pool, i) != 0)
			ck_abort_msg("not zero at %llu", (unsigned long long)i);
}
END_TEST

START_TEST(pool_is_sealed)
{
	int fd = hugepool_fd(pool);

	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS),
			 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(segments_are_sorted_and_whole)
{
	const struct run *segments = hugepool_frames(pool)->segments;
	size_t n = hugepool_frames(pool)->n_segments;
	uint64_t total = 0;

	ck_assert_uint_ge(n, 1);
	ck_assert_uint_le(n, PAGES);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_ne(segments[i].phys, 0);
		ck_assert_uint_eq(segments[i].phys % page_bytes, 0);
		ck_assert_uint_gt(segments[i].size_bytes, 0);
		ck_assert_uint_eq(segments[i].size_bytes % page_bytes, 0);
		/* adjacent ones would have been joined */
		if (i > 0)
			ck_assert_uint_gt(segments[i].phys,
					  segments[i - 1].phys +
						  segments[i - 1].size_bytes);
		total += segments[i].size_bytes;
	}
	ck_assert_uint_eq(total, PAGES * page_bytes);
}
END_TEST

/* The physical address of a byte of the pool, read by other means than the
 * pool's own table. */
static uint64_t address_of(uint64_t offset)
{
	uint64_t base = (uint64_t)sysconf(_SC_PAGESIZE), entry = 0;
	const volatile char *at = hugepool_at(pool, offset);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	(void)*at;
	ck_assert_int_eq(
		pread(fd, &entry, 8, (off_t)((uintptr_t)at / base * 8)), 8);
	ck_assert_int_eq(close(fd), 0);
	return (entry & ((UINT64_C(1) << 55) - 1)) * base + (uintptr_t)at % base;
}

/* Walks a run piece by piece: addresses must follow one another, and the
 * pieces must be the pool's own. */
static void assert_pieces(const struct run *run)
{
	const struct frames *frames = hugepool_frames(pool);
	size_t room = frames_max_pieces(frames, run->size_bytes);
	struct frames_piece *pieces = calloc(room, sizeof(*pieces));
	size_t n = frames_pieces(frames, run, pieces, room);
	uint64_t phys = run->phys;

	ck_assert_uint_ge(n, 1);
	ck_assert_uint_le(n, room);
	for (size_t i = 0; i < n; i++) {
		uint64_t end = pieces[i].offset + pieces[i].size_bytes;

		ck_assert_uint_le(end, hugepool_size_bytes(pool));
		ck_assert_uint_eq(address_of(pieces[i].offset), phys);
		ck_assert_uint_eq(address_of(end - 1),
				  phys + pieces[i].size_bytes - 1);
		if (i > 0) /* neighbours in the memfd are one piece */
			ck_assert_uint_ne(pieces[i].offset,
					  pieces[i - 1].offset +
						  pieces[i - 1].size_bytes);
		phys += pieces[i].size_bytes;
	}
	ck_assert_uint_eq(phys, run->phys + run->size_bytes);
	free(pieces);
}

START_TEST(pieces_make_up_the_run)
{
	const struct run *segments = hugepool_frames(pool)->segments;
	size_t n = hugepool_frames(pool)->n_segments;

	for (size_t i = 0; i < n; i++) {
		struct run run = segments[i];

		assert_pieces(&run);
		run.size_bytes = 4096;
		assert_pieces(&run);
		run.phys = segments[i].phys + segments[i].size_bytes - 4096;
		assert_pieces(&run);
		run.phys = segments[i].phys + 4096;
		run.size_bytes = segments[i].size_bytes - 8192;
		assert_pieces(&run);
	}
}
END_TEST

START_TEST(pieces_need_addresses)
{
	const struct run run = {0, 4096};
	struct frames_piece piece;
	struct hugepool *other = NULL;
	struct error why = ERROR_INIT;

	ck_assert_msg(
		hugepool_new(&other, "test", page_bytes, page_bytes, &why) == 0,
		"%s", why.text);
	ck_assert_uint_eq(
		frames_pieces(hugepool_frames(other), &run, &piece, 1), 0);
	ck_assert_int_eq(give_back(other), 0);
}
END_TEST

/* Another process takes the pool over: the same pages at the same addresses. */
START_TEST(pool_can_be_adopted)
{
	int fd = fcntl(hugepool_fd(pool), F_DUPFD_CLOEXEC, 0);
	struct error why = ERROR_INIT;
	uint64_t addresses[PAGES];
	const struct frames_spec pages = {page_bytes, addresses, PAGES};
	struct hugepool *other;
	const struct frames *ours = hugepool_frames(pool), *theirs;

	frames_addresses(ours, addresses);
	for (size_t i = 0; i < PAGES; i++)
		ck_assert_uint_eq(addresses[i], address_of(i * page_bytes));
	ck_assert_msg(hugepool_adopt_consume(&other, fd, &pages, &why) == 0,
		      "%s", why.text);
	theirs = hugepool_frames(other);
	ck_assert_uint_eq(ours->n_segments, theirs->n_segments);
	ck_assert_mem_eq(ours->segments, theirs->segments,
			 ours->n_segments * sizeof(*ours->segments));
	ck_assert_uint_eq(hugepool_raised_pages(other), 0);
	*(volatile char *)hugepool_at(pool, page_bytes) = 77;
	ck_assert_int_eq(*(volatile char *)hugepool_at(other, page_bytes), 77);
	(void)hugepool_free(other);
}
END_TEST

/* Adopting fd as so many pages is refused, and says why. */
static void refuse(int fd, const uint64_t *addresses, size_t n, const char *said)
{
	const struct frames_spec pages = {page_bytes, addresses, n};
	struct hugepool *other = NULL;
	struct error why = ERROR_INIT;

	ck_assert_int_eq(hugepool_adopt_consume(&other, fd, &pages, &why),
			 -EPROTO);
	ck_assert_msg(strstr(why.text, said), "'%s' lacks '%s'", why.text, said);
	ck_assert_ptr_null(other);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0); /* still the caller's */
}

START_TEST(what_is_no_pool_is_not_adopted)
{
	int plain = memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint64_t addresses[PAGES + 1] = {0};
	int fd = hugepool_fd(pool);

	frames_addresses(hugepool_frames(pool), addresses);
	refuse(fd, addresses, PAGES - 1, "instead of 3 huge pages");
	refuse(fd, addresses, PAGES + 1, "instead of 5 huge pages");
	refuse(fd, addresses, 0, "instead of 0 huge pages");
	refuse(fd, addresses, SIZE_MAX, "huge pages");
	addresses[1] += 4096;
	refuse(fd, addresses, PAGES, "is no address of a huge page");
	addresses[1] = UINT64_C(1) << 63;
	refuse(fd, addresses, PAGES, "is no address of a huge page");
	addresses[1] = addresses[0];
	refuse(fd, addresses, PAGES, "two pages of the pool are at");

	ck_assert_int_eq(ftruncate(plain, (off_t)(PAGES * page_bytes)), 0);
	refuse(plain, addresses, PAGES, "no sealed memfd of huge pages");
	ck_assert_int_eq(fcntl(plain, F_ADD_SEALS,
			       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
			 0);
	refuse(plain, addresses, PAGES, "no sealed memfd of huge pages");
	ck_assert_int_eq(close(plain), 0);
}
END_TEST

/* Whether this machine lets the rest run; says why not. */
static int try_pool(struct error *why)
{
	struct hugepool *trial = NULL;
	int r;

	page_bytes = hugepages_default_bytes();
	if (page_bytes == 0 || page_bytes > (UINT64_C(32) << 20))
		return error_set(why, -ENOENT, "no huge pages of handy size");
	r = hugepool_new(&trial, "trial", PAGES * page_bytes, page_bytes, why);
	if (r)
		return r;
	if (hugepool_size_bytes(trial) < PAGES * page_bytes)
		r = error_set(why, -ENOMEM, "fewer than %d huge pages", PAGES);
	else
		r = hugepool_locate(trial, why);
	(void)give_back(trial);
	return r;
}

int main(void)
{
	Suite *suite = suite_create("hugepool");
	TCase *limits = harness_case(suite, "limits");
	struct error why = ERROR_INIT;
	int impossible, failed;

	harness_lock("/sys/kernel/mm/hugepages");
	impossible = try_pool(&why);
	tcase_add_test(limits, refuses_odd_sizes);
	if (!impossible) {
		TCase *pages = harness_case(suite, "pages");

		tcase_add_checked_fixture(pages, make_pool, drop_pool);
		tcase_add_test(pages, pages_are_there_and_zero);
		tcase_add_test(pages, pool_is_sealed);
		tcase_add_test(pages, segments_are_sorted_and_whole);
		tcase_add_test(pages, pieces_make_up_the_run);
		tcase_add_test(pages, pieces_need_addresses);
		tcase_add_test(pages, pool_can_be_adopted);
		tcase_add_test(pages, what_is_no_pool_is_not_adopted);
	}
	failed = harness_run(suite);
	if (!failed && impossible)
		harness_skip(why.text);
	return failed;
}
