/* SPDX-License-Identifier: MIT */
#include "daemon/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/dmabuf.h"
#include "daemon/hugepages.h"
#include "daemon/hugepool.h"
#include "daemon/parcel.h"
#include "daemon/token.h"
#include "daemon/udmabuf.h"
#include "daemon/udmabuf_trial.h"
#include "proto/message.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/format.h"
#include "util/list.h"
#include "util/log.h"

/*
 * A pool of huge pages, lent out in physically contiguous runs, each a dma-buf
 * of its own that reaches nothing else.
 *
 * Everything that takes privilege is done in memory_open: the stock of huge
 * pages and the module's limits are raised, the device is opened, addresses are
 * read.  Afterwards the ioctls on the open device are enough.  The probe needs
 * the same, and puts the stock back to what it was.
 *
 * Addresses must stay true for as long as the region exists, and the kernel may
 * move a page of a memfd.  So the pool is pinned as a whole, by udmabufs that
 * cover it and are never lent, before addresses are read.  They go with the
 * pool when another process takes it over: a page that nobody pinned meanwhile
 * could be anywhere.
 *
 * Caches: a udmabuf that a driver attaches is not flushed (since 6.12 it maps
 * with DMA_ATTR_SKIP_CPU_SYNC), and the zeroes that the daemon writes may still
 * be in a cache, to be written out over what a device put there.  They are
 * flushed by a DMA_BUF_IOCTL_SYNC around each zeroing, and once for the
 * kernel's own zeroes at the start.  The first SYNC of a udmabuf only prepares
 * it and flushes nothing, so each buffer gets its first one before it is lent.
 */

#define GUARANTEES                                                          \
	(CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_ISOLATED | CONTIG_MSG_DMA_BUF | \
	 CONTIG_MSG_CACHED | CONTIG_MSG_PHYS_KNOWN)

#define PARCEL_POOL "pool"
#define PARCEL_PIN  "pin"

struct udmabuf_memory {
	struct memory memory;
	int device_fd;
	int fdinfo_fd; /* of dmabuf_held() */
	struct hugepool *pool;
	struct run *segments;
	int *pin_fds; /* dma-bufs that keep the pages in their places */
	size_t n_pins;
};

static struct udmabuf_memory *udmabuf_of(struct memory *memory)
{
	return container_of(memory, struct udmabuf_memory, memory);
}

/* Refuses a kernel whose udmabuf corrupts memory, unless told otherwise. */
static int check_kernel(const struct backend_options *options,
			struct kernel_release *release, struct error *why)
{
	int r = kernel_release_get(release);

	if (r)
		return error_set(why, r, "cannot tell the kernel's release");
	if (udmabuf_vmap_of(release) == UDMABUF_VMAP_WRONG &&
	    !options->allow_corrupting_kernel)
		return error_set(
			why, -ENOTSUP,
			"kernel %u.%u.%u corrupts memory: where a "
			"driver maps a udmabuf of huge pages, 6.11 and "
			"6.12 give it wrong pages, later ones do not; "
			"the configuration can insist",
			release->major, release->minor, release->patch);
	return 0;
}

static void free_pins(struct udmabuf_memory *mem)
{
	for (size_t i = 0; i < mem->n_pins; i++)
		(void)fd_close(mem->pin_fds[i]);
	free(mem->pin_fds);
	mem->pin_fds = NULL;
	mem->n_pins = 0;
}

static struct udmabuf_memory *udmabuf_memory_free(struct udmabuf_memory *mem)
{
	if (!mem)
		return NULL;
	free_pins(mem);
	free(mem->segments);
	(void)hugepool_free(mem->pool);
	(void)fd_close(mem->fdinfo_fd);
	(void)fd_close(mem->device_fd);
	free(mem);
	return NULL;
}

DEFINE_CLEANUP(struct udmabuf_memory *, udmabuf_memory_free)

/* Writes out what caches hold of a dma-buf's memory. */
static int flush(int dmabuf_fd)
{
	int r = dmabuf_sync(dmabuf_fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);

	return r ? r
		 : dmabuf_sync(dmabuf_fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}

/* Pins the pool in as few udmabufs as the limit on their size allows. */
static int pin_pool(struct udmabuf_memory *mem, struct error *why)
{
	uint64_t size = hugepool_size_bytes(mem->pool);
	uint64_t step = size, at = 0;
	struct udmabuf_limits limits;

	if (udmabuf_limits_read(NULL, &limits) == 0 && limits.size_bytes > 0 &&
	    limits.size_bytes < step)
		step = limits.size_bytes;
	mem->pin_fds = calloc((size_t)(size / step) + 1, sizeof(int));
	if (!mem->pin_fds)
		return error_set(why, -ENOMEM, "out of memory");
	while (at < size) {
		const struct frames_piece piece = {
			at, size - at < step ? size - at : step};
		int fd = udmabuf_create(mem->device_fd, hugepool_fd(mem->pool),
					&piece, 1, why);
		int r;

		if (fd < 0)
			return error_prefix(why, fd, "cannot pin the pool");
		mem->pin_fds[mem->n_pins++] = fd;
		r = flush(fd);
		if (r)
			return error_set(why, r, "cannot flush the pool: %s",
					 strerror(-r));
		at += piece.size_bytes;
	}
	return 0;
}

static int copy_segments(struct udmabuf_memory *mem, struct error *why)
{
	const struct frames *frames = hugepool_frames(mem->pool);
	size_t n = frames->n_segments;

	mem->segments = calloc(n, sizeof(*mem->segments));
	if (!mem->segments)
		return error_set(why, -ENOMEM, "out of memory");
	memcpy(mem->segments, frames->segments, n * sizeof(*mem->segments));
	mem->memory.n_segments = n;
	return 0;
}

/* Takes, pins and locates pages; all but the limits, which are the caller's. */
static int fill_memory(struct udmabuf_memory *mem, const char *name,
		       uint64_t size_bytes, uint64_t page_bytes,
		       struct error *why)
{
	int r;

	r = hugepool_new(&mem->pool, name, size_bytes, page_bytes, why);
	if (r)
		return r;
	r = pin_pool(mem, why);
	if (r)
		return r;
	r = hugepool_locate(mem->pool, why);
	if (r)
		return r;
	return copy_segments(mem, why);
}

static int new_memory(int device_fd_consume, struct udmabuf_memory **memp,
		      struct error *why)
{
	_cleanup_(udmabuf_memory_freep) struct udmabuf_memory *mem =
		calloc(1, sizeof(*mem));

	if (!mem) {
		(void)fd_close(device_fd_consume);
		return error_set(why, -ENOMEM, "out of memory");
	}
	mem->device_fd = device_fd_consume;
	mem->fdinfo_fd = dmabuf_open_fdinfo();
	if (mem->fdinfo_fd < 0)
		return error_set(why, mem->fdinfo_fd,
				 "cannot open /proc/self/fdinfo: %s",
				 strerror(-mem->fdinfo_fd));
	*memp = TAKE_PTR(mem);
	return 0;
}

static int open_memory(const struct backend_options *options,
		       struct udmabuf_memory **memp, struct error *why)
{
	int fd = udmabuf_open(options->udmabuf_path, why);

	return fd < 0 ? fd : new_memory(fd, memp, why);
}

/* Small ones will do for a trial: with base pages of 64 KiB the kernel prefers
 * huge pages of 512 MiB. */
static uint64_t trial_page_bytes(void)
{
	const uint64_t common = UINT64_C(2) << 20;
	struct hugepages stock;

	if (hugepages_init(&stock, NULL, NULL, common, NULL) == 0)
		return common;
	return hugepages_default_bytes();
}

/* The whole way on two huge pages, or on one where there is no second.  What
 * had to be added to the kernel's stock for that is taken out again. */
static int try_kernel(const struct backend_options *options, struct error *why)
{
	_cleanup_(udmabuf_memory_freep) struct udmabuf_memory *mem = NULL;
	uint64_t page_bytes = trial_page_bytes(), raised = 0;
	struct hugepages stock;
	int r;

	r = open_memory(options, &mem, why);
	if (r)
		return r;
	if (page_bytes == 0)
		return error_set(why, -ENOENT, "the kernel has no huge pages");
	r = fill_memory(mem, NULL, 2 * page_bytes, page_bytes, why);
	if (r == 0)
		r = udmabuf_trial(mem->device_fd, mem->pool, why);
	if (mem->pool)
		raised = hugepool_raised_pages(mem->pool);
	mem = udmabuf_memory_free(mem);
	if (raised && hugepages_init(&stock, NULL, NULL, page_bytes, NULL) == 0)
		(void)hugepages_lower(&stock, raised);
	return r;
}

/* The sentence about limits and, where there is something to say, vmap. */
static void describe(const struct kernel_release *release,
		     struct backend_report *report)
{
	static const char *const vmap[] = {
		[UDMABUF_VMAP_WORKS] = "",
		[UDMABUF_VMAP_REFUSED] = "; drivers that map buffers in the "
					 "kernel are refused by this kernel "
					 "(fixed in 6.16.1)",
		[UDMABUF_VMAP_WRONG] = "; THIS KERNEL CORRUPTS MEMORY where "
				       "a driver maps buffers, served because "
				       "the configuration insists",
	};
	char size[FORMAT_SIZE_BYTES], limit[160] = "";
	struct udmabuf_limits limits;

	if (udmabuf_limits_read(NULL, &limits) == 0)
		(void)snprintf(limit, sizeof(limit),
			       "; a buffer has at most %s in %" PRIu64
			       " pieces, which is raised for larger pools",
			       format_size(size, limits.size_bytes),
			       limits.pieces);
	(void)snprintf(report->text, sizeof(report->text),
		       "contiguous, isolated, dma-buf, cached, address known, "
		       "of huge pages%s%s",
		       limit, vmap[udmabuf_vmap_of(release)]);
}

static void udmabuf_probe(const struct backend_options *options,
			  struct backend_report *report)
{
	struct kernel_release release = {0, 0, 0};
	struct error why = ERROR_INIT;
	int r;

	r = check_kernel(options, &release, &why);
	if (r == 0)
		r = try_kernel(options, &why);
	report->serves = r == 0;
	report->guarantees = report->serves ? GUARANTEES : 0;
	if (report->serves)
		describe(&release, report);
	else
		(void)snprintf(report->text, sizeof(report->text), "%s",
			       why.text);
}

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

	r = check_kernel(options, &release, why);
	if (r)
		return r;
	r = check_granule(spec, page_bytes, why);
	if (r)
		return r;
	r = open_memory(options, &mem, why);
	if (r)
		return r;
	/* a buffer may be as large as the pool, and each page a piece */
	wanted.size_bytes = spec->size_bytes;
	wanted.pieces = spec->size_bytes / page_bytes;
	if (udmabuf_limits_raise(NULL, &release, &wanted, &limit))
		log_warning("region %s: %s; larger buffers will be refused",
			    spec->region, limit.text);
	r = fill_memory(mem, spec->region, spec->size_bytes, page_bytes, why);
	if (r)
		return r;
	*memp = TAKE_PTR(mem);
	return 0;
}

static void finish_memory(struct udmabuf_memory *mem,
			  const struct memory_spec *spec)
{
	mem->memory.backend = &backend_udmabuf;
	mem->memory.guarantees = GUARANTEES;
	mem->memory.cpu_access = CONTIG_MSG_CPU_IOCTL;
	mem->memory.segments = mem->segments;
	mem->memory.guard_bytes = spec->guard_bytes;
}

static int udmabuf_memory_open(const struct backend_options *options,
			       const struct memory_spec *spec,
			       struct memory **memoryp, struct error *why)
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

static int udmabuf_memory_export(const struct backend_options *options,
				 const struct memory *memory,
				 struct parcel *parcel, struct error *why)
{
	const struct udmabuf_memory *mem =
		container_of(memory, const struct udmabuf_memory, memory);
	size_t n_pages = (size_t)(hugepool_size_bytes(mem->pool) /
				  hugepool_page_bytes(mem->pool));
	int r;

	(void)options;
	parcel->words = calloc(n_pages, sizeof(*parcel->words));
	if (!parcel->words)
		return error_set(why, -ENOMEM, "out of memory");
	frames_addresses(hugepool_frames(mem->pool), parcel->words);
	parcel->n_words = n_pages;
	r = parcel_add_dup(parcel, PARCEL_DEVICE, mem->device_fd);
	if (r == 0)
		r = parcel_add_dup(parcel, PARCEL_POOL, hugepool_fd(mem->pool));
	for (size_t i = 0; r == 0 && i < mem->n_pins; i++)
		r = parcel_add_dup(parcel, PARCEL_PIN, mem->pin_fds[i]);
	if (r < 0)
		return error_set(why, r, "cannot hand on the pool: %s",
				 strerror(-r));
	return 0;
}

/* Takes the dma-bufs that have kept the pool's pages where they are. */
static int unpack_pins(struct udmabuf_memory *mem, struct parcel *parcel,
		       struct error *why)
{
	size_t n = parcel_count(parcel, PARCEL_PIN);
	uint64_t pinned_bytes = 0;

	mem->pin_fds = calloc(n + 1, sizeof(int));
	if (!mem->pin_fds)
		return error_set(why, -ENOMEM, "out of memory");
	while (mem->n_pins < n) {
		int fd = parcel_take(parcel, PARCEL_PIN);
		off_t size = lseek(fd, 0, SEEK_END);

		mem->pin_fds[mem->n_pins++] = fd;
		if (size < 0 || dmabuf_held(mem->fdinfo_fd, fd, 1) < 0)
			return error_set(why, -EPROTO,
					 "what should pin the pool is no "
					 "dma-buf");
		pinned_bytes += (uint64_t)size;
	}
	if (pinned_bytes != hugepool_size_bytes(mem->pool))
		return error_set(why, -EPROTO,
				 "of the pool's %" PRIu64 " bytes %" PRIu64
				 " were kept pinned: the others may be "
				 "elsewhere now",
				 hugepool_size_bytes(mem->pool), pinned_bytes);
	return 0;
}

static int unpack(struct udmabuf_memory **memp, const struct memory_spec *spec,
		  struct parcel *parcel, struct error *why)
{
	_cleanup_(udmabuf_memory_freep) struct udmabuf_memory *mem = NULL;
	_cleanup_fd_ int pool_fd = parcel_take(parcel, PARCEL_POOL);
	int device_fd = parcel_take(parcel, PARCEL_DEVICE);
	uint64_t page_bytes = page_bytes_of(spec);
	int r;

	if (device_fd < 0)
		return error_set(why, -ENOENT,
				 "no descriptor of /dev/udmabuf came with it");
	r = new_memory(device_fd, &mem, why);
	if (r)
		return r;
	if (pool_fd < 0)
		return error_set(why, -ENOENT,
				 "no descriptor of the pool came with it");
	r = check_granule(spec, page_bytes, why);
	if (r)
		return r;
	r = hugepool_adopt_consume(&mem->pool, pool_fd, page_bytes,
				   parcel->words, parcel->n_words, why);
	if (r)
		return r;
	(void)TAKE_FD(pool_fd);
	r = unpack_pins(mem, parcel, why);
	if (r == 0)
		r = copy_segments(mem, why);
	if (r == 0)
		*memp = TAKE_PTR(mem);
	return r;
}

static int udmabuf_memory_import(const struct memory_spec *spec,
				 struct parcel *parcel, struct memory **memoryp,
				 struct error *why)
{
	struct udmabuf_memory *mem = NULL;
	int r = unpack(&mem, spec, parcel, why);

	if (r)
		return error_prefix(why, r, "region %s", spec->region);
	finish_memory(mem, spec);
	*memoryp = &mem->memory;
	return 0;
}

static void udmabuf_memory_close(struct memory *memory)
{
	if (memory)
		(void)udmabuf_memory_free(udmabuf_of(memory));
}

/* A dma-buf of a run, and the pieces it consists of, which the caller frees. */
static int make_dmabuf(struct udmabuf_memory *mem, const struct run *run,
		       struct frames_piece **piecesp, size_t *np,
		       struct error *why)
{
	const struct frames *frames = hugepool_frames(mem->pool);
	size_t room = frames_max_pieces(frames, run->size_bytes);
	_cleanup_free_ struct frames_piece *pieces =
		calloc(room, sizeof(*pieces));
	size_t n;
	int fd;

	if (!pieces)
		return error_set(why, -ENOMEM, "out of memory");
	n = frames_pieces(frames, run, pieces, room);
	if (n == 0)
		return error_set(why, -ERANGE,
				 "0x%" PRIx64 " and %" PRIu64
				 " bytes are not within the pool",
				 run->phys, run->size_bytes);
	fd = udmabuf_create(mem->device_fd, hugepool_fd(mem->pool), pieces, n,
			    why);
	if (fd >= 0 && piecesp) {
		*piecesp = TAKE_PTR(pieces);
		*np = n;
	}
	return fd;
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
	fd = make_dmabuf(udmabuf_of(memory), run, NULL, NULL, why);
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

static int udmabuf_object_adopt(struct memory *memory,
				const struct object *what,
				struct object **objectp, struct error *why)
{
	off_t size = lseek(what->fd, 0, SEEK_END);
	struct object *object;
	struct stat st;

	if (dmabuf_held(udmabuf_of(memory)->fdinfo_fd, what->fd, 1) == -ENOTSUP)
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
	return dmabuf_held(udmabuf_of(object->memory)->fdinfo_fd, object->fd,
			   object->references);
}

/* A part of the pool while the daemon works on it. */
struct window {
	int dmabuf_fd;
	struct frames_piece *pieces;
	size_t n;
};

static void window_close(struct window *window)
{
	(void)fd_close(window->dmabuf_fd);
	free(window->pieces);
}

/* Opens a part of the pool, so that the CPU sees what devices wrote to it.  The
 * first START only prepares the dma-buf, the second one is the one that counts
 * for reading; one that is all written again does without. */
static int window_open(struct udmabuf_memory *mem, const struct run *run,
		       bool read, struct window *window)
{
	int r = 0;

	*window = (struct window){.dmabuf_fd = -1};
	window->dmabuf_fd =
		make_dmabuf(mem, run, &window->pieces, &window->n, NULL);
	if (window->dmabuf_fd < 0)
		return window->dmabuf_fd;
	for (int i = 0; r == 0 && i < 1 + read; i++)
		r = dmabuf_sync(window->dmabuf_fd,
				DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	if (r)
		window_close(window);
	return r;
}

/* Writes out what caches hold of it. */
static int window_end(struct window *window)
{
	int r = dmabuf_sync(window->dmabuf_fd,
			    DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);

	window_close(window);
	return r;
}

static int udmabuf_zero(struct memory *memory, uint64_t phys,
			uint64_t size_bytes)
{
	struct udmabuf_memory *mem = udmabuf_of(memory);
	const struct run run = {phys, size_bytes};
	struct window window;
	int r = window_open(mem, &run, false, &window);

	if (r)
		return r;
	for (size_t i = 0; i < window.n; i++)
		memset(hugepool_at(mem->pool, window.pieces[i].offset), 0,
		       (size_t)window.pieces[i].size_bytes);
	return window_end(&window);
}

/* Opens a range of an object's guard, which is of whole pages, as the slices of
 * guard.h are. */
static int window_on_guard(struct object *object, uint64_t offset,
			   size_t length, bool read, struct window *window)
{
	const struct run run = {
		.phys = object->run.phys + object->run.size_bytes + offset,
		.size_bytes = length,
	};

	if (offset > object->guard_bytes ||
	    length > object->guard_bytes - offset)
		return -ERANGE;
	return window_open(udmabuf_of(object->memory), &run, read, window);
}

static int udmabuf_guard_write(struct object *object, uint64_t offset,
			       const void *bytes, size_t length)
{
	struct udmabuf_memory *mem = udmabuf_of(object->memory);
	const char *from = bytes;
	struct window window;
	int r = window_on_guard(object, offset, length, false, &window);

	if (r)
		return r;
	for (size_t i = 0; i < window.n; i++) {
		size_t n = (size_t)window.pieces[i].size_bytes;

		memcpy(hugepool_at(mem->pool, window.pieces[i].offset), from, n);
		from += n;
	}
	return window_end(&window);
}

static int udmabuf_guard_read(struct object *object, uint64_t offset,
			      void *bytes, size_t length)
{
	struct udmabuf_memory *mem = udmabuf_of(object->memory);
	char *to = bytes;
	struct window window;
	int r = window_on_guard(object, offset, length, true, &window);

	if (r)
		return r;
	for (size_t i = 0; i < window.n; i++) {
		size_t n = (size_t)window.pieces[i].size_bytes;

		memcpy(to, hugepool_at(mem->pool, window.pieces[i].offset), n);
		to += n;
	}
	return window_end(&window);
}

const struct backend backend_udmabuf = {
	.name = "udmabuf",
	.probe = udmabuf_probe,
	.memory_open = udmabuf_memory_open,
	.memory_close = udmabuf_memory_close,
	.parcel_kinds = (const char *const[]){PARCEL_DEVICE, PARCEL_POOL,
					      PARCEL_PIN, NULL},
	.memory_export = udmabuf_memory_export,
	.memory_import = udmabuf_memory_import,
	.object_new = udmabuf_object_new,
	.object_adopt = udmabuf_object_adopt,
	.object_free = udmabuf_object_free,
	.object_lend = udmabuf_object_lend,
	.object_held = udmabuf_object_held,
	.zero = udmabuf_zero,
	.guard_write = udmabuf_guard_write,
	.guard_read = udmabuf_guard_read,
};
