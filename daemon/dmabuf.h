/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DMABUF_H
#define DAEMON_DMABUF_H

#include <stdint.h>

/* What the daemon asks of a dma-buf, whoever exported it. */

/* Where dmabuf_held() looks, for any number of dma-bufs: a descriptor that the
 * caller owns, or a negative errno. */
int dmabuf_open_fdinfo(void);

/* 1 where anything but the daemon, whose own the given number of references is
 * (fd_borrow, and a duplicate of it in a queue, count one each), holds the
 * dma-buf: a descriptor anywhere, one on its way through a socket, a mapping, a
 * device; 0 where nothing does; or a negative errno, which says nothing either
 * way:
 *	-ENOTSUP	the kernel shows no count (before 5.3), or the
 *			descriptor is no dma-buf
 *	-EPROTO		the count is less than the daemon's own
 *	and what opening and reading a file there gives. */
int dmabuf_held(int fdinfo_fd_borrow, int fd_borrow, unsigned int own);

/* Reads "count:" from the text of a dma-buf's fdinfo.  0, or -ENOTSUP: it has
 * none. */
int dmabuf_parse_count(const char *fdinfo, uint64_t *countp);

/* Names the dma-buf, for its holders, for tools and for the kernel's
 * statistics; 31 bytes count, the rest is cut.  0 or a negative errno. */
int dmabuf_set_name(int fd_borrow, const char *name);

/* Undoes what can be left on a dma-buf, and on its only open file, by those who
 * held it and are gone: fcntl(F_SETFL).  -EBUSY: a fence was left, of a device
 * that is not done; or what the system calls give. */
int dmabuf_reset(int fd_borrow);

/* DMA_BUF_IOCTL_SYNC with DMA_BUF_SYNC_* flags; 0 or a negative errno. */
int dmabuf_sync(int fd_borrow, uint64_t flags);

#endif
