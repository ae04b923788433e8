/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <string.h>

#include "lib/call.h"

/*
 * A picture of a region.  The wire names regions by number, people by name, so
 * the region is looked up first; it keeps its number until the daemon ends,
 * so where that ends in between the whole fails.
 */

struct lookup {
	struct call call;
	const char *name;
	uint32_t id;   /* 0 until found */
	uint32_t last; /* largest id seen */
	bool more;
};

static int look_through_page(struct call *call, const union message *reply,
			     struct channel_fds *fds)
{
	struct lookup *lookup = container_of(call, struct lookup, call);
	uint32_t count = validate_count(call->form, reply);

	(void)fds;
	lookup->more = reply->list_reply.more;
	for (uint32_t i = 0; i < count; i++) {
		struct contig_msg_region region;

		memcpy(&region, reply->bytes + form_reply_bytes(call->form, i),
		       sizeof(region));
		if (strcmp(region.name, lookup->name) == 0)
			lookup->id = region.id;
		lookup->last = region.id;
	}
	return 0;
}

static int find_region(struct contig *contig, const char *name, uint32_t *idp,
		       uint64_t *sessionp)
{
	struct lookup lookup = {
		.call = {.accept = look_through_page},
		.name = name,
		.more = true,
	};
	struct contig_msg_list request;
	int r = 0;

	while (!r && lookup.more && !lookup.id) {
		call_init(&lookup.call, CONTIG_MSG_LIST_REGIONS,
			  &request.header);
		request.after = lookup.last;
		r = call_run(contig, &lookup.call, &request.header);
	}
	if (!r && !lookup.id)
		return -ENODEV;
	*idp = lookup.id;
	*sessionp = lookup.call.session;
	return r;
}

struct picture {
	struct call call;
	struct contig_cell *cells;
	size_t count; /* room, then cells filled */
	uint64_t cell_bytes;
};

static int take_cells(struct call *call, const union message *reply,
		      struct channel_fds *fds)
{
	struct picture *picture = container_of(call, struct picture, call);
	uint32_t count = validate_count(call->form, reply);

	(void)fds;
	if (count > picture->count)
		return -EPROTO;
	picture->count = count;
	picture->cell_bytes = reply->occupancy_reply.cell_bytes;
	for (uint32_t i = 0; i < count; i++) {
		struct contig_msg_cell cell;

		memcpy(&cell, reply->bytes + form_reply_bytes(call->form, i),
		       sizeof(cell));
		picture->cells[i] = (struct contig_cell){
			.free_bytes = cell.free_bytes,
			.dirty_bytes = cell.dirty_bytes,
			.lent_bytes = cell.lent_bytes,
			.draining_bytes = cell.draining_bytes,
		};
	}
	return 0;
}

int contig_occupancy(struct contig *contig, const char *region,
		     struct contig_cell *cells, size_t *countp,
		     uint64_t *cell_bytes)
{
	struct picture picture = {
		.call = {.accept = take_cells},
		.cells = cells,
		.count = *countp < CONTIG_MSG_MAX_CELLS ? *countp
							: CONTIG_MSG_MAX_CELLS,
	};
	struct contig_msg_occupancy request;
	uint32_t id;
	int r;

	if (!*countp)
		return -EINVAL;
	r = find_region(contig, region, &id, &picture.call.session);
	if (r < 0)
		return r;
	call_init(&picture.call, CONTIG_MSG_OCCUPANCY, &request.header);
	request.region_id = id;
	request.cells = (uint32_t)picture.count;
	r = call_run(contig, &picture.call, &request.header);
	if (r < 0)
		return r;
	*countp = picture.count;
	if (cell_bytes)
		*cell_bytes = picture.cell_bytes;
	return 0;
}
