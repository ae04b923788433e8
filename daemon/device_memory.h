/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DEVICE_MEMORY_H
#define DAEMON_DEVICE_MEMORY_H

#include <stddef.h>

/*
 * Access to memory that is mapped as device memory, where memset(3) and
 * memcpy(3) may fault.  Any address and any length will do, 0 too; when a
 * function returns, its accesses have reached memory.
 */

void device_memory_zero(volatile void *device, size_t length);

/* From device memory to ordinary memory. */
void device_memory_read(void *to, const volatile void *device, size_t length);

/* From ordinary memory to device memory. */
void device_memory_write(volatile void *device, const void *from, size_t length);

#endif
