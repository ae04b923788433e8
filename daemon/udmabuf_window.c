/* SPDX-License-Identifier: MIT */
#include "daemon/udmabuf_window.h"

#include <linux/dma-buf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dmabuf.h"
#include "daemon/wipe.h"
#include "util/fd.h"

/*
 * The pool is mapped as a whole, cached, and devices may read and write it past
 * the caches.  A udmabuf that a driver attaches is not flushed (since 6.12 it
 * maps with DMA_ATTR_SKIP_CPU_SYNC), and what the daemon writes may still be in
 * a cache, to be written out over what a device put there.
 *
 * So for each access a dma-buf of just that run is made, between whose
 * DMA_BUF_IOCTL_SYNC the bytes are moved in the mapping.  Stores past the caches,
 * as wipe_memory() makes them, are as good between them as any other.
 */

struct window {
	const struct hugepool *pool;
	int dmabuf_fd;
	struct frames_piece *pieces;
	size_t n;
};

static void window_close(struct window *window)
{
	(void)fd_close(window->dmabuf_fd);
	free(window->pieces);
}

/* The first START only prepares the dma-buf, the second one is the one that
 * counts for reading; one that is all written again does without. */
static int window_open(struct window *window, const struct udmabuf_memory *mem,
		       const struct run *run, bool read)
{
	int r = 0;

	*window = (struct window){.pool = mem->pool};
	window->dmabuf_fd = udmabuf_memory_dmabuf(mem, run, &window->pieces,
						  &window->n, NULL);
	if (window->dmabuf_fd < 0)
		return window->dmabuf_fd;
	for (int i = 0; r == 0 && i < 1 + read; i++)
		r = dmabuf_sync(window->dmabuf_fd,
				DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	if (r)
		window_close(window);
	return r;
}

/* Writes out what caches hold of it. */
static int window_end(struct window *window)
{
	int r = dmabuf_sync(window->dmabuf_fd,
			    DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);

	window_close(window);
	return r;
}

static void *at(const struct window *window, size_t i)
{
	return hugepool_at(window->pool, window->pieces[i].offset);
}

int udmabuf_window_zero(const struct udmabuf_memory *mem, const struct run *run,
			uint64_t waiting_bytes)
{
	struct window window;
	int r = window_open(&window, mem, run, false);

	if (r)
		return r;
	for (size_t i = 0; i < window.n; i++)
		wipe_memory(at(&window, i), (size_t)window.pieces[i].size_bytes,
			    waiting_bytes);
	return window_end(&window);
}

int udmabuf_window_write(const struct udmabuf_memory *mem,
			 const struct run *run, const void *bytes)
{
	const char *from = bytes;
	struct window window;
	int r = window_open(&window, mem, run, false);

	if (r)
		return r;
	for (size_t i = 0; i < window.n; i++) {
		size_t n = (size_t)window.pieces[i].size_bytes;

		memcpy(at(&window, i), from, n);
		from += n;
	}
	return window_end(&window);
}

int udmabuf_window_read(const struct udmabuf_memory *mem, const struct run *run,
			void *bytes)
{
	char *to = bytes;
	struct window window;
	int r = window_open(&window, mem, run, true);

	if (r)
		return r;
	for (size_t i = 0; i < window.n; i++) {
		size_t n = (size_t)window.pieces[i].size_bytes;

		memcpy(to, at(&window, i), n);
		to += n;
	}
	return window_end(&window);
}
