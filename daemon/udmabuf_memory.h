/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_UDMABUF_MEMORY_H
#define DAEMON_UDMABUF_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"
#include "daemon/hugepool.h"
#include "daemon/parcel.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/list.h"

/*
 * What a region of udmabufs consists of: a pool of huge pages that stay where
 * they are, and the device that makes dma-bufs of them.
 */

/* Of the descriptors in its parcel, besides PARCEL_DEVICE. */
#define UDMABUF_PARCEL_POOL "pool"
#define UDMABUF_PARCEL_PIN  "pin" /* several */

struct udmabuf_memory {
	struct memory memory; /* only the segments are filled in here */
	int device_fd;
	int fdinfo_fd;	       /* of dmabuf_held() */
	struct hugepool *pool; /* NULL until it is filled or unpacked */
	int *pin_fds; /* dma-bufs that keep the pages in their places */
	size_t n_pins;
};

static inline struct udmabuf_memory *udmabuf_memory_of(struct memory *memory)
{
	return container_of(memory, struct udmabuf_memory, memory);
}

/* Opens the device, as udmabuf_open(); there are no pages yet. */
int udmabuf_memory_new(struct udmabuf_memory **memp, const char *path,
		       struct error *why);
struct udmabuf_memory *udmabuf_memory_free(struct udmabuf_memory *mem);
DEFINE_CLEANUP(struct udmabuf_memory *, udmabuf_memory_free)

/* Takes pages, as hugepool_new(), pins them and finds out where they are, for
 * which CAP_SYS_ADMIN is needed.  The limits of udmabuf_limits_raise() must be
 * as they are wanted. */
int udmabuf_memory_fill(struct udmabuf_memory *mem, const char *name,
			uint64_t size_bytes, uint64_t page_bytes,
			struct error *why);

/* Puts all that another process needs into an empty parcel; takes no
 * privilege. */
int udmabuf_memory_pack(const struct udmabuf_memory *mem, struct parcel *parcel,
			struct error *why);
/* Makes memory of that, and takes what it needs out of the parcel.
 *	-ENOENT	the device or the pool is missing
 *	-EPROTO	something in it is not what it should be, or not all of the
 *		pool was pinned all the time
 *	and what the system calls give. */
int udmabuf_memory_unpack(struct udmabuf_memory **memp, uint64_t page_bytes,
			  struct parcel *parcel, struct error *why);

/* Makes a dma-buf of a run.  Returns its descriptor, which is the caller's, and
 * where piecesp is not NULL the pieces of the pool that it consists of, which
 * the caller frees.  -ERANGE: the run is not within a segment; or what
 * udmabuf_create() gives. */
int udmabuf_memory_dmabuf(const struct udmabuf_memory *mem,
			  const struct run *run, struct frames_piece **piecesp,
			  size_t *n_piecesp, struct error *why);

#endif
