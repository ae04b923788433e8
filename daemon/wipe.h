/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_WIPE_H
#define DAEMON_WIPE_H

#include <stddef.h>

/* From here on memory is too large to be wanted in a cache afterwards. */
#define WIPE_BULK_BYTES ((size_t)128 * 1024)

/* Makes ordinary memory zero, as fast as the machine can.  When it returns,
 * every other thread sees the zeroes that sees anything done later.  Device
 * memory is another matter: device_memory_zero(). */
void wipe_memory(void *memory, size_t size);

#endif
