/* SPDX-License-Identifier: MIT */
#include "daemon/guard.h"

#include "daemon/pattern.h"

/*
 * A device without an IOMMU writes where it was told to, and a driver that is
 * off by a line tells it to write behind its buffer.  Without a guard that
 * corrupts whoever was lent the memory behind; with one it hits bytes that
 * nobody uses, and shows.
 *
 * A pass goes through a guard slice by slice, for the worker to stop after each
 * of them.  The bytes take a way through the worker's stack: how memory is
 * reached, and which accesses it bears, is the backend's affair.
 *
 * Guards end where an address space may end too, so no end is computed.
 */

static uint64_t phys_of(const struct guard_pass *pass)
{
	const struct run *run = &pass->object->run;

	return run->phys + run->size_bytes + pass->done_bytes;
}

static size_t slice_of(const struct guard_pass *pass)
{
	uint64_t left = pass->object->guard_bytes - pass->done_bytes;

	return left < GUARD_SLICE_BYTES ? (size_t)left : GUARD_SLICE_BYTES;
}

static int finish_slice(struct guard_pass *pass, size_t slice)
{
	pass->done_bytes += slice;
	return pass->done_bytes < pass->object->guard_bytes;
}

int guard_fill(struct guard_pass *pass)
{
	const struct backend *backend = pass->object->memory->backend;
	_Alignas(16) unsigned char bytes[GUARD_SLICE_BYTES];
	size_t slice = slice_of(pass);
	int r;

	if (slice == 0)
		return 0;
	pattern_fill(bytes, phys_of(pass), slice);
	r = backend->guard_write(pass->object, pass->done_bytes, bytes, slice);
	return r < 0 ? r : finish_slice(pass, slice);
}

int guard_check(struct guard_pass *pass)
{
	const struct backend *backend = pass->object->memory->backend;
	_Alignas(16) unsigned char bytes[GUARD_SLICE_BYTES];
	size_t slice = slice_of(pass), first = 0, wrong;
	int r;

	if (slice == 0)
		return 0;
	r = backend->guard_read(pass->object, pass->done_bytes, bytes, slice);
	if (r < 0)
		return r;
	wrong = pattern_compare(bytes, phys_of(pass), slice, &first);
	if (wrong > 0 && pass->damage.bytes == 0)
		pass->damage.first_bytes = pass->done_bytes + first;
	pass->damage.bytes += wrong;
	return finish_slice(pass, slice);
}
