/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ENTRY_H
#define DAEMON_ENTRY_H

#include "daemon/buffer.h"
#include "daemon/region.h"
#include "daemon/session.h"
#include "proto/message.h"

/*
 * The daemon's objects as they look on the wire, to somebody who may or may not
 * see addresses.  Entries are zeroed before.
 */

void entry_set_region(struct contig_msg_region *entry,
		      const struct region *region, const struct session *viewer);
/* The token stays 0: only who was lent the buffer gets it. */
void entry_set_buffer(struct contig_msg_buffer *entry,
		      const struct buffer *buffer, const struct session *viewer);
/* What was found in the guard behind the buffer. */
void entry_set_damage(struct contig_msg_damage *entry,
		      const struct buffer *buffer,
		      const struct guard_damage *damage,
		      const struct session *viewer);
void entry_set_client(struct contig_msg_client *entry,
		      const struct session *session, uint64_t now_ms);

/* The base of a region as the viewer may see it: 0 where it is a secret. */
uint64_t entry_base(const struct region *region, const struct session *viewer);

#endif
