/* SPDX-License-Identifier: MIT */
#include "daemon/request_list.h"

#include "daemon/entry.h"
#include "daemon/occupancy.h"
#include "proto/text.h"
#include "util/clock.h"

/*
 * What the daemon tells about itself.  Lists come in pages that go on after the
 * last id seen, so that a list of any length needs no state between two pages,
 * and entries may come and go meanwhile.
 *
 * Regions and their figures are told to everybody who may connect, also of
 * those that the client may not use: a monitor need not be able to allocate.
 * What is free is what the one who asks could have.  Buffers of others are told
 * to administrators of their region, connections of others to those of the
 * daemon; everybody else sees those of the own uid.
 */

static enum request_outcome more(struct reply *reply)
{
	reply->message->list_reply.more = 1;
	return REQUEST_ANSWERED;
}

enum request_outcome request_list_backends(struct session *session,
					   const union message *request,
					   struct reply *reply)
{
	const struct service *service = session->service;

	reply_begin(reply, CONTIG_MSG_LIST_BACKENDS, session->serial);
	for (uint64_t i = request->list.after; i < service->probes.n; i++) {
		const struct backend_report *report =
			&service->probes.items[i].report;
		struct contig_msg_backend *entry = reply_add(reply);

		if (!entry)
			return more(reply);
		entry->id = (uint32_t)i + 1;
		if (report->serves)
			entry->flags |= CONTIG_MSG_BACKEND_SERVES;
		entry->guarantees = report->guarantees;
		text_put(entry->name, sizeof(entry->name),
			 service->probes.items[i].backend->name);
		text_put(entry->text, sizeof(entry->text), report->text);
	}
	return REQUEST_ANSWERED;
}

enum request_outcome request_list_regions(struct session *session,
					  const union message *request,
					  struct reply *reply)
{
	const struct region *region;

	reply_begin(reply, CONTIG_MSG_LIST_REGIONS, session->serial);
	list_for_each (region, &session->service->lender->regions, link) {
		struct contig_msg_region *entry;

		if (region->id <= request->list.after)
			continue;
		entry = reply_add(reply);
		if (!entry)
			return more(reply);
		entry_set_region(entry, region, session);
	}
	return REQUEST_ANSWERED;
}

enum request_outcome request_list_buffers(struct session *session,
					  const union message *request,
					  struct reply *reply)
{
	const struct registry *registry = &session->service->lender->registry;
	const struct buffer *buffer;
	uint64_t after = request->list.after;

	reply_begin(reply, CONTIG_MSG_LIST_BUFFERS, session->serial);
	while ((buffer = registry_next(registry, after))) {
		struct contig_msg_buffer *entry;

		after = buffer->id;
		if (buffer_owner_uid(buffer) != session->credentials.uid &&
		    !session_may(session, CONFIG_ADMIN, buffer->region))
			continue;
		entry = reply_add(reply);
		if (!entry)
			return more(reply);
		entry_set_buffer(entry, buffer, session);
	}
	return REQUEST_ANSWERED;
}

enum request_outcome request_list_clients(struct session *session,
					  const union message *request,
					  struct reply *reply)
{
	const struct session *other;
	bool admin = session_may(session, CONFIG_ADMIN, NULL);
	uint64_t now = clock_ms();

	reply_begin(reply, CONTIG_MSG_LIST_CLIENTS, session->serial);
	list_for_each (other, &session->service->sessions, link) {
		struct contig_msg_client *entry;

		if (other->id <= request->list.after ||
		    (!admin &&
		     other->credentials.uid != session->credentials.uid))
			continue;
		entry = reply_add(reply);
		if (!entry)
			return more(reply);
		entry_set_client(entry, other, now);
	}
	return REQUEST_ANSWERED;
}

enum request_outcome request_describe(struct session *session,
				      const union message *request,
				      struct reply *reply)
{
	const struct registry *registry = &session->service->lender->registry;
	const struct buffer *buffer = registry_find_inode(
		registry, request->describe.device, request->describe.inode);

	/* To a stranger it is the same whether there is such a buffer. */
	if (!buffer ||
	    !session_may_know(session, buffer, request->describe.token)) {
		reply_error(reply, session->serial, CONTIG_MSG_R_NO_BUFFER,
			    "this is no buffer of the daemon, or not one that "
			    "this client is known to hold");
		return REQUEST_ANSWERED;
	}
	reply_begin(reply, CONTIG_MSG_DESCRIBE, session->serial);
	entry_set_buffer(reply_add(reply), buffer, session);
	return REQUEST_ANSWERED;
}

enum request_outcome request_occupancy(struct session *session,
				       const union message *request,
				       struct reply *reply)
{
	const struct region *region = lender_get_region(
		session->service->lender, request->occupancy.region_id);
	struct contig_msg_occupancy_reply *answer;
	struct contig_msg_cell *cells;
	uint64_t cell_bytes;
	uint32_t count;

	if (!region) {
		reply_error(reply, session->serial, CONTIG_MSG_R_NO_REGION,
			    "there is no region with id %u",
			    request->occupancy.region_id);
		return REQUEST_ANSWERED;
	}
	cell_bytes = occupancy_cell_bytes(region, request->occupancy.cells);
	count = occupancy_count(region, cell_bytes);
	reply_begin(reply, CONTIG_MSG_OCCUPANCY, session->serial);
	answer = &reply->message->occupancy_reply;
	answer->base = entry_base(region, session);
	answer->cell_bytes = cell_bytes;
	cells = reply_add(reply);
	for (uint32_t i = 1; i < count; i++)
		(void)reply_add(reply);
	occupancy_fill(region, cell_bytes, cells);
	return REQUEST_ANSWERED;
}
