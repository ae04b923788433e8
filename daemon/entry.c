/* SPDX-License-Identifier: MIT */
#include "daemon/entry.h"

#include <string.h>

#include "daemon/damage.h"
#include "daemon/usable.h"
#include "proto/text.h"

/*
 * Where a physical address leaves the daemon, it leaves here.
 *
 * A buffer's address is told where it is a real one and the viewer has the
 * right `phys`.  A region's base is told to everybody where it is no secret:
 * the devicetree that names it is readable by all.  The base of a pool of huge
 * pages is something that the kernel itself hides from the unprivileged, and
 * so do we.
 */

static bool may_know_base(const struct region *region,
			  const struct session *viewer)
{
	return region->public_base || session_may(viewer, CONFIG_PHYS, region);
}

uint64_t entry_base(const struct region *region, const struct session *viewer)
{
	return may_know_base(region, viewer)
		       ? partitions_base(&region->partitions)
		       : 0;
}

void entry_set_region(struct contig_msg_region *entry,
		      const struct region *region, const struct session *viewer)
{
	entry->id = region->id;
	if (region->is_default)
		entry->flags |= CONTIG_MSG_REGION_DEFAULT;
	if (session_may(viewer, CONFIG_USE, region))
		entry->flags |= CONTIG_MSG_REGION_USABLE;
	if (may_know_base(region, viewer))
		entry->flags |= CONTIG_MSG_REGION_BASE;
	text_put(entry->name, sizeof(entry->name), region->name);
	text_put(entry->backend, sizeof(entry->backend),
		 region->memory->backend->name);
	entry->base = entry_base(region, viewer);
	entry->span_bytes = partitions_span_bytes(&region->partitions);
	entry->size_bytes = region_size_bytes(region);
	entry->free_bytes = usable_bytes(region, &viewer->credentials);
	entry->reserved_bytes = region_free_bytes(region) - entry->free_bytes;
	entry->largest_free_bytes =
		usable_longest_bytes(region, &viewer->credentials);
	entry->lent_bytes = region->lent_bytes;
	entry->draining_bytes = region->draining_bytes;
	entry->guarding_bytes = region->guarding_bytes;
	entry->dirty_bytes = region->dirt.bytes;
	entry->quarantined_bytes = region->quarantined_bytes;
	entry->granule_bytes = region_granule_bytes(region);
	entry->guard_bytes = region->memory->guard_bytes;
	entry->damaged_guards = region->damaged_guards;
	entry->guarantees = region->memory->guarantees;
	entry->cpu_access = region->memory->cpu_access;
	entry->buffers = (uint32_t)region->n_buffers;
}

void entry_set_buffer(struct contig_msg_buffer *entry,
		      const struct buffer *buffer, const struct session *viewer)
{
	const struct memory *memory = buffer->region->memory;

	entry->id = buffer->id;
	entry->size_bytes = buffer_bytes(buffer);
	if ((memory->guarantees & CONTIG_MSG_PHYS_KNOWN) &&
	    session_may(viewer, CONFIG_PHYS, buffer->region)) {
		entry->flags |= CONTIG_MSG_BUFFER_PHYS;
		entry->phys = buffer->object->run.phys;
	}
	entry->device = buffer->object->device;
	entry->inode = buffer->object->inode;
	entry->guarantees = memory->guarantees;
	entry->cpu_access = memory->cpu_access;
	entry->state = buffer->state == BUFFER_LENT ? CONTIG_MSG_LENT
						    : CONTIG_MSG_DRAINING;
	entry->owner_uid = buffer_owner_uid(buffer);
	entry->region_id = buffer->region->id;
	text_put(entry->region, sizeof(entry->region), buffer->region->name);
	text_put(entry->name, sizeof(entry->name), buffer->name);
}

void entry_set_damage(struct contig_msg_damage *entry,
		      const struct buffer *buffer,
		      const struct guard_damage *damage,
		      const struct session *viewer)
{
	const struct buffer *neighbour = damage_neighbour(buffer);
	const struct object *object = buffer->object;

	entry->id = buffer->id;
	entry->size_bytes = buffer_bytes(buffer);
	entry->guard_bytes = object->guard_bytes;
	entry->first_bytes = damage->first_bytes;
	entry->differing_bytes = damage->bytes;
	if ((object->memory->guarantees & CONTIG_MSG_PHYS_KNOWN) &&
	    session_may(viewer, CONFIG_PHYS, buffer->region)) {
		entry->flags |= CONTIG_MSG_BUFFER_PHYS;
		entry->phys = object->run.phys + object->run.size_bytes +
			      damage->first_bytes;
	}
	entry->owner_uid = buffer_owner_uid(buffer);
	entry->region_id = buffer->region->id;
	text_put(entry->region, sizeof(entry->region), buffer->region->name);
	text_put(entry->name, sizeof(entry->name), buffer->name);
	if (!neighbour)
		return;
	entry->neighbour_id = neighbour->id;
	entry->neighbour_uid = buffer_owner_uid(neighbour);
	text_put(entry->neighbour_name, sizeof(entry->neighbour_name),
		 neighbour->name);
}

void entry_set_client(struct contig_msg_client *entry,
		      const struct session *session, uint64_t now_ms)
{
	entry->id = session->id;
	entry->connected_ms = now_ms - session->connected_ms;
	entry->buffers = session->owner.n_buffers;
	entry->bytes = session->owner.bytes;
	entry->pid = (uint32_t)session->credentials.pid;
	entry->uid = session->credentials.uid;
	entry->gid = session->credentials.gid;
}
