/* SPDX-License-Identifier: MIT */
#include "daemon/occupancy.h"

#include <stddef.h>

#include "daemon/buffer.h"

/*
 * A picture of a region's span in equal cells.  It is drawn from what the
 * region already keeps (free runs, dirt, buffers), not from its bitmap: its
 * cost is that of the runs and not of the granules.
 *
 * Spans may reach up to 2^64, so positions are counted from the base and the
 * end of a run is never computed as an address.
 */

struct picture {
	uint64_t base;
	uint64_t cell_bytes;
	struct contig_msg_cell *cells;
	size_t field; /* offset of the count that runs are added to */
};

static void add_run(void *data, const struct run *run)
{
	const struct picture *picture = data;
	uint64_t position = run->phys - picture->base;
	uint64_t left = run->size_bytes;

	while (left > 0) {
		uint64_t index = position / picture->cell_bytes;
		uint64_t room =
			picture->cell_bytes - position % picture->cell_bytes;
		uint64_t part = left < room ? left : room;
		char *cell = (char *)&picture->cells[index];

		*(uint64_t *)(void *)(cell + picture->field) += part;
		position += part;
		left -= part;
	}
}

uint64_t occupancy_cell_bytes(const struct region *region, uint32_t cells)
{
	uint64_t granule = region_granule_bytes(region);
	uint64_t granules = partitions_span_bytes(&region->partitions) / granule;

	return (granules / cells + (granules % cells != 0)) * granule;
}

uint32_t occupancy_count(const struct region *region, uint64_t cell_bytes)
{
	uint64_t span = partitions_span_bytes(&region->partitions);

	return (uint32_t)(span / cell_bytes + (span % cell_bytes != 0));
}

void occupancy_fill(const struct region *region, uint64_t cell_bytes,
		    struct contig_msg_cell *cells)
{
	struct picture picture = {
		.base = partitions_base(&region->partitions),
		.cell_bytes = cell_bytes,
		.cells = cells,
		.field = offsetof(struct contig_msg_cell, free_bytes),
	};
	const struct stain *stain;
	const struct buffer *buffer;

	partitions_for_each_free(&region->partitions, add_run, &picture);
	picture.field = offsetof(struct contig_msg_cell, dirty_bytes);
	list_for_each (stain, &region->dirt.stains, link)
		add_run(&picture, &stain->run);
	list_for_each (buffer, &region->buffers, region_link) {
		picture.field =
			buffer->state == BUFFER_LENT
				? offsetof(struct contig_msg_cell, lent_bytes)
				: offsetof(struct contig_msg_cell,
					   draining_bytes);
		add_run(&picture, buffer_whole(buffer));
	}
}
