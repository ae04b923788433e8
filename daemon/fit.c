/* SPDX-License-Identifier: MIT */
#include "daemon/fit.h"

#include "util/power.h"

/*
 * The lowest admissible place within one free run, in constant time.
 *
 * Going up from the start of the run, alignment comes first.  The place found
 * may cross a multiple of the boundary; then the next candidate is that very
 * multiple.  It needs no second look at either constraint: a place is crossed
 * only where the alignment is smaller than the boundary (a place aligned to
 * the boundary cannot cross, as the size is at most the boundary), and then
 * every multiple of the boundary is aligned.  So one step decides, however
 * many windows the run spans.
 *
 * A tail is taken off the end of the run first: what is left of the run is
 * where the place itself may be.
 *
 * All ends are last bytes, as a run may end at 2^64.
 */

static bool crosses(uint64_t phys, uint64_t last, uint64_t boundary_bytes)
{
	return boundary_bytes && (phys ^ last) >= boundary_bytes;
}

bool fit_place(const struct fit *fit, const struct run *free, uint64_t *physp)
{
	uint64_t phys = free->phys, highest = run_last(free), last;

	if (fit->tail_bytes >= free->size_bytes)
		return false;
	highest -= fit->tail_bytes;
	if (highest > fit->max_phys)
		highest = fit->max_phys;
	if (!round_up_to(&phys, fit->align_bytes) ||
	    __builtin_add_overflow(phys, fit->size_bytes - 1, &last))
		return false;
	if (crosses(phys, last, fit->boundary_bytes)) {
		phys = last & ~(fit->boundary_bytes - 1);
		if (__builtin_add_overflow(phys, fit->size_bytes - 1, &last))
			return false;
	}
	if (last > highest)
		return false;
	*physp = phys;
	return true;
}
