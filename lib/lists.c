/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buffer.h"
#include "lib/call.h"
#include "util/cleanup.h"

/*
 * Lists come in pages of what fits a datagram.  The next page begins behind
 * the largest id seen, so that entries which come and go in between are
 * neither skipped nor seen twice, and every page brings the end nearer: ids
 * ascend, which validate_reply() has made sure of.
 *
 * All pages come from one daemon: another one numbers anew, and what it has
 * behind that id is not the rest of the list.
 */

/* A list under way; out grows by each page. */
struct listing {
	struct call call;
	size_t out_bytes; /* of one public entry */
	/* Writes the public form of one entry and returns its id. */
	uint64_t (*decode)(const void *entry, void *out);
	char *out;
	size_t count;
	uint64_t last;
	bool more;
};

static int take_page(struct call *call, const union message *reply,
		     struct channel_fds *fds)
{
	struct listing *listing = container_of(call, struct listing, call);
	uint32_t count = validate_count(call->form, reply);
	size_t total, bytes;
	char *grown;

	(void)fds;
	listing->more = reply->list_reply.more;
	if (!count)
		return 0;
	if (__builtin_add_overflow(listing->count, count, &total) ||
	    __builtin_mul_overflow(total, listing->out_bytes, &bytes))
		return -ENOMEM;
	grown = realloc(listing->out, bytes);
	if (!grown)
		return -ENOMEM;
	listing->out = grown;
	for (uint32_t i = 0; i < count; i++)
		listing->last = listing->decode(
			reply->bytes + form_reply_bytes(call->form, i),
			grown + listing->out_bytes * listing->count++);
	return 0;
}

/* Fetches all pages; where it fails nothing is left in listing->out. */
static int fetch(struct contig *contig, uint16_t opcode, struct listing *listing)
{
	struct contig_msg_list request;
	int r = 0;

	listing->call.accept = take_page;
	listing->more = true;
	while (!r && listing->more) {
		call_init(&listing->call, opcode, &request.header);
		request.after = listing->last;
		r = call_run(contig, &listing->call, &request.header);
	}
	if (r < 0) {
		free(listing->out);
		listing->out = NULL;
	}
	return r;
}

static uint64_t decode_backend(const void *entry, void *out)
{
	const struct contig_msg_backend *b = entry;
	struct contig_backend_info *info = out;

	memset(info, 0, sizeof(*info));
	memcpy(info->name, b->name, sizeof(info->name));
	info->serves = b->flags & CONTIG_MSG_BACKEND_SERVES ? 1 : 0;
	info->guarantees = b->guarantees;
	memcpy(info->text, b->text, sizeof(info->text));
	return b->id;
}

static uint64_t decode_region(const void *entry, void *out)
{
	const struct contig_msg_region *r = entry;
	struct contig_region_info *info = out;

	memset(info, 0, sizeof(*info));
	memcpy(info->name, r->name, sizeof(info->name));
	memcpy(info->backend, r->backend, sizeof(info->backend));
	info->base = r->base;
	info->has_base = r->flags & CONTIG_MSG_REGION_BASE ? 1 : 0;
	info->span_bytes = r->span_bytes;
	info->size_bytes = r->size_bytes;
	info->free_bytes = r->free_bytes;
	info->largest_free_bytes = r->largest_free_bytes;
	info->reserved_bytes = r->reserved_bytes;
	info->lent_bytes = r->lent_bytes;
	info->draining_bytes = r->draining_bytes;
	info->guarding_bytes = r->guarding_bytes;
	info->dirty_bytes = r->dirty_bytes;
	info->quarantined_bytes = r->quarantined_bytes;
	info->granule_bytes = r->granule_bytes;
	info->guard_bytes = r->guard_bytes;
	info->damaged_guards = r->damaged_guards;
	info->guarantees = r->guarantees;
	info->buffers = r->buffers;
	info->is_default = r->flags & CONTIG_MSG_REGION_DEFAULT ? 1 : 0;
	info->usable = r->flags & CONTIG_MSG_REGION_USABLE ? 1 : 0;
	return r->id;
}

static uint64_t decode_buffer(const void *entry, void *out)
{
	const struct contig_msg_buffer *b = entry;

	buffer_info(b, out);
	return b->id;
}

static uint64_t decode_client(const void *entry, void *out)
{
	const struct contig_msg_client *c = entry;
	struct contig_client_info *info = out;

	memset(info, 0, sizeof(*info));
	info->pid = (pid_t)c->pid;
	info->uid = c->uid;
	info->gid = c->gid;
	info->connected_ms = c->connected_ms;
	info->buffers = c->buffers;
	info->bytes = c->bytes;
	return c->id;
}

int contig_list_backends(struct contig *contig,
			 struct contig_backend_info **arrayp, size_t *countp)
{
	struct listing listing = {.out_bytes = sizeof(**arrayp),
				  .decode = decode_backend};
	int r = fetch(contig, CONTIG_MSG_LIST_BACKENDS, &listing);

	if (!r) {
		*arrayp = (void *)listing.out;
		*countp = listing.count;
	}
	return r;
}

int contig_list_regions(struct contig *contig,
			struct contig_region_info **arrayp, size_t *countp)
{
	struct listing listing = {.out_bytes = sizeof(**arrayp),
				  .decode = decode_region};
	int r = fetch(contig, CONTIG_MSG_LIST_REGIONS, &listing);

	if (!r) {
		*arrayp = (void *)listing.out;
		*countp = listing.count;
	}
	return r;
}

int contig_list_buffers(struct contig *contig,
			struct contig_buffer_info **arrayp, size_t *countp)
{
	struct listing listing = {.out_bytes = sizeof(**arrayp),
				  .decode = decode_buffer};
	int r = fetch(contig, CONTIG_MSG_LIST_BUFFERS, &listing);

	if (!r) {
		*arrayp = (void *)listing.out;
		*countp = listing.count;
	}
	return r;
}

int contig_list_clients(struct contig *contig,
			struct contig_client_info **arrayp, size_t *countp)
{
	struct listing listing = {.out_bytes = sizeof(**arrayp),
				  .decode = decode_client};
	int r = fetch(contig, CONTIG_MSG_LIST_CLIENTS, &listing);

	if (!r) {
		*arrayp = (void *)listing.out;
		*countp = listing.count;
	}
	return r;
}
