/* SPDX-License-Identifier: MIT */
#include "daemon/file_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/lease.h"

/*
 * To map 8 MiB of a memfd whose 2048 pages are there already takes 1 ms or
 * more: each is counted, locked and entered.  Of four huge pages it takes 60 us
 * where the mapping is aligned as they are, and 0.3 ms where it is not (6.18,
 * x86).  The kernel makes huge pages for a memfd by itself only where the
 * system's owner says so for all of them (shmem_enabled), but MADV_COLLAPSE
 * (6.1) makes one of a range on request, whatever is set there.
 *
 * It asks for a mapping, and for a page to begin with: a range with nothing in
 * it is taken for one that somebody has just emptied.  All else that is missing
 * in the range comes zeroed.
 *
 * What is smaller than that may come as one or a few large pages (6.11), where
 * the system's owner lets those have them who advise it: shmem_enabled of the
 * size.  Of 1 MiB, making takes 0.1 ms then instead of 0.4, mapping 15 us
 * instead of 45, and freeing 4 us instead of 100.  Nobody is told whether a page
 * came as a large one, but a file's blocks show how many came with the first.
 *
 * To round a file up to huge pages and cut it afterwards gives such pieces as
 * well (from 6.15 on), but spoils a huge page for whatever is left of it, and
 * where many are used like that there are soon none.
 */

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* include/uapi/asm-generic/mman-common.h, Linux 6.1 */
#endif

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* the same file, Linux 5.14 */
#endif

#define LEAST_LARGE_BYTES (UINT64_C(64) << 10)

/* fallocate() would leave it to the first who touches a page to zero it, which
 * is most of the work. */
int file_pages_populate(int fd_borrow, uint64_t offset, uint64_t length)
{
	static char zeroes[1 << 16]; /* pages of the kernel's one zero page */
	int r = 0;

	while (r == 0 && length > 0) {
		size_t n = length < sizeof(zeroes) ? (size_t)length
						   : sizeof(zeroes);

		r = lease_write(fd_borrow, zeroes, n, offset);
		offset += n;
		length -= n;
	}
	return r;
}

/* What is done to a piece while it is mapped: 0 or a negative errno. */
typedef int piece_fn(int fd, char *map, size_t length);

/* Maps the piece where an address and it are aligned alike, within a
 * reservation of twice the size of a huge page. */
static int with_piece(int fd, uint64_t offset, size_t length, piece_fn *fn)
{
	const size_t huge = FILE_PAGES_HUGE_BYTES;
	char *room, *map;
	int r;

	room = mmap(NULL, 2 * huge, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return -errno;
	map = room + (huge - (uintptr_t)room % huge) % huge;
	map = mmap(map, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		   fd, (off_t)offset);
	r = map == MAP_FAILED ? -errno : fn(fd, map, length);
	(void)munmap(room, 2 * huge);
	return r;
}

static int collapse(int fd, char *map, size_t length)
{
	(void)fd;
	return madvise(map, length, MADV_COLLAPSE) < 0 ? -errno : 0;
}

int file_pages_populate_huge(int fd_borrow, uint64_t offset)
{
	if (fallocate(fd_borrow, 0, (off_t)offset, 1) < 0)
		return -errno;
	return with_piece(fd_borrow, offset, FILE_PAGES_HUGE_BYTES, collapse);
}

static blkcnt_t count_blocks(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) < 0 ? 0 : stat.st_blocks;
}

/* To read where nothing is makes a page: the first one shows of which size. */
static int read_large(int fd, char *map, size_t length)
{
	blkcnt_t blocks = count_blocks(fd);

	if (madvise(map, length, MADV_HUGEPAGE) < 0 ||
	    madvise(map, 1, MADV_POPULATE_READ) < 0)
		return -errno;
	if (count_blocks(fd) - blocks < (blkcnt_t)(LEAST_LARGE_BYTES / 512))
		return -EOPNOTSUPP;
	return madvise(map, length, MADV_POPULATE_READ) < 0 ? -errno : 0;
}

int file_pages_populate_large(int fd_borrow, uint64_t offset, uint64_t length)
{
	return with_piece(fd_borrow, offset, (size_t)length, read_large);
}

int file_pages_discard(int fd_borrow, uint64_t offset, uint64_t length)
{
	if (fallocate(fd_borrow, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)offset, (off_t)length) < 0)
		return -errno;
	return 0;
}
