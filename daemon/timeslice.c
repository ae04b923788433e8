/* SPDX-License-Identifier: MIT */
#include "daemon/timeslice.h"

#include <errno.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Of two threads with equal shares of a processor the scheduler (EEVDF) takes
 * the one that asked for less at a time first.  It gets no more by that, only
 * earlier: who answers others in some microseconds wants it so, and who works
 * for milliseconds does not.
 *
 * The C library has had functions for this since glibc 2.41 only.
 */

int timeslice_ask(uint64_t ns)
{
	struct sched_attr attr = {.size = sizeof(attr)};

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0)
		return -errno;
	if (attr.sched_policy != SCHED_NORMAL)
		return 0;
	attr.sched_runtime = ns;
	return syscall(SYS_sched_setattr, 0, &attr, 0) < 0 ? -errno : 0;
}
