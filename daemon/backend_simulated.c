/* SPDX-License-Identifier: MIT */
#include "daemon/backend.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lease.h"
#include "daemon/lease_object.h"
#include "proto/message.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/list.h"

/*
 * Memory without any device: each buffer is a memfd of its own.  It runs on
 * every machine and needs no privilege, and takes the same ways as the real
 * ones: addresses are allocated with all constraints, descriptors are lent,
 * the kernel's evidence is asked, and what was freed passes the worker.
 *
 * Its addresses are made up.  They obey alignment, highest address and
 * boundary, so that a program can be tried against them, but no device could
 * use them: neither CONTIGUOUS nor PHYS_KNOWN is among the guarantees, and so
 * nobody is ever told one as an address.
 *
 * A guard is the end of the memfd behind the buffer's size.  No device could
 * write there, but the client can: it may map the whole file.  So a stray write
 * is something that any machine can make, and tests do, although the memory has
 * no neighbour that it could hit.
 *
 * Pages exist only once they are touched, whatever size the region has.  The
 * kernel hands them out zeroed, and object_discard() gives them back.
 */

#define GUARANTEES (CONTIG_MSG_ISOLATED | CONTIG_MSG_CACHED)

struct simulated_memory {
	struct memory memory;
	struct run segment;
};

/* One page through a whole life: where /proc is missing, or the process may
 * not set leases, that is found out here and not at the first buffer. */
static int try_life(struct error *why)
{
	_cleanup_fd_ int fd = -1;
	_cleanup_fd_ int lent = -1;
	int r;

	fd = lease_create("probe", 1, NULL, why);
	if (fd < 0)
		return fd;
	lent = lease_lend(fd);
	if (lent < 0)
		return error_set(why, lent, "cannot lend a memfd: %s",
				 strerror(-lent));
	r = lease_held(fd);
	if (r < 0)
		return error_set(why, r, "cannot take a lease: %s",
				 strerror(-r));
	lent = fd_close(lent);
	if (r != 1 || lease_held(fd) != 0)
		return error_set(why, -ENOTSUP,
				 "leases do not tell whether a memfd is held");
	return 0;
}

static void simulated_probe(const struct backend_options *options,
			    struct backend_report *report)
{
	struct error why = ERROR_INIT;

	(void)options;
	report->serves = try_life(&why) == 0;
	report->guarantees = report->serves ? GUARANTEES : 0;
	if (report->serves)
		(void)snprintf(report->text, sizeof(report->text),
			       "isolated, cached; one memfd a buffer, neither "
			       "contiguous nor for devices, addresses are made "
			       "up");
	else
		(void)snprintf(report->text, sizeof(report->text), "%s",
			       why.text);
}

static int simulated_memory_open(const struct backend_options *options,
				 const struct memory_spec *spec,
				 struct memory **memoryp, struct error *why)
{
	struct simulated_memory *sim;
	uint64_t last;

	(void)options;
	if (spec->size_bytes == 0 ||
	    __builtin_add_overflow(spec->base, spec->size_bytes - 1, &last))
		return error_set(why, -EINVAL,
				 "region %s: %" PRIu64 " bytes at 0x%" PRIx64
				 " are no range of addresses",
				 spec->region, spec->size_bytes, spec->base);
	sim = calloc(1, sizeof(*sim));
	if (!sim)
		return error_set(why, -ENOMEM, "region %s: out of memory",
				 spec->region);
	sim->segment.phys = spec->base;
	sim->segment.size_bytes = spec->size_bytes;
	sim->memory.backend = &backend_simulated;
	sim->memory.guarantees = GUARANTEES;
	sim->memory.cpu_access = CONTIG_MSG_CPU_DIRECT;
	sim->memory.segments = &sim->segment;
	sim->memory.n_segments = 1;
	sim->memory.guard_bytes = spec->guard_bytes;
	sim->memory.starts_clean = true;
	*memoryp = &sim->memory;
	return 0;
}

static void simulated_memory_close(struct memory *memory)
{
	if (memory)
		free(container_of(memory, struct simulated_memory, memory));
}

/* Nothing is left to zero: the pages go with the object, and the next object's
 * pages come zeroed.  The step is taken all the same, for what was freed to pass
 * the worker as it does with every other backend. */
static int simulated_zero(struct memory *memory, uint64_t phys,
			  uint64_t size_bytes, uint64_t waiting_bytes)
{
	(void)memory;
	(void)phys;
	(void)size_bytes;
	(void)waiting_bytes;
	return 0;
}

const struct backend backend_simulated = {
	.name = "simulated",
	.probe = simulated_probe,
	.memory_open = simulated_memory_open,
	.memory_close = simulated_memory_close,
	.object_new = lease_object_new,
	.object_prepare = lease_object_prepare,
	.object_populate = lease_object_populate,
	.object_populate_huge = lease_object_populate_huge,
	.object_populate_large = lease_object_populate_large,
	.object_adopt = lease_object_adopt,
	.object_free = lease_object_free,
	.object_discard = lease_object_discard,
	.object_lend = lease_object_lend,
	.object_held = lease_object_held,
	.close_events = true,
	.zero = simulated_zero,
	.quick_zero_bytes = UINT64_MAX,
	.guard_write = lease_object_guard_write,
	.guard_read = lease_object_guard_read,
};
