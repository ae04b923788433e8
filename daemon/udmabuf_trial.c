/* SPDX-License-Identifier: MIT */
#include "daemon/udmabuf_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/dmabuf.h"
#include "daemon/udmabuf.h"
#include "util/cleanup.h"
#include "util/fd.h"

/*
 * What a kernel's udmabuf does over huge pages has changed several times, in
 * ways that no version number tells reliably: distributions backport.  So it
 * is tried: a small dma-buf from the middle of a huge page must reach exactly
 * its own bytes, pieces given in any order must appear in that order, the count
 * of holders must follow them, and nobody may hold pages without being counted.
 *
 * Each 64-bit word of the pool is first filled with its own offset, so that a
 * word seen through a dma-buf tells where it comes from.
 */

#define PIECE_BYTES 65536 /* a multiple of every page size there is */

static void fill_pool(const struct hugepool *pool)
{
	uint64_t *words = hugepool_at(pool, 0);

	for (uint64_t i = 0; i < hugepool_size_bytes(pool) / 8; i++)
		words[i] = i * 8;
}

/* Whether words show the pool's bytes from offset on, all plus add. */
static bool shows(const uint64_t *words, uint64_t offset, uint64_t add)
{
	for (uint64_t i = 0; i < PIECE_BYTES / 8; i++)
		if (words[i] != offset + i * 8 + add)
			return false;
	return true;
}

/* Pages that are put into a pipe by reference would outlive buffer and count:
 * whoever did so could read what the next client writes.  Since 6.11 a udmabuf
 * is mapped by frame number, and the kernel gives no references to that. */
static int try_keeping_pages(void *map, struct error *why)
{
	struct iovec page = {map, 4096};
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set(why, -errno, "cannot make a pipe: %s",
				 strerror(errno));
	n = vmsplice(fds[1], &page, 1, 0);
	(void)fd_close(fds[0]);
	(void)fd_close(fds[1]);
	if (n > 0)
		return error_set(why, -ENOTSUP,
				 "not isolated: this kernel (before 6.11) lets "
				 "a process keep pages of a udmabuf without "
				 "being counted");
	return 0;
}

/* Reads and writes all pieces through a mapping of their dma-buf. */
static int try_mapping(int dmabuf_fd, const struct hugepool *pool,
		       const struct frames_piece *pieces, size_t n_pieces,
		       struct error *why)
{
	size_t size = n_pieces * PIECE_BYTES;
	uint64_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			     dmabuf_fd, 0);
	bool right = true;
	int r;

	if (map == MAP_FAILED)
		return error_set(why, -errno, "cannot map a udmabuf: %s",
				 strerror(errno));
	for (size_t i = 0; right && i < n_pieces; i++) {
		uint64_t *words = map + i * PIECE_BYTES / 8;

		right = shows(words, pieces[i].offset, 0);
		for (size_t j = 0; right && j < PIECE_BYTES / 8; j++)
			words[j]++;
		right = right && shows(hugepool_at(pool, pieces[i].offset),
				       pieces[i].offset, 1);
	}
	r = right ? try_keeping_pages(map, why) : 0;
	(void)munmap(map, size);
	if (r)
		return r;
	if (!right)
		return error_set(why, -EIO,
				 "a udmabuf of a part of a huge page maps "
				 "other bytes than those it was made of");
	return 0;
}

/* All words of the pool that belong to no piece must be as they were. */
static int check_rest(const struct hugepool *pool,
		      const struct frames_piece *pieces, size_t n_pieces,
		      struct error *why)
{
	for (uint64_t at = 0; at < hugepool_size_bytes(pool); at += PIECE_BYTES) {
		bool mine = false;

		for (size_t i = 0; i < n_pieces; i++)
			mine = mine || pieces[i].offset == at;
		if (!mine && !shows(hugepool_at(pool, at), at, 0))
			return error_set(why, -EIO,
					 "writing to a udmabuf changed bytes "
					 "outside it");
	}
	return 0;
}

static int try_count(int dmabuf_fd, struct error *why)
{
	_cleanup_fd_ int fdinfo_fd = dmabuf_open_fdinfo();
	int alone, other, held, again;

	alone = dmabuf_held(fdinfo_fd, dmabuf_fd, 1);
	other = fcntl(dmabuf_fd, F_DUPFD_CLOEXEC, 0);
	held = dmabuf_held(fdinfo_fd, dmabuf_fd, 1);
	(void)fd_close(other);
	again = dmabuf_held(fdinfo_fd, dmabuf_fd, 1);
	if (other < 0 || alone != 0 || held != 1 || again != 0)
		return error_set(why, -ENOTSUP,
				 "the kernel does not count a dma-buf's "
				 "holders in fdinfo (count:) as expected");
	return 0;
}

static int try_pieces(int device_fd, const struct hugepool *pool,
		      const struct frames_piece *pieces, size_t n_pieces,
		      struct error *why)
{
	_cleanup_fd_ int fd = -1;
	int r;

	fill_pool(pool);
	fd = udmabuf_create(device_fd, hugepool_fd(pool), pieces, n_pieces, why);
	if (fd < 0)
		return fd;
	r = dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	if (r)
		return error_set(why, r, "DMA_BUF_IOCTL_SYNC fails: %s",
				 strerror(-r));
	r = try_mapping(fd, pool, pieces, n_pieces, why);
	if (r)
		return r;
	r = check_rest(pool, pieces, n_pieces, why);
	if (r)
		return r;
	r = dmabuf_sync(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	if (r)
		return error_set(why, r, "DMA_BUF_IOCTL_SYNC fails: %s",
				 strerror(-r));
	return try_count(fd, why);
}

int udmabuf_trial(int device_fd, const struct hugepool *pool, struct error *why)
{
	uint64_t last = hugepool_size_bytes(pool) - hugepool_page_bytes(pool);
	const struct frames_piece one[] = {{PIECE_BYTES, PIECE_BYTES}};
	/* backwards, and from two huge pages where the pool has two */
	const struct frames_piece list[] = {
		{last + 3 * PIECE_BYTES, PIECE_BYTES},
		{PIECE_BYTES, PIECE_BYTES},
		{0, PIECE_BYTES},
	};
	int r;

	if (hugepool_page_bytes(pool) < 4 * PIECE_BYTES)
		return error_set(why, -EINVAL,
				 "huge pages this small cannot be tried");
	r = try_pieces(device_fd, pool, one, 1, why);
	if (r)
		return r;
	return try_pieces(device_fd, pool, list, 3, why);
}
