/* SPDX-License-Identifier: MIT */
#include "daemon/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/dmabuf.h"
#include "daemon/hugepages.h"
#include "daemon/token.h"
#include "daemon/udmabuf.h"
#include "daemon/udmabuf_memory.h"
#include "daemon/udmabuf_probe.h"
#include "daemon/udmabuf_window.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * A pool of huge pages, lent out in physically contiguous runs, each a dma-buf
 * of its own that reaches nothing else.  The pool and what keeps it in place is
 * in udmabuf_memory.c, how the daemon itself gets at its bytes in
 * udmabuf_window.c, and what a kernel is asked beforehand in udmabuf_probe.c.
 *
 * The first DMA_BUF_IOCTL_SYNC of a udmabuf only prepares it and flushes
 * nothing, so each buffer gets its first one before it is lent.
 *
 * A udmabuf that only the daemon holds can stand for the next buffer of its
 *run. Descriptors, mappings, messages and attached devices count, so there are
 *none. What does not count:
 *
 *	contents	zeroed as ever.  What zeroes also writes back the caches
 *			(udmabuf_window.c), and nobody touches the run between
 *			that and its next holder, to whom memory and caches are
 *			what they are behind the first SYNC of a new one.
 *	pages		cannot be kept apart from a mapping since 6.11
 *			(VM_PFNMAP).  Before 6.5 a pipe could have some: they
 *			are the pool's, and a new udmabuf would be made of them.
 *	fences		one that has not signalled would hold up devices of the
 *			next holder: such a udmabuf is closed.  A device that
 *			goes on writing behind its driver's back finds the same
 *			memory under a new one.
 *	the open file	is one for all holders.  Its flags are set back.  It has
 *			no position, and sends no signals to whoever F_SETOWN
 *			named; a flock() never conflicts with itself.
 *	name, token	are new.
 *	O_PATH, epoll	a descriptor of the one kind shows the name, with the
 *			new token, an entry of the other when fences signal.
 *			Neither can be mapped or turned into one that can.  See
 *			kept.c for whom they may concern.
 */

static uint64_t page_bytes_of(const struct memory_spec *spec)
{
	return spec->page_bytes ? spec->page_bytes : hugepages_default_bytes();
}

static int check_granule(const struct memory_spec *spec, uint64_t page_bytes,
			 struct error *why)
{
	uint64_t base_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	if (spec->granule_bytes == 0 || spec->granule_bytes % base_bytes != 0 ||
	    page_bytes % spec->granule_bytes != 0)
		return error_set(why, -EINVAL,
				 "granule %" PRIu64 " is no multiple of the "
				 "page size %" PRIu64 " that divides the huge "
				 "page size %" PRIu64,
				 spec->granule_bytes, base_bytes, page_bytes);
	return 0;
}

static int open_pool(const struct backend_options *options,
		     const struct memory_spec *spec,
		     struct udmabuf_memory **memp, struct error *why)
{
	_cleanup_(udmabuf_memory_freep) struct udmabuf_memory *mem = NULL;
	uint64_t page_bytes = page_bytes_of(spec);
	struct kernel_release release;
	struct error limit = ERROR_INIT;
	struct udmabuf_limits wanted;
	int r;

	r = udmabuf_probe_kernel(options, &release, why);
	if (r)
		return r;
	r = check_granule(spec, page_bytes, why);
	if (r)
		return r;
	r = udmabuf_memory_new(&mem, options->udmabuf_path, why);
	if (r)
		return r;
	/* a buffer may be as large as the pool, and each page a piece */
	wanted.size_bytes = spec->size_bytes;
	wanted.pieces = spec->size_bytes / page_bytes;
	if (udmabuf_limits_raise(NULL, &release, &wanted, &limit))
		log_warning("region %s: %s; larger buffers will be refused",
			    spec->region, limit.text);
	r = udmabuf_memory_fill(mem, spec->region, spec->size_bytes, page_bytes,
				why);
	if (r)
		return r;
	*memp = TAKE_PTR(mem);
	return 0;
}

static void finish_memory(struct udmabuf_memory *mem,
			  const struct memory_spec *spec)
{
	mem->memory.backend = &backend_udmabuf;
	mem->memory.guarantees = UDMABUF_GUARANTEES;
	mem->memory.cpu_access = CONTIG_MSG_CPU_IOCTL;
	mem->memory.guard_bytes = spec->guard_bytes;
}

static int memory_open(const struct backend_options *options,
		       const struct memory_spec *spec, struct memory **memoryp,
		       struct error *why)
{
	struct udmabuf_memory *mem = NULL;
	int r = open_pool(options, spec, &mem, why);

	if (r)
		return error_prefix(why, r, "region %s", spec->region);
	finish_memory(mem, spec);
	mem->memory.starts_clean = true; /* the kernel zeroes huge pages */
	*memoryp = &mem->memory;
	return 0;
}

static int memory_export(const struct backend_options *options,
			 const struct memory *memory, struct parcel *parcel,
			 struct error *why)
{
	(void)options;
	return udmabuf_memory_pack(
		container_of(memory, const struct udmabuf_memory, memory),
		parcel, why);
}

static int unpack(struct udmabuf_memory **memp, const struct memory_spec *spec,
		  struct parcel *parcel, struct error *why)
{
	uint64_t page_bytes = page_bytes_of(spec);
	int r = check_granule(spec, page_bytes, why);

	return r ? r : udmabuf_memory_unpack(memp, page_bytes, parcel, why);
}

static int memory_import(const struct memory_spec *spec, struct parcel *parcel,
			 struct memory **memoryp, struct error *why)
{
	struct udmabuf_memory *mem = NULL;
	int r = unpack(&mem, spec, parcel, why);

	if (r)
		return error_prefix(why, r, "region %s", spec->region);
	finish_memory(mem, spec);
	*memoryp = &mem->memory;
	return 0;
}

static void memory_close(struct memory *memory)
{
	if (memory)
		(void)udmabuf_memory_free(udmabuf_memory_of(memory));
}

/* Of the buffer's own name there is room for seven characters. */
static int name_dmabuf(int fd, const char *name, uint64_t *tokenp)
{
	char full[DMA_BUF_NAME_LEN];
	int r = token_make(tokenp);

	if (r)
		return r;
	token_write_name(full, sizeof(full), *tokenp, name);
	return dmabuf_set_name(fd, full);
}

static int udmabuf_object_new(struct memory *memory, const struct run *run,
			      const char *name, struct object **objectp,
			      struct error *why)
{
	_cleanup_free_ struct object *object = calloc(1, sizeof(*object));
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	if (!object)
		return error_set(why, -ENOMEM, "buffer %s: out of memory", name);
	fd = udmabuf_memory_dmabuf(udmabuf_memory_of(memory), run, NULL, NULL,
				   why);
	if (fd < 0)
		return error_prefix(why, fd, "buffer %s", name);
	r = dmabuf_sync(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	if (r)
		return error_set(why, r, "buffer %s: DMA_BUF_IOCTL_SYNC: %s",
				 name, strerror(-r));
	r = name_dmabuf(fd, name, &object->token);
	if (r)
		return error_set(why, r, "buffer %s: cannot name it: %s", name,
				 strerror(-r));
	if (fstat(fd, &st) < 0)
		return error_set(why, -errno, "buffer %s: fstat: %s", name,
				 strerror(errno));
	object->memory = memory;
	object->run = *run;
	object->guard_bytes = memory->guard_bytes;
	object->device = st.st_dev;
	object->inode = st.st_ino;
	object->references = 1;
	object->fd = TAKE_FD(fd);
	*objectp = TAKE_PTR(object);
	return 0;
}

static int udmabuf_object_retire(struct object *object)
{
	return dmabuf_reset(object->fd);
}

static int udmabuf_object_renew(struct object *object, const char *name)
{
	return name_dmabuf(object->fd, name, &object->token);
}

static int udmabuf_object_adopt(struct memory *memory, const struct object *what,
				struct object **objectp, struct error *why)
{
	off_t size = lseek(what->fd, 0, SEEK_END);
	struct object *object;
	struct stat st;

	if (dmabuf_held(udmabuf_memory_of(memory)->fdinfo_fd, what->fd, 1) ==
	    -ENOTSUP)
		return error_set(why, -EPROTO, "it is no dma-buf");
	if (size < 0 || (uint64_t)size != what->run.size_bytes ||
	    fstat(what->fd, &st) < 0 || st.st_dev != what->device ||
	    st.st_ino != what->inode)
		return error_set(why, -EPROTO, "it is another dma-buf");
	object = malloc(sizeof(*object));
	if (!object)
		return error_set(why, -ENOMEM, "out of memory");
	*object = *what;
	object->memory = memory;
	*objectp = object;
	return 0;
}

static void udmabuf_object_free(struct object *object)
{
	if (!object)
		return;
	(void)fd_close(object->fd);
	free(object);
}

static int udmabuf_object_lend(struct object *object)
{
	int fd = fcntl(object->fd, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int udmabuf_object_held(struct object *object)
{
	return dmabuf_held(udmabuf_memory_of(object->memory)->fdinfo_fd,
			   object->fd, object->references);
}

static int udmabuf_zero(struct memory *memory, uint64_t phys,
			uint64_t size_bytes, uint64_t waiting_bytes)
{
	const struct run run = {phys, size_bytes};

	return udmabuf_window_zero(udmabuf_memory_of(memory), &run,
				   waiting_bytes);
}

/* A range of an object's guard, which is of whole pages, as the slices of
 * guard.h are. */
static int find_guard(const struct object *object, uint64_t offset,
		      size_t length, struct run *runp)
{
	if (offset > object->guard_bytes ||
	    length > object->guard_bytes - offset)
		return -ERANGE;
	runp->phys = object->run.phys + object->run.size_bytes + offset;
	runp->size_bytes = length;
	return 0;
}

static int udmabuf_guard_write(struct object *object, uint64_t offset,
			       const void *bytes, size_t length)
{
	struct run run;
	int r = find_guard(object, offset, length, &run);

	return r ? r
		 : udmabuf_window_write(udmabuf_memory_of(object->memory), &run,
					bytes);
}

static int udmabuf_guard_read(struct object *object, uint64_t offset,
			      void *bytes, size_t length)
{
	struct run run;
	int r = find_guard(object, offset, length, &run);

	return r ? r
		 : udmabuf_window_read(udmabuf_memory_of(object->memory), &run,
				       bytes);
}

const struct backend backend_udmabuf = {
	.name = "udmabuf",
	.probe = udmabuf_probe,
	.memory_open = memory_open,
	.memory_close = memory_close,
	.parcel_kinds = (const char *const[]){PARCEL_DEVICE, UDMABUF_PARCEL_POOL,
					      UDMABUF_PARCEL_PIN, NULL},
	.memory_export = memory_export,
	.memory_import = memory_import,
	.object_new = udmabuf_object_new,
	.object_retire = udmabuf_object_retire,
	.object_renew = udmabuf_object_renew,
	.object_adopt = udmabuf_object_adopt,
	.object_free = udmabuf_object_free,
	.object_lend = udmabuf_object_lend,
	.object_held = udmabuf_object_held,
	.zero = udmabuf_zero,
	.guard_write = udmabuf_guard_write,
	.guard_read = udmabuf_guard_read,
};
