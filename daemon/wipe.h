/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_WIPE_H
#define DAEMON_WIPE_H

#include <stddef.h>
#include <stdint.h>

/* From here on memory is too large to be wanted in a cache afterwards. */
#define WIPE_BULK_BYTES ((size_t)128 * 1024)

/* What waits while so much else does has left the cache, which on boards and
 * desktops has up to 32 MiB, when its turn comes. */
#define WIPE_QUEUE_BYTES (UINT64_C(32) << 20)

/* Makes ordinary memory zero, as fast as the machine can; waiting_bytes are
 * still to be zeroed in all, these included.  When it returns, every other
 * thread sees the zeroes that sees anything done later.  Device memory is
 * another matter: device_memory_zero(). */
void wipe_memory(void *memory, size_t size, uint64_t waiting_bytes);

#endif
