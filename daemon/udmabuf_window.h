/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_UDMABUF_WINDOW_H
#define DAEMON_UDMABUF_WINDOW_H

#include "daemon/run.h"
#include "daemon/udmabuf_memory.h"

/*
 * What the daemon itself does to memory that devices reach, too.  Each returns
 * 0, or what udmabuf_memory_dmabuf() and DMA_BUF_IOCTL_SYNC give.
 */

/* Makes a run zero, for a backend (see backend.h). */
int udmabuf_window_zero(const struct udmabuf_memory *mem, const struct run *run,
			uint64_t waiting_bytes);
/* Writes bytes, as many as the run has. */
int udmabuf_window_write(const struct udmabuf_memory *mem,
			 const struct run *run, const void *bytes);
/* Reads all of a run, as devices have left it. */
int udmabuf_window_read(const struct udmabuf_memory *mem, const struct run *run,
			void *bytes);

#endif
