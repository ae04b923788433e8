/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <string.h>

#include "lib/call.h"

/*
 * The daemon's own figures, in one message.
 */

struct inquiry {
	struct call call;
	struct contig_status *status;
};

static int take_status(struct call *call, const union message *reply,
		       struct channel_fds *fds)
{
	struct contig_status *status =
		container_of(call, struct inquiry, call)->status;
	const struct contig_msg_status_reply *s = &reply->status_reply;

	(void)fds;
	memset(status, 0, sizeof(*status));
	memcpy(status->version, s->version, sizeof(status->version));
	status->pid = (pid_t)s->pid;
	status->uptime_ms = s->uptime_ms;
	status->total_bytes = s->total_bytes;
	status->free_bytes = s->free_bytes;
	status->lent_bytes = s->lent_bytes;
	status->draining_bytes = s->draining_bytes;
	status->dirty_bytes = s->dirty_bytes;
	status->quarantined_bytes = s->quarantined_bytes;
	status->allocations = s->allocations;
	status->refusals = s->refusals;
	status->regions = s->regions;
	status->buffers = s->buffers;
	status->clients = s->clients;
	return 0;
}

int contig_get_status(struct contig *contig, struct contig_status *status)
{
	struct inquiry inquiry = {.call = {.accept = take_status},
				  .status = status};
	struct contig_msg_plain request;

	call_init(&inquiry.call, CONTIG_MSG_STATUS, &request.header);
	return call_run(contig, &inquiry.call, &request.header);
}
