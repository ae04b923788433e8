/* SPDX-License-Identifier: MIT */
#ifndef TESTS_OWN_SLICE_H
#define TESTS_OWN_SLICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What sched_getattr(2) says of the calling thread.  The kernel's header for it
 * and <sched.h> define one structure twice (Linux 6.1, glibc 2.36). */
struct own_slice {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t ns; /* 0 before Linux 6.12 */
	uint64_t deadline_ns;
	uint64_t period_ns;
};

/* Returns whether it could be read. */
static inline bool own_slice_read(struct own_slice *own)
{
	*own = (struct own_slice){.size = sizeof(*own)}; /* valgrind reads it */
	return syscall(SYS_sched_getattr, 0, own, sizeof(*own), 0) == 0;
}

#endif
