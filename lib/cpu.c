/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>

#include "lib/buffer.h"
#include "lib/call.h"

/*
 * Bracketing CPU access.  What that takes is the memory's affair: nothing
 * where the CPU sees what devices see, an ioctl on a dma-buf, or the daemon's
 * copy where the client maps a bounce buffer.  Callers bracket in any case,
 * and the same program works with every backend.
 */

static int synchronise(int fd, uint32_t access, bool begin)
{
	struct dma_buf_sync sync = {
		.flags = (begin ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END) |
			 (access & CONTIG_READ ? DMA_BUF_SYNC_READ : 0) |
			 (access & CONTIG_WRITE ? DMA_BUF_SYNC_WRITE : 0),
	};

	while (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) < 0)
		if (errno != EINTR && errno != EAGAIN)
			return -EIO;
	return 0;
}

static int copy(struct contig_buffer *buffer, uint32_t access, uint64_t offset,
		uint64_t length, bool begin)
{
	struct contig_msg_cpu request;
	struct call call = {0};

	call_init(&call, begin ? CONTIG_MSG_CPU_BEGIN : CONTIG_MSG_CPU_END,
		  &request.header);
	request.buffer_id = buffer->facts.id;
	request.token = buffer->facts.token;
	request.offset_bytes = offset;
	request.length_bytes = length;
	request.flags = access; /* the same bits on the wire */
	request.zero = 0;
	return call_run(buffer->contig, &call, &request.header);
}

static int bracket(struct contig_buffer *buffer, uint32_t access,
		   uint64_t offset, uint64_t length, bool begin)
{
	uint64_t end;

	static_assert(CONTIG_READ == CONTIG_MSG_READ &&
			      CONTIG_WRITE == CONTIG_MSG_WRITE,
		      "public bits are the wire's");
	if (!access || access & ~(CONTIG_READ | CONTIG_WRITE))
		return -EINVAL;
	if (__builtin_add_overflow(offset, length, &end) ||
	    end > buffer->facts.size_bytes)
		return -ERANGE;
	if (!length)
		return 0;
	switch (buffer->facts.cpu_access) {
	case CONTIG_MSG_CPU_IOCTL:
		return synchronise(buffer->fd, access, begin);
	case CONTIG_MSG_CPU_BOUNCE:
		return copy(buffer, access, offset, length, begin);
	default:
		return 0;
	}
}

int contig_begin_cpu_range(struct contig_buffer *buffer, uint32_t access,
			   uint64_t offset_bytes, uint64_t length_bytes)
{
	return bracket(buffer, access, offset_bytes, length_bytes, true);
}

int contig_end_cpu_range(struct contig_buffer *buffer, uint32_t access,
			 uint64_t offset_bytes, uint64_t length_bytes)
{
	return bracket(buffer, access, offset_bytes, length_bytes, false);
}

int contig_begin_cpu(struct contig_buffer *buffer, uint32_t access)
{
	return bracket(buffer, access, 0, buffer->facts.size_bytes, true);
}

int contig_end_cpu(struct contig_buffer *buffer, uint32_t access)
{
	return bracket(buffer, access, 0, buffer->facts.size_bytes, false);
}
