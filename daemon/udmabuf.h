/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_UDMABUF_H
#define DAEMON_UDMABUF_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/frames.h"
#include "daemon/kernel_release.h"
#include "util/error.h"

/* The kernel's /dev/udmabuf, which makes dma-bufs of pieces of a memfd. */

/* Opens the device; path NULL is /dev/udmabuf.  A descriptor, or a negative
 * errno. */
int udmabuf_open(const char *path, struct error *why);

/* Makes a dma-buf of the pieces, in their order.  The caller owns the
 * descriptor.  Or
 *	-EBADFD	this kernel's udmabuf takes no huge pages
 *	-E2BIG	more bytes or pieces than the kernel's limits allow
 *	-ENOTTY	device_fd is no udmabuf
 *	and what the ioctl gives. */
int udmabuf_create(int device_fd, int memfd, const struct frames_piece *pieces,
		   size_t n_pieces, struct error *why);

/* What a kernel of this release does to udmabufs over huge pages when a driver
 * asks for a mapping of its own (vmap). */
enum udmabuf_vmap {
	UDMABUF_VMAP_WORKS,
	UDMABUF_VMAP_REFUSED, /* such a driver gets an error */
	UDMABUF_VMAP_WRONG,   /* it gets wrong pages, silently */
};

enum udmabuf_vmap udmabuf_vmap_of(const struct kernel_release *release);

/* The module's limits for one dma-buf. */
struct udmabuf_limits {
	uint64_t size_bytes;
	uint64_t pieces;
};

/* directory NULL is /sys/module/udmabuf/parameters.  0 or a negative errno. */
int udmabuf_limits_read(const char *directory, struct udmabuf_limits *limits);

/* Raises what is lower than wanted, as far as the kernel can count; 0, or a
 * negative errno where a limit is too low and cannot be changed. */
int udmabuf_limits_raise(const char *directory,
			 const struct kernel_release *release,
			 const struct udmabuf_limits *wanted, struct error *why);

#endif
