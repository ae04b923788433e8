/* SPDX-License-Identifier: MIT */
#include "lib/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/power.h"

/*
 * A buffer on the client's side: a descriptor, what the daemon said about it,
 * and perhaps a mapping.  Nothing here needs the daemon but the hint at the
 * end, and even that may be lost: the kernel's count is what returns memory,
 * the hint only makes the daemon look at once.  It is sent behind the closing,
 * for the daemon to find nobody, and it has no answer to wait for.
 *
 * A message wakes the daemon up, which costs a program that goes on to allocate
 * more than all the rest.  So nothing is said that the kernel says anyway: that
 * the last holder has gone.  That somebody else may hold the buffer, which is
 * draining then, only the program knows.
 */

/* Of usual processors with pages of 4 KiB; elsewhere it does no harm. */
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

int buffer_new(struct contig *contig, struct contig_buffer **bufferp)
{
	/* not calloc(), which in the GNU library takes longer */
	struct contig_buffer *buffer = malloc(sizeof(*buffer));

	if (!buffer)
		return -ENOMEM;
	*buffer = (struct contig_buffer){
		.contig = contig_ref(contig),
		.fd = -1,
	};
	*bufferp = buffer;
	return 0;
}

/* Gives back to the kernel what the buffer holds of it. */
static void let_go(struct contig_buffer *buffer)
{
	contig_unmap(buffer);
	buffer->fd = fd_close(buffer->fd);
}

struct contig_buffer *buffer_free(struct contig_buffer *buffer)
{
	if (!buffer)
		return NULL;
	let_go(buffer);
	contig_unref(buffer->contig);
	free(buffer);
	return NULL;
}

void buffer_fill(struct contig_buffer *buffer,
		 const struct contig_msg_buffer *facts, int fd_consume)
{
	buffer->facts = *facts;
	buffer->fd = fd_consume;
}

/* Whether the daemon does not learn from the closing itself all there is to
 * know: that nobody else has it. */
static bool is_news(const struct contig_buffer *buffer)
{
	return buffer->shown || !(buffer->facts.flags & CONTIG_MSG_BUFFER_TOLD);
}

struct contig_buffer *contig_release(struct contig_buffer *buffer)
{
	struct contig *contig;

	if (!buffer)
		return NULL;
	contig = buffer->contig;
	let_go(buffer);
	if (is_news(buffer)) {
		pthread_mutex_lock(&contig->lock);
		call_hint(contig, buffer->facts.id);
		pthread_mutex_unlock(&contig->lock);
	}
	contig_unref(contig);
	free(buffer);
	return NULL;
}

int contig_fd(struct contig_buffer *buffer)
{
	buffer->shown = true;
	return buffer->fd;
}

uint64_t contig_size(const struct contig_buffer *buffer)
{
	return buffer->facts.size_bytes;
}

int contig_phys(const struct contig_buffer *buffer, uint64_t *physp)
{
	if (!(buffer->facts.guarantees & CONTIG_MSG_PHYS_KNOWN))
		return -ENODATA;
	if (!(buffer->facts.flags & CONTIG_MSG_BUFFER_PHYS))
		return -EACCES;
	*physp = buffer->facts.phys;
	return 0;
}

uint32_t contig_guarantees(const struct contig_buffer *buffer)
{
	return buffer->facts.guarantees;
}

void buffer_info(const struct contig_msg_buffer *facts,
		 struct contig_buffer_info *info)
{
	static_assert(sizeof(info->region) == sizeof(facts->region) &&
			      sizeof(info->name) == sizeof(facts->name),
		      "names fit");
	memset(info, 0, sizeof(*info));
	info->id = facts->id;
	info->size_bytes = facts->size_bytes;
	info->phys = facts->phys;
	info->has_phys = facts->flags & CONTIG_MSG_BUFFER_PHYS ? 1 : 0;
	info->guarantees = facts->guarantees;
	info->owner_uid = facts->owner_uid;
	info->draining = facts->state == CONTIG_MSG_DRAINING;
	memcpy(info->region, facts->region, sizeof(info->region));
	memcpy(info->name, facts->name, sizeof(info->name));
}

void contig_info(const struct contig_buffer *buffer,
		 struct contig_buffer_info *info)
{
	buffer_info(&buffer->facts, info);
}

static int protection(uint32_t access)
{
	return (access & CONTIG_READ ? PROT_READ : 0) |
	       (access & CONTIG_WRITE ? PROT_WRITE : 0);
}

/* As mmap(2), at a multiple of a huge page: nowhere else can the kernel map
 * huge pages as such, and where memfds get none by default it sees to no
 * alignment by itself.  So a hole is made that is large enough, and of it is
 * unmapped what is not needed. */
static void *map_aligned(int fd, size_t size, int protection)
{
	size_t hole_size, before;
	uint64_t end = size;
	char *hole, *map;

	if (size < HUGE_PAGE_BYTES || size > SIZE_MAX / 2)
		return MAP_FAILED;
	/* granules, of which it has a number, may be smaller than pages */
	(void)round_up_to(&end, (uint64_t)sysconf(_SC_PAGESIZE));
	hole_size = (size_t)end + HUGE_PAGE_BYTES;
	hole = mmap(NULL, hole_size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hole == MAP_FAILED)
		return MAP_FAILED;
	before = -(uintptr_t)hole % HUGE_PAGE_BYTES;
	/* in one go it takes a tenth of what as many faults do */
	map = mmap(hole + before, size, protection,
		   MAP_SHARED | MAP_POPULATE | MAP_FIXED, fd, 0);
	if (map == MAP_FAILED) {
		(void)munmap(hole, hole_size);
		return MAP_FAILED;
	}
	if (before > 0)
		(void)munmap(hole, before);
	(void)munmap(map + end, HUGE_PAGE_BYTES - before);
	return map;
}

int contig_map(struct contig_buffer *buffer, uint32_t access, void **addrp)
{
	size_t size;
	void *map;

	if (!access || access & ~(CONTIG_READ | CONTIG_WRITE))
		return -EINVAL;
	if (buffer->map) {
		if (access & ~buffer->map_access)
			return -EBUSY;
		*addrp = buffer->map;
		return 0;
	}
	if (buffer->facts.size_bytes > SIZE_MAX)
		return -EOVERFLOW;
	size = (size_t)buffer->facts.size_bytes;
	map = map_aligned(buffer->fd, size, protection(access));
	if (map == MAP_FAILED) /* a small one, or there is no room for that */
		map = mmap(NULL, size, protection(access),
			   MAP_SHARED | MAP_POPULATE, buffer->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	buffer->map = map;
	buffer->map_access = access;
	*addrp = map;
	return 0;
}

void contig_unmap(struct contig_buffer *buffer)
{
	if (!buffer->map)
		return;
	(void)munmap(buffer->map, (size_t)buffer->facts.size_bytes);
	buffer->map = NULL;
	buffer->map_access = 0;
}
