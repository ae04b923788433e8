/* SPDX-License-Identifier: MIT */
#include "daemon/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/device_memory.h"
#include "daemon/lease.h"
#include "daemon/lease_object.h"
#include "daemon/parcel.h"
#include "proto/message.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/list.h"

/*
 * A no-map range of a devicetree, reached through /dev/mem.
 *
 * A descriptor of /dev/mem opens all of physical memory, and no narrower one
 * can be made of it.  So it is opened (or arrives in a parcel: mapping takes no
 * privilege) for the one mapping of the region and closed again, and a client
 * gets a bounce buffer instead: a memfd of its own, between which and the real
 * memory the daemon copies where CPU access begins and ends.  That makes buffers
 * ISOLATED, and CACHED, because what a client maps is ordinary memory; a driver
 * cannot import them, so DMA_BUF is missing.
 *
 * Devices use the address that the client was told.  They see what was there
 * at the last copy.  A program with the privilege to map /dev/mem itself may do
 * so at that address and needs no copies.
 *
 * O_SYNC asks for an uncached mapping.  On arm64 and arm it changes nothing
 * for a no-map range: the kernel maps whatever is not its memory as device
 * memory, flag or not.  Elsewhere (x86, RISC-V) the flag decides, and a cached
 * mapping would go stale behind a device that is not coherent.  As device
 * memory it is touched by device_memory_*() only.
 *
 * Nothing is known of what firmware or an earlier boot left there: the memory
 * starts dirty.
 */

#define GUARANTEES                                                         \
	(CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_ISOLATED | CONTIG_MSG_CACHED | \
	 CONTIG_MSG_PHYS_KNOWN)

#define COPY_BYTES 16384 /* of the worker's stack; copies go in such pieces */

struct devmem_memory {
	struct memory memory;
	struct run segment;
	void *mapping; /* of the whole segment, device memory */
};

static const char *path_of(const struct backend_options *options)
{
	return options->devmem_path ? options->devmem_path : "/dev/mem";
}

static int open_devmem(const struct backend_options *options, struct error *why)
{
	const char *path = path_of(options);
	int fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
		return error_set(why, -ENOENT,
				 "%s does not exist: the kernel lacks "
				 "CONFIG_DEVMEM, or the device is hidden from "
				 "the daemon",
				 path);
	case EACCES:
	case EPERM:
		return error_set(why, -errno,
				 "cannot open %s: %s; it takes root with "
				 "CAP_SYS_RAWIO, and no kernel lockdown",
				 path, strerror(errno));
	default:
		return error_set(why, -errno, "cannot open %s: %s", path,
				 strerror(errno));
	}
}

/* Which ranges the kernel lets through is its decision for each of them, and
 * is found out in memory_open. */
static void devmem_probe(const struct backend_options *options,
			 struct backend_report *report)
{
	struct error why = ERROR_INIT;
	_cleanup_fd_ int fd = open_devmem(options, &why);

	report->serves = fd >= 0;
	report->guarantees = report->serves ? GUARANTEES : 0;
	if (report->serves)
		(void)snprintf(
			report->text, sizeof(report->text),
			"contiguous, isolated, address known; cached "
			"bounce buffers that the daemon copies, no "
			"dma-buf; whether %s maps a region shows when it "
			"is opened",
			path_of(options));
	else
		(void)snprintf(report->text, sizeof(report->text), "%s",
			       why.text);
}

static int check_range(const struct memory_spec *spec, struct error *why)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t end;

	if (spec->size_bytes == 0 ||
	    __builtin_add_overflow(spec->base, spec->size_bytes, &end) ||
	    end > INT64_MAX || spec->size_bytes > SIZE_MAX)
		return error_set(why, -EINVAL,
				 "region %s: %" PRIu64 " bytes at 0x%" PRIx64
				 " cannot be mapped",
				 spec->region, spec->size_bytes, spec->base);
	if (spec->base % page != 0 || spec->size_bytes % page != 0)
		return error_set(why, -EINVAL,
				 "region %s: 0x%" PRIx64 " and %" PRIu64
				 " bytes are not both multiples of the page "
				 "size %" PRIu64,
				 spec->region, spec->base, spec->size_bytes,
				 page);
	return 0;
}

static int map_range(int fd, const char *path, const struct memory_spec *spec,
		     void **mappingp, struct error *why)
{
	void *mapping;
	int error;

	mapping = mmap(NULL, (size_t)spec->size_bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, (off_t)spec->base);
	if (mapping != MAP_FAILED) {
		*mappingp = mapping;
		return 0;
	}
	error = errno;
	if (error == EPERM)
		return error_set(why, -EPERM,
				 "region %s: %s refuses 0x%" PRIx64
				 "..0x%" PRIx64
				 ": to the kernel this is System RAM "
				 "(STRICT_DEVMEM: the node needs no-map) or "
				 "busy (IO_STRICT_DEVMEM: as every node that "
				 "it placed itself; iomem=relaxed helps)",
				 spec->region, path, spec->base,
				 spec->base + spec->size_bytes - 1);
	return error_set(
		why, -error,
		"region %s: cannot map 0x%" PRIx64 "..0x%" PRIx64 " of %s: %s",
		spec->region, spec->base, spec->base + spec->size_bytes - 1,
		path, strerror(error));
}

/* Makes memory of what fd, a descriptor of path, maps at the spec's place. */
static int make_memory(int fd, const char *path, const struct memory_spec *spec,
		       struct memory **memoryp, struct error *why)
{
	_cleanup_free_ struct devmem_memory *mem = calloc(1, sizeof(*mem));
	int r;

	if (!mem)
		return error_set(why, -ENOMEM, "region %s: out of memory",
				 spec->region);
	r = check_range(spec, why);
	if (r)
		return r;
	r = map_range(fd, path, spec, &mem->mapping, why);
	if (r)
		return r;
	mem->segment.phys = spec->base;
	mem->segment.size_bytes = spec->size_bytes;
	mem->memory.backend = &backend_devmem;
	mem->memory.guarantees = GUARANTEES;
	mem->memory.cpu_access = CONTIG_MSG_CPU_BOUNCE;
	mem->memory.segments = &mem->segment;
	mem->memory.n_segments = 1;
	mem->memory.guard_bytes = spec->guard_bytes;
	mem->memory.starts_clean = false;
	*memoryp = &TAKE_PTR(mem)->memory;
	return 0;
}

static int devmem_memory_open(const struct backend_options *options,
			      const struct memory_spec *spec,
			      struct memory **memoryp, struct error *why)
{
	_cleanup_fd_ int fd = open_devmem(options, why);

	if (fd < 0)
		return error_prefix(why, fd, "region %s", spec->region);
	return make_memory(fd, path_of(options), spec, memoryp, why);
}

static int devmem_memory_export(const struct backend_options *options,
				const struct memory *memory,
				struct parcel *parcel, struct error *why)
{
	_cleanup_fd_ int fd = open_devmem(options, why);
	int r;

	(void)memory;
	if (fd < 0)
		return fd;
	r = parcel_add_consume(parcel, PARCEL_DEVICE, fd);
	if (r < 0)
		return error_set(why, r, "out of memory");
	(void)TAKE_FD(fd);
	return 0;
}

static int devmem_memory_import(const struct memory_spec *spec,
				struct parcel *parcel, struct memory **memoryp,
				struct error *why)
{
	_cleanup_fd_ int fd = parcel_take(parcel, PARCEL_DEVICE);

	if (fd < 0)
		return error_set(why, -ENOENT,
				 "region %s: no descriptor of /dev/mem came "
				 "with it",
				 spec->region);
	return make_memory(fd, "/dev/mem", spec, memoryp, why);
}

static struct devmem_memory *devmem_of(struct memory *memory)
{
	return container_of(memory, struct devmem_memory, memory);
}

static void devmem_memory_close(struct memory *memory)
{
	struct devmem_memory *mem;

	if (!memory)
		return;
	mem = devmem_of(memory);
	(void)munmap(mem->mapping, (size_t)mem->segment.size_bytes);
	free(mem);
}

/* Where length bytes at phys are mapped, or NULL where they are not all in the
 * region. */
static uint8_t *find_mapped(struct memory *memory, uint64_t phys,
			    uint64_t length)
{
	struct devmem_memory *mem = devmem_of(memory);
	uint64_t offset;

	if (__builtin_sub_overflow(phys, mem->segment.phys, &offset) ||
	    offset > mem->segment.size_bytes ||
	    length > mem->segment.size_bytes - offset)
		return NULL;
	return (uint8_t *)mem->mapping + offset;
}

/* No cache has it, whatever waits. */
static int devmem_zero(struct memory *memory, uint64_t phys,
		       uint64_t size_bytes, uint64_t waiting_bytes)
{
	uint8_t *device = find_mapped(memory, phys, size_bytes);

	(void)waiting_bytes;
	if (!device)
		return -ERANGE;
	device_memory_zero(device, (size_t)size_bytes);
	return 0;
}

/* Where a range of the object is mapped, or NULL where it is not all in it. */
static uint8_t *find_in_object(struct object *object, uint64_t offset,
			       uint64_t length)
{
	if (offset > object->run.size_bytes ||
	    length > object->run.size_bytes - offset)
		return NULL;
	return find_mapped(object->memory, object->run.phys + offset, length);
}

/* One piece, one way or the other. */
typedef int copy_fn(int client_fd, uint64_t offset, uint8_t *device, size_t n);

static int copy_out(int client_fd, uint64_t offset, uint8_t *device, size_t n)
{
	_Alignas(16) uint8_t bytes[COPY_BYTES];

	device_memory_read(bytes, device, n);
	return lease_write(client_fd, bytes, n, offset);
}

static int copy_in(int client_fd, uint64_t offset, uint8_t *device, size_t n)
{
	_Alignas(16) uint8_t bytes[COPY_BYTES];
	int r = lease_read(client_fd, bytes, n, offset);

	if (r == 0)
		device_memory_write(device, bytes, n);
	return r;
}

static int copy_range(struct object *object, uint64_t offset, uint64_t length,
		      copy_fn *copy)
{
	uint8_t *device = find_in_object(object, offset, length);
	int r = device ? 0 : -ERANGE;

	while (r == 0 && length > 0) {
		size_t n = length < COPY_BYTES ? (size_t)length : COPY_BYTES;

		r = copy(object->fd, offset, device, n);
		device += n;
		offset += n;
		length -= n;
	}
	return r;
}

static int devmem_copy_to_client(struct object *object, uint64_t offset,
				 uint64_t length)
{
	return copy_range(object, offset, length, copy_out);
}

static int devmem_copy_from_client(struct object *object, uint64_t offset,
				   uint64_t length)
{
	return copy_range(object, offset, length, copy_in);
}

/* Where a range of the object's guard is mapped, or NULL. */
static uint8_t *find_in_guard(struct object *object, uint64_t offset,
			      size_t length)
{
	if (offset > object->guard_bytes ||
	    length > object->guard_bytes - offset)
		return NULL;
	return find_mapped(object->memory,
			   object->run.phys + object->run.size_bytes + offset,
			   length);
}

static int devmem_guard_write(struct object *object, uint64_t offset,
			      const void *bytes, size_t length)
{
	uint8_t *device = find_in_guard(object, offset, length);

	if (!device)
		return -ERANGE;
	device_memory_write(device, bytes, length);
	return 0;
}

static int devmem_guard_read(struct object *object, uint64_t offset,
			     void *bytes, size_t length)
{
	const uint8_t *device = find_in_guard(object, offset, length);

	if (!device)
		return -ERANGE;
	device_memory_read(bytes, device, length);
	return 0;
}

const struct backend backend_devmem = {
	.name = "devmem",
	.probe = devmem_probe,
	.permanent = true,
	.memory_open = devmem_memory_open,
	.memory_close = devmem_memory_close,
	.parcel_kinds = (const char *const[]){PARCEL_DEVICE, NULL},
	.memory_export = devmem_memory_export,
	.memory_import = devmem_memory_import,
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
	.zero = devmem_zero,
	.copy_to_client = devmem_copy_to_client,
	.copy_from_client = devmem_copy_from_client,
	.guard_write = devmem_guard_write,
	.guard_read = devmem_guard_read,
};
