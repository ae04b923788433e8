/* SPDX-License-Identifier: MIT */
#ifndef LIB_BUFFER_H
#define LIB_BUFFER_H

#include "lib/call.h"
#include "lib/contig.h"
#include "proto/message.h"

struct contig_buffer {
	struct contig *contig; /* referenced */
	struct contig_msg_buffer facts;
	int fd;
	bool shown; /* contig_fd() gave it away: others may hold it as well */
	void *map; /* NULL where not mapped */
	uint32_t map_access;
};

/* Room for a buffer, made before it is asked for, so that nothing can fail
 * once the daemon has lent it.  0 or -ENOMEM. */
int buffer_new(struct contig *contig, struct contig_buffer **bufferp);
/* Lets go without telling the daemon.  NULL is allowed.  Returns NULL. */
struct contig_buffer *buffer_free(struct contig_buffer *buffer);

/* Makes it the buffer that facts describe; the descriptor becomes its own. */
void buffer_fill(struct contig_buffer *buffer,
		 const struct contig_msg_buffer *facts, int fd_consume);

/* The public form of what the wire says about a buffer. */
void buffer_info(const struct contig_msg_buffer *facts,
		 struct contig_buffer_info *info);

#endif
