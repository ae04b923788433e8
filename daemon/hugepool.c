/* SPDX-License-Identifier: MIT */
#include "daemon/hugepool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/hugepages.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/format.h"
#include "util/log.h"
#include "util/power.h"

/*
 * Memory that is contiguous without a reservation: huge pages, each of which
 * is contiguous by its nature, and most of which lie side by side when they
 * are taken early.  Which do, frames.c finds out.
 *
 * Pages are taken one after another with fallocate(), which fails where none
 * is left; a mapping that is touched would raise SIGBUS instead.  The kernel
 * zeroes each of them then.  Sealed against shrinking, the pool cannot lose a
 * page under a buffer, and udmabuf insists on it.
 *
 * The pages of a memfd stay where they are unless the kernel wants to move
 * them; only pinning forbids that.
 *
 * A pool can outlive its process: the memfd is handed on, and the addresses,
 * which the next process may have no right to read, go with it.
 */

#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26 /* linux/memfd.h */
#endif

#define POOL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct hugepool {
	int fd;
	uint64_t page_bytes;
	uint64_t raised_pages;
	size_t n_pages;
	uint8_t *mapping;     /* of all pages */
	struct frames frames; /* empty until located */
};

DEFINE_CLEANUP(struct hugepool *, hugepool_free)

static int check_size(uint64_t size_bytes, uint64_t page_bytes,
		      struct error *why)
{
	char size[FORMAT_SIZE_BYTES], page[FORMAT_SIZE_BYTES];

	if (!is_power_of_two(page_bytes))
		return error_set(why, -EINVAL,
				 "page size %" PRIu64 " is no power of two",
				 page_bytes);
	if (size_bytes == 0 || size_bytes % page_bytes != 0 ||
	    size_bytes > INT64_MAX || size_bytes > SIZE_MAX)
		return error_set(why, -EINVAL,
				 "%s are no whole number of huge pages of %s",
				 format_size(size, size_bytes),
				 format_size(page, page_bytes));
	return 0;
}

static int make_memfd(uint64_t page_bytes, struct error *why)
{
	unsigned int shift = (unsigned int)__builtin_ctzll(page_bytes);
	int fd = memfd_create("contig-pool", MFD_CLOEXEC | MFD_ALLOW_SEALING |
						     MFD_HUGETLB |
						     shift << MFD_HUGE_SHIFT);

	if (fd < 0)
		return error_set(why, -errno,
				 "cannot make a memfd of huge pages: %s",
				 strerror(errno));
	return fd;
}

/* Takes pages until there are wanted or no more; sets pool->n_pages. */
static int take_pages(struct hugepool *pool, size_t wanted, struct error *why)
{
	while (pool->n_pages < wanted) {
		off_t offset = (off_t)(pool->n_pages * pool->page_bytes);

		if (fallocate(pool->fd, 0, offset, (off_t)pool->page_bytes) ==
		    0) {
			pool->n_pages++;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == ENOSPC || errno == ENOMEM)
			break;
		return error_set(why, -errno, "cannot take a huge page: %s",
				 strerror(errno));
	}
	return 0;
}

static int map(struct hugepool *pool, struct error *why)
{
	/* the pages are there: none need be promised to the mapping */
	void *mapping =
		mmap(NULL, pool->n_pages * (size_t)pool->page_bytes,
		     PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_NORESERVE | MAP_POPULATE, pool->fd, 0);

	if (mapping == MAP_FAILED)
		return error_set(why, -errno, "cannot map the pool: %s",
				 strerror(errno));
	pool->mapping = mapping;
	return 0;
}

static int seal_and_map(struct hugepool *pool, struct error *why)
{
	size_t size = pool->n_pages * (size_t)pool->page_bytes;

	if (ftruncate(pool->fd, (off_t)size) < 0)
		return error_set(why, -errno, "cannot size the pool: %s",
				 strerror(errno));
	if (fcntl(pool->fd, F_ADD_SEALS, POOL_SEALS) < 0)
		return error_set(why, -errno, "cannot seal the pool: %s",
				 strerror(errno));
	return map(pool, why);
}

static void report(const struct hugepool *pool, const char *name, size_t wanted,
		   const char *reason)
{
	char page[FORMAT_SIZE_BYTES];

	(void)format_size(page, pool->page_bytes);
	if (pool->raised_pages)
		log_info("%s: added %" PRIu64 " huge pages of %s to the "
			 "kernel's stock",
			 name, pool->raised_pages, page);
	if (pool->n_pages < wanted)
		log_warning("%s: the pool is smaller than configured, only %zu "
			    "of %zu huge pages of %s could be had%s%s",
			    name, pool->n_pages, wanted, page,
			    *reason ? ": " : "", reason);
}

/* Fills an empty pool; what it has got by then it keeps where this fails. */
static int fill(struct hugepool *pool, const struct hugepages *stock,
		const char *name, size_t wanted, struct error *why)
{
	struct error short_of = ERROR_INIT;
	char page[FORMAT_SIZE_BYTES];
	uint64_t available = 0;
	int r;

	pool->fd = make_memfd(pool->page_bytes, why);
	if (pool->fd < 0)
		return pool->fd;
	r = hugepages_provide(stock, wanted, &available, &pool->raised_pages,
			      &short_of);
	if (r && available == 0)
		return error_set(why, r, "%s", short_of.text);
	r = take_pages(pool, wanted, why);
	if (r)
		return r;
	if (pool->n_pages == 0)
		return error_set(why, -ENOMEM,
				 "not one huge page of %s can be had: memory "
				 "is too fragmented or too full",
				 format_size(page, pool->page_bytes));
	if (name)
		report(pool, name, wanted, short_of.text);
	return seal_and_map(pool, why);
}

/* One without pages. */
static struct hugepool *alloc_pool(uint64_t page_bytes, struct error *why)
{
	struct hugepool *pool = calloc(1, sizeof(*pool));

	if (!pool) {
		error_write(why, "out of memory");
		return NULL;
	}
	pool->fd = -1;
	pool->page_bytes = page_bytes;
	return pool;
}

int hugepool_new(struct hugepool **poolp, const char *name, uint64_t size_bytes,
		 uint64_t page_bytes, struct error *why)
{
	_cleanup_(hugepool_freep) struct hugepool *pool = NULL;
	struct hugepages stock;
	uint64_t raised;
	int r;

	r = check_size(size_bytes, page_bytes, why);
	if (r)
		return r;
	r = hugepages_init(&stock, NULL, NULL, page_bytes, why);
	if (r)
		return r;
	pool = alloc_pool(page_bytes, why);
	if (!pool)
		return -ENOMEM;
	r = fill(pool, &stock, name, (size_t)(size_bytes / page_bytes), why);
	if (r) {
		raised = pool->raised_pages;
		pool = hugepool_free(pool);
		if (raised) /* free again now, and of no use to us */
			(void)hugepages_lower(&stock, raised);
		return r;
	}
	*poolp = TAKE_PTR(pool);
	return 0;
}

struct hugepool *hugepool_free(struct hugepool *pool)
{
	if (!pool)
		return NULL;
	if (pool->mapping)
		(void)munmap(pool->mapping,
			     pool->n_pages * (size_t)pool->page_bytes);
	frames_deinit(&pool->frames);
	(void)fd_close(pool->fd);
	free(pool);
	return NULL;
}

/* Documentation/admin-guide/mm/pagemap.rst: bit 63 present, 0..54 the frame,
 * which reads 0 for whoever may not know it. */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_FRAME	((UINT64_C(1) << 55) - 1)

static int read_address(int pagemap_fd, const volatile uint8_t *at,
			uint64_t *physp, struct error *why)
{
	uint64_t base_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t entry = 0;
	off_t where = (off_t)((uintptr_t)at / base_bytes * sizeof(entry));

	(void)*at; /* a page that is not mapped has no entry */
	if (pread(pagemap_fd, &entry, sizeof(entry), where) !=
	    (ssize_t)sizeof(entry))
		return error_set(why, -EIO, "cannot read /proc/self/pagemap");
	if (!(entry & PAGEMAP_PRESENT))
		return error_set(why, -EIO,
				 "/proc/self/pagemap shows a page of the pool "
				 "as absent");
	if ((entry & PAGEMAP_FRAME) == 0)
		return error_set(why, -EPERM,
				 "/proc/self/pagemap hides frame numbers: it "
				 "takes CAP_SYS_ADMIN to read physical "
				 "addresses");
	*physp = (entry & PAGEMAP_FRAME) * base_bytes;
	return 0;
}

int hugepool_locate(struct hugepool *pool, struct error *why)
{
	_cleanup_free_ uint64_t *addresses =
		calloc(pool->n_pages, sizeof(*addresses));
	_cleanup_fd_ int pagemap_fd = -1;

	if (!addresses)
		return error_set(why, -ENOMEM, "out of memory");
	pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pagemap_fd < 0)
		return error_set(why, -errno,
				 "cannot open /proc/self/pagemap: %s",
				 strerror(errno));
	for (size_t i = 0; i < pool->n_pages; i++) {
		int r = read_address(pagemap_fd,
				     pool->mapping + i * pool->page_bytes,
				     &addresses[i], why);

		if (r)
			return r;
	}
	frames_deinit(&pool->frames);
	return frames_init(&pool->frames,
			   &(struct frames_spec){pool->page_bytes, addresses,
						 pool->n_pages},
			   why);
}

/* Whether fd is what fill() makes, of these pages. */
static int check_memfd(int fd, const struct frames_spec *pages,
		       struct error *why)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;
	struct stat st;
	uint64_t size;

	if (seals < 0 || (seals & POOL_SEALS) != POOL_SEALS ||
	    fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0 ||
	    fs.f_type != HUGETLBFS_MAGIC ||
	    (uint64_t)fs.f_bsize != pages->page_bytes)
		return error_set(why, -EPROTO,
				 "this is no sealed memfd of huge pages of "
				 "%" PRIu64 " bytes",
				 pages->page_bytes);
	if (__builtin_mul_overflow(pages->page_bytes, pages->n, &size) ||
	    size > SIZE_MAX || st.st_size < 0 || (uint64_t)st.st_size != size ||
	    size == 0)
		return error_set(why, -EPROTO,
				 "the pool's memfd has %lld bytes instead of "
				 "%zu huge pages of %" PRIu64,
				 (long long)st.st_size, pages->n,
				 pages->page_bytes);
	return 0;
}

int hugepool_adopt_consume(struct hugepool **poolp, int fd,
			   const struct frames_spec *pages, struct error *why)
{
	_cleanup_(hugepool_freep) struct hugepool *pool = NULL;
	int r;

	r = check_memfd(fd, pages, why);
	if (r)
		return r;
	pool = alloc_pool(pages->page_bytes, why);
	if (!pool)
		return -ENOMEM;
	pool->n_pages = pages->n;
	r = frames_init(&pool->frames, pages, why);
	if (r)
		return r;
	pool->fd = fd;
	r = map(pool, why);
	if (r) {
		pool->fd = -1; /* still the caller's */
		return r;
	}
	*poolp = TAKE_PTR(pool);
	return 0;
}

int hugepool_fd(const struct hugepool *pool)
{
	return pool->fd;
}

uint64_t hugepool_size_bytes(const struct hugepool *pool)
{
	return pool->n_pages * pool->page_bytes;
}

uint64_t hugepool_page_bytes(const struct hugepool *pool)
{
	return pool->page_bytes;
}

uint64_t hugepool_raised_pages(const struct hugepool *pool)
{
	return pool->raised_pages;
}

void *hugepool_at(const struct hugepool *pool, uint64_t offset)
{
	return pool->mapping + offset;
}

const struct frames *hugepool_frames(const struct hugepool *pool)
{
	return &pool->frames;
}
