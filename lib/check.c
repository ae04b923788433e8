/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/call.h"
#include "proto/text.h"

/*
 * Guards are compared page by page, and the pages are added up here.  The next
 * one begins behind the largest id that was looked at.  That it grows is more
 * than validate_reply() can see in one reply: a daemon that says "more" and
 * stays where it is would keep its client for ever.
 */

struct checking {
	struct call call;
	struct contig_check_result result;
	struct contig_damage *damages; /* owned until it has succeeded */
	uint64_t last;
	bool more;
};

static void decode(const struct contig_msg_damage *d, struct contig_damage *out)
{
	memset(out, 0, sizeof(*out));
	out->id = d->id;
	out->size_bytes = d->size_bytes;
	out->guard_bytes = d->guard_bytes;
	out->first_bytes = d->first_bytes;
	out->differing_bytes = d->differing_bytes;
	out->has_phys = d->flags & CONTIG_MSG_BUFFER_PHYS ? 1 : 0;
	out->phys = d->phys;
	out->owner_uid = d->owner_uid;
	out->neighbour_id = d->neighbour_id;
	out->neighbour_uid = d->neighbour_uid;
	memcpy(out->region, d->region, sizeof(out->region));
	memcpy(out->name, d->name, sizeof(out->name));
	memcpy(out->neighbour_name, d->neighbour_name,
	       sizeof(out->neighbour_name));
}

static int take_page(struct call *call, const union message *reply,
		     struct channel_fds *fds)
{
	struct checking *checking = container_of(call, struct checking, call);
	const struct contig_msg_check_reply *page = &reply->check_reply;
	struct contig_damage *grown;
	size_t total, bytes;

	(void)fds;
	if (page->more && page->last <= checking->last)
		return -EPROTO;
	checking->more = page->more;
	checking->last = page->last;
	checking->result.checked += page->checked;
	checking->result.unreadable += page->unreadable;
	if (!page->count)
		return 0;
	if (__builtin_add_overflow(checking->result.damaged, page->count,
				   &total) ||
	    __builtin_mul_overflow(total, sizeof(*grown), &bytes))
		return -ENOMEM;
	grown = realloc(checking->damages, bytes);
	if (!grown)
		return -ENOMEM;
	checking->damages = grown;
	for (uint32_t i = 0; i < page->count; i++) {
		struct contig_msg_damage damage;

		memcpy(&damage, reply->bytes + form_reply_bytes(call->form, i),
		       sizeof(damage));
		decode(&damage, &grown[checking->result.damaged++]);
	}
	return 0;
}

int contig_check(struct contig *contig, const char *region,
		 struct contig_check_result *result,
		 struct contig_damage **arrayp, size_t *countp)
{
	struct checking checking = {.call = {.accept = take_page}, .more = true};
	struct contig_msg_check request;
	int r = 0;

	if (region && (!region[0] || !text_fits(region, sizeof(request.region))))
		return -ENODEV;
	while (!r && checking.more) {
		call_init(&checking.call, CONTIG_MSG_CHECK, &request.header);
		request.after = checking.last;
		text_put(request.region, sizeof(request.region),
			 region ? region : "");
		r = call_run(contig, &checking.call, &request.header);
	}
	if (r < 0) {
		free(checking.damages);
		return r;
	}
	if (result)
		*result = checking.result;
	if (arrayp) {
		*arrayp = checking.damages;
		*countp = (size_t)checking.result.damaged;
	} else {
		free(checking.damages);
	}
	return 0;
}
