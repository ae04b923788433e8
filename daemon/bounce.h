/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BOUNCE_H
#define DAEMON_BOUNCE_H

#include <stdint.h>

#include "daemon/buffer.h"
#include "daemon/worker.h"
#include "util/list.h"

#define BOUNCE_SLICE_BYTES (UINT64_C(1) << 20)

struct bounce;

/* The buffer is no longer pinned.  The bounce may be freed by it. */
typedef void bounce_fn(struct bounce *bounce, int result);

enum bounce_direction {
	BOUNCE_TO_CLIENT,   /* the CPU is to see what devices wrote */
	BOUNCE_FROM_CLIENT, /* devices are to see what the CPU wrote */
};

/* A copy between a bounce buffer and the memory behind it. */
struct bounce {
	struct list link; // lender::bounces
	struct job job;
	struct buffer *buffer; /* pinned while the job is under way */
	enum bounce_direction direction;
	uint64_t offset_bytes;
	uint64_t length_bytes;
	bounce_fn *done;
	void *data;
};

/* Copies a part of the buffer, which must lie within it, off the loop.  NULL:
 * out of memory. */
struct bounce *bounce_start(struct worker *worker, struct buffer *buffer,
			    const struct bounce *what);
/* Only when done was called, or after the worker has ended. */
struct bounce *bounce_free(struct bounce *bounce);

#endif
