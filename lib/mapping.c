/* SPDX-License-Identifier: MIT */
#include "lib/mapping.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/power.h"

/*
 * A file's pages, all entered when the mapping is made.  How long that takes is
 * a question of how many steps it takes the kernel, and after a rest each of
 * those is paid for twice, for nothing of it is in a cache any more.
 *
 * A mapping stands at a multiple of its size, rounded up to a power of two, or
 * of a huge page: nowhere else can large pages be entered in one go, and for a
 * memfd the kernel sees to that by itself only where its large pages are
 * switched on.  To find such a place, a hole is made that is large enough, and
 * of it is unmapped what is not needed.  That is three more system calls, so a
 * place that was good is remembered: where the last mapping was, or below it
 * while that one is there.  It is no more than a guess.  Where something else
 * is by now the kernel refuses, and a hole is made again.
 *
 * MAP_POPULATE looks each page up after it was entered, which is half of the
 * time where pages are small.  A page that is read is entered together with
 * those around it (64 KiB of them, from 6.18 on a whole large page) and may be
 * written from then on, as what is shared needs no copy.  But what reads a page
 * that cannot be had is killed.  So this is for files that have all their
 * pages: as many as the kernel counts in st_blocks, which for a memfd are those
 * it has, and for a dma-buf none.
 *
 * When a mapping ends, the kernel notes of each page that was used to keep it
 * in memory for longer than others, which is half of the time.  Nobody gains by
 * it where the page ends as well; who announced to read at random is spared it.
 */

/* Of usual processors with pages of 4 KiB; elsewhere it does no harm. */
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
/* What the kernel enters together.  Less than that is not worth any of this. */
#define AROUND_BYTES	((size_t)64 << 10)

/* A guess; 0: none yet. */
static _Atomic uintptr_t good_place;

struct wish {
	int fd;
	size_t size;
	size_t end; /* where its last page ends */
	size_t alignment;
	int protection;
	int flags;
};

static void *map_at(const struct wish *wish, void *place, int how)
{
	return mmap(place, wish->size, wish->protection, wish->flags | how,
		    wish->fd, 0);
}

static void *map_at_good_place(const struct wish *wish)
{
	uintptr_t place =
		atomic_load_explicit(&good_place, memory_order_relaxed);
	void *map;

	if (place == 0 || place % wish->alignment != 0)
		return MAP_FAILED;
	map = map_at(wish, (void *)place, MAP_FIXED_NOREPLACE);
	if (map != MAP_FAILED && map != (void *)place) {
		/* before 4.17 it is a hint */
		(void)munmap(map, wish->size);
		return MAP_FAILED;
	}
	return map;
}

static void *map_in_hole(const struct wish *wish)
{
	size_t hole_size = wish->end + wish->alignment, before;
	char *hole, *map;

	hole = mmap(NULL, hole_size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hole == MAP_FAILED)
		return MAP_FAILED;
	before = -(uintptr_t)hole % wish->alignment;
	map = map_at(wish, hole + before, MAP_FIXED);
	if (map == MAP_FAILED) {
		(void)munmap(hole, hole_size);
		return MAP_FAILED;
	}
	if (before > 0)
		(void)munmap(hole, before);
	(void)munmap(map + wish->end, wish->alignment - before);
	return map;
}

static void *map_aligned(struct wish *wish)
{
	uint64_t end = wish->size;
	void *map;

	if (wish->size < AROUND_BYTES || wish->size > SIZE_MAX / 4)
		return MAP_FAILED;
	/* granules, of which it has a number, may be smaller than pages */
	(void)round_up_to(&end, (uint64_t)sysconf(_SC_PAGESIZE));
	wish->end = (size_t)end;
	wish->alignment = wish->size < HUGE_PAGE_BYTES
				  ? (size_t)power_of_two_from(wish->size)
				  : HUGE_PAGE_BYTES;
	map = map_at_good_place(wish);
	if (map == MAP_FAILED)
		map = map_in_hole(wish);
	(void)round_up_to(&end, wish->alignment);
	if (map != MAP_FAILED)
		atomic_store_explicit(&good_place, (uintptr_t)map - end,
				      memory_order_relaxed);
	return map;
}

static bool has_all_pages(int fd, size_t size)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 && stat.st_size >= (off_t)size &&
	       stat.st_blocks >= stat.st_size / 512;
}

/* How many are entered together is the kernel's affair, so none is left out. */
static void read_pages(const volatile char *map, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at < size; at += page)
		(void)map[at];
}

int mapping_new(int fd_borrow, size_t size, int protection, void **mapp)
{
	struct wish wish = {
		.fd = fd_borrow,
		.size = size,
		.protection = protection,
		.flags = MAP_SHARED | MAP_POPULATE,
	};
	/* of huge pages too few are looked up for it to matter */
	bool reads = protection & PROT_READ && size >= AROUND_BYTES &&
		     size < HUGE_PAGE_BYTES && has_all_pages(fd_borrow, size);
	void *map;

	if (reads)
		wish.flags = MAP_SHARED;
	map = map_aligned(&wish);
	if (map == MAP_FAILED) /* a small one, or there is no room for that */
		map = map_at(&wish, NULL, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (reads)
		read_pages(map, size);
	*mapp = map;
	return 0;
}

void mapping_free(void *map, size_t size)
{
	(void)munmap(map, size);
	if (size >= AROUND_BYTES)
		atomic_store_explicit(&good_place, (uintptr_t)map,
				      memory_order_relaxed);
}

void mapping_free_last(void *map, size_t size)
{
	if (size >= AROUND_BYTES)
		(void)madvise(map, size, MADV_RANDOM);
	mapping_free(map, size);
}
