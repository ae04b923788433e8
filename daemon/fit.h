/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_FIT_H
#define DAEMON_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/run.h"

/* What a place must satisfy; all of it already checked. */
struct fit {
	uint64_t size_bytes;	 /* at least 1 */
	uint64_t align_bytes;	 /* power of two */
	uint64_t max_phys;	 /* highest address of the last byte */
	uint64_t boundary_bytes; /* power of two, at least size_bytes, whose
				    multiples are not crossed; 0: none */
	uint64_t tail_bytes;	 /* free as well behind the place, and bound by
				    nothing of the above */
};

/* All that it takes of a run; does not overflow where a run has it. */
static inline uint64_t fit_bytes(const struct fit *fit)
{
	return fit->size_bytes + fit->tail_bytes;
}

/* True where free has room for it; *physp is then the lowest such place. */
bool fit_place(const struct fit *fit, const struct run *free, uint64_t *physp);

#endif
