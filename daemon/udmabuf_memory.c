/* SPDX-License-Identifier: MIT */
#include "daemon/udmabuf_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/dmabuf.h"
#include "daemon/udmabuf.h"
#include "util/fd.h"

/*
 * Everything that takes privilege is done when the memory is filled.
 * Afterwards the ioctls on the open device are enough, in this process or in
 * one that unpacks what this one packed.
 *
 * Addresses must stay true for as long as the region exists, and the kernel may
 * move a page of a memfd.  So the pool is pinned as a whole, by udmabufs that
 * cover it and are never lent, before addresses are read.  They go with the
 * pool when another process takes it over: a page that nobody pinned meanwhile
 * could be anywhere.
 *
 * The kernel's zeroes may still be in a cache, to be written out over what a
 * device puts there later, so they are flushed once, through the pins.
 */

static void free_pins(struct udmabuf_memory *mem)
{
	for (size_t i = 0; i < mem->n_pins; i++)
		(void)fd_close(mem->pin_fds[i]);
	free(mem->pin_fds);
	mem->pin_fds = NULL;
	mem->n_pins = 0;
}

struct udmabuf_memory *udmabuf_memory_free(struct udmabuf_memory *mem)
{
	if (!mem)
		return NULL;
	free_pins(mem);
	free(mem->memory.segments);
	(void)hugepool_free(mem->pool);
	(void)fd_close(mem->fdinfo_fd);
	(void)fd_close(mem->device_fd);
	free(mem);
	return NULL;
}

static int new_consume(struct udmabuf_memory **memp, int device_fd,
		       struct error *why)
{
	_cleanup_(udmabuf_memory_freep) struct udmabuf_memory *mem =
		calloc(1, sizeof(*mem));

	if (!mem) {
		(void)fd_close(device_fd);
		return error_set(why, -ENOMEM, "out of memory");
	}
	mem->device_fd = device_fd;
	mem->fdinfo_fd = dmabuf_open_fdinfo();
	if (mem->fdinfo_fd < 0)
		return error_set(why, mem->fdinfo_fd,
				 "cannot open /proc/self/fdinfo: %s",
				 strerror(-mem->fdinfo_fd));
	*memp = TAKE_PTR(mem);
	return 0;
}

int udmabuf_memory_new(struct udmabuf_memory **memp, const char *path,
		       struct error *why)
{
	int fd = udmabuf_open(path, why);

	return fd < 0 ? fd : new_consume(memp, fd, why);
}

/* Writes out what caches hold of a dma-buf's memory. */
static int flush(int dmabuf_fd)
{
	int r = dmabuf_sync(dmabuf_fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);

	return r ? r
		 : dmabuf_sync(dmabuf_fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}

/* Pins the pool in as few udmabufs as the limit on their size allows. */
static int pin_pool(struct udmabuf_memory *mem, struct error *why)
{
	uint64_t size = hugepool_size_bytes(mem->pool);
	uint64_t step = size, at = 0;
	struct udmabuf_limits limits;

	if (udmabuf_limits_read(NULL, &limits) == 0 && limits.size_bytes > 0 &&
	    limits.size_bytes < step)
		step = limits.size_bytes;
	mem->pin_fds = calloc((size_t)(size / step) + 1, sizeof(int));
	if (!mem->pin_fds)
		return error_set(why, -ENOMEM, "out of memory");
	while (at < size) {
		const struct frames_piece piece = {
			at, size - at < step ? size - at : step};
		int fd = udmabuf_create(mem->device_fd, hugepool_fd(mem->pool),
					&piece, 1, why);
		int r;

		if (fd < 0)
			return error_prefix(why, fd, "cannot pin the pool");
		mem->pin_fds[mem->n_pins++] = fd;
		r = flush(fd);
		if (r)
			return error_set(why, r, "cannot flush the pool: %s",
					 strerror(-r));
		at += piece.size_bytes;
	}
	return 0;
}

static int copy_segments(struct udmabuf_memory *mem, struct error *why)
{
	const struct frames *frames = hugepool_frames(mem->pool);
	struct run *copy = calloc(frames->n_segments, sizeof(*copy));

	if (!copy)
		return error_set(why, -ENOMEM, "out of memory");
	memcpy(copy, frames->segments, frames->n_segments * sizeof(*copy));
	mem->memory.segments = copy;
	mem->memory.n_segments = frames->n_segments;
	return 0;
}

int udmabuf_memory_fill(struct udmabuf_memory *mem, const char *name,
			uint64_t size_bytes, uint64_t page_bytes,
			struct error *why)
{
	int r;

	r = hugepool_new(&mem->pool, name, size_bytes, page_bytes, why);
	if (r)
		return r;
	r = pin_pool(mem, why);
	if (r)
		return r;
	r = hugepool_locate(mem->pool, why);
	if (r)
		return r;
	return copy_segments(mem, why);
}

int udmabuf_memory_pack(const struct udmabuf_memory *mem, struct parcel *parcel,
			struct error *why)
{
	size_t n_pages = (size_t)(hugepool_size_bytes(mem->pool) /
				  hugepool_page_bytes(mem->pool));
	int r;

	parcel->words = calloc(n_pages, sizeof(*parcel->words));
	if (!parcel->words)
		return error_set(why, -ENOMEM, "out of memory");
	frames_addresses(hugepool_frames(mem->pool), parcel->words);
	parcel->n_words = n_pages;
	r = parcel_add_dup(parcel, PARCEL_DEVICE, mem->device_fd);
	if (r == 0)
		r = parcel_add_dup(parcel, UDMABUF_PARCEL_POOL,
				   hugepool_fd(mem->pool));
	for (size_t i = 0; r == 0 && i < mem->n_pins; i++)
		r = parcel_add_dup(parcel, UDMABUF_PARCEL_PIN, mem->pin_fds[i]);
	if (r < 0)
		return error_set(why, r, "cannot hand on the pool: %s",
				 strerror(-r));
	return 0;
}

/* Takes the dma-bufs that have kept the pool's pages where they are. */
static int unpack_pins(struct udmabuf_memory *mem, struct parcel *parcel,
		       struct error *why)
{
	size_t n = parcel_count(parcel, UDMABUF_PARCEL_PIN);
	uint64_t pinned_bytes = 0;

	mem->pin_fds = calloc(n + 1, sizeof(int));
	if (!mem->pin_fds)
		return error_set(why, -ENOMEM, "out of memory");
	while (mem->n_pins < n) {
		int fd = parcel_take(parcel, UDMABUF_PARCEL_PIN);
		off_t size = lseek(fd, 0, SEEK_END);

		mem->pin_fds[mem->n_pins++] = fd;
		if (size < 0 || dmabuf_held(mem->fdinfo_fd, fd, 1) < 0)
			return error_set(why, -EPROTO,
					 "what should pin the pool is no "
					 "dma-buf");
		pinned_bytes += (uint64_t)size;
	}
	if (pinned_bytes != hugepool_size_bytes(mem->pool))
		return error_set(why, -EPROTO,
				 "of the pool's %" PRIu64 " bytes %" PRIu64
				 " were kept pinned: the others may be "
				 "elsewhere now",
				 hugepool_size_bytes(mem->pool), pinned_bytes);
	return 0;
}

int udmabuf_memory_unpack(struct udmabuf_memory **memp, uint64_t page_bytes,
			  struct parcel *parcel, struct error *why)
{
	_cleanup_(udmabuf_memory_freep) struct udmabuf_memory *mem = NULL;
	_cleanup_fd_ int pool_fd = parcel_take(parcel, UDMABUF_PARCEL_POOL);
	int device_fd = parcel_take(parcel, PARCEL_DEVICE);
	const struct frames_spec pages = {
		.page_bytes = page_bytes,
		.addresses = parcel->words,
		.n = parcel->n_words,
	};
	int r;

	if (device_fd < 0)
		return error_set(why, -ENOENT,
				 "no descriptor of /dev/udmabuf came with it");
	r = new_consume(&mem, device_fd, why);
	if (r)
		return r;
	if (pool_fd < 0)
		return error_set(why, -ENOENT,
				 "no descriptor of the pool came with it");
	r = hugepool_adopt_consume(&mem->pool, pool_fd, &pages, why);
	if (r)
		return r;
	(void)TAKE_FD(pool_fd);
	r = unpack_pins(mem, parcel, why);
	if (r == 0)
		r = copy_segments(mem, why);
	if (r == 0)
		*memp = TAKE_PTR(mem);
	return r;
}

int udmabuf_memory_dmabuf(const struct udmabuf_memory *mem,
			  const struct run *run, struct frames_piece **piecesp,
			  size_t *n_piecesp, struct error *why)
{
	const struct frames *frames = hugepool_frames(mem->pool);
	size_t room = frames_max_pieces(frames, run->size_bytes);
	_cleanup_free_ struct frames_piece *pieces =
		calloc(room, sizeof(*pieces));
	size_t n;
	int fd;

	if (!pieces)
		return error_set(why, -ENOMEM, "out of memory");
	n = frames_pieces(frames, run, pieces, room);
	if (n == 0)
		return error_set(why, -ERANGE,
				 "0x%" PRIx64 " and %" PRIu64
				 " bytes are not within the pool",
				 run->phys, run->size_bytes);
	fd = udmabuf_create(mem->device_fd, hugepool_fd(mem->pool), pieces, n,
			    why);
	if (fd >= 0 && piecesp) {
		*piecesp = TAKE_PTR(pieces);
		*n_piecesp = n;
	}
	return fd;
}
