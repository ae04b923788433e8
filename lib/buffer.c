/* SPDX-License-Identifier: MIT */
#include "lib/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/mapping.h"
#include "util/cleanup.h"

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
	if (buffer->map && !buffer->shown)
		mapping_free_last(buffer->map, (size_t)buffer->facts.size_bytes);
	else
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

int contig_map(struct contig_buffer *buffer, uint32_t access, void **addrp)
{
	void *map;
	int r;

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
	r = mapping_new(buffer->fd, (size_t)buffer->facts.size_bytes,
			protection(access), &map);
	if (r < 0)
		return r;
	buffer->map = map;
	buffer->map_access = access;
	*addrp = map;
	return 0;
}

void contig_unmap(struct contig_buffer *buffer)
{
	if (!buffer->map)
		return;
	mapping_free(buffer->map, (size_t)buffer->facts.size_bytes);
	buffer->map = NULL;
	buffer->map_access = 0;
}
