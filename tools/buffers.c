/* SPDX-License-Identifier: MIT */
#include "tools/buffers.h"

#include "tools/command.h"
#include "tools/facts.h"
#include "tools/listing.h"
#include "util/cleanup.h"

/*
 * contigctl buffers: what is lent, where, and to whom.  A physical address is
 * null where there is none and where this user may not see it; the daemon does
 * not tell the two apart here, so neither does the tool.
 */

const struct column buffer_columns[] = {
	{"ID", "id", COLUMN_NUMBER, true, "number of the buffer"},
	{"NAME", "name", COLUMN_TEXT, true, "name given at allocation"},
	{"REGION", "region", COLUMN_TEXT, true, "region it is part of"},
	{"SIZE", "size", COLUMN_SIZE, true, "size, in whole granules"},
	{"PHYS", "phys", COLUMN_ADDRESS, true,
	 "physical address, where known and allowed"},
	{"OWNER", "owner_uid", COLUMN_USER, true, "user who allocated it"},
	{"STATE", "state", COLUMN_TEXT, true,
	 "lent; draining: released, but still held"},
	{"UID", "owner_uid", COLUMN_NUMBER, false, "that user's number"},
	{"GUARANTEES", NULL, COLUMN_GUARANTEES, false, "all that it gives"},
	{"CONTIGUOUS", "contiguous", COLUMN_FLAG, false, "physically contiguous"},
	{"ISOLATED", "isolated", COLUMN_FLAG, false, "reaches nothing else"},
	{"DMA-BUF", "dma_buf", COLUMN_FLAG, false, "drivers can import it"},
	{"CACHED", "cached", COLUMN_FLAG, false, "CPU mappings are cached"},
	{"PHYS-KNOWN", "phys_known", COLUMN_FLAG, false,
	 "its physical address is known"},
	{NULL, NULL, COLUMN_TEXT, false, NULL},
};

int buffer_facts(json_object *array, const struct contig_buffer_info *buffer)
{
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_number(&facts, "id", buffer->id);
	facts_add_text(&facts, "name", buffer->name);
	facts_add_text(&facts, "region", buffer->region);
	facts_add_number(&facts, "size", buffer->size_bytes);
	if (buffer->has_phys)
		facts_add_number(&facts, "phys", buffer->phys);
	else
		facts_add_null(&facts, "phys");
	facts_add_number(&facts, "owner_uid", buffer->owner_uid);
	facts_add_text(&facts, "state", buffer->draining ? "draining" : "lent");
	facts_add_guarantees(&facts, buffer->guarantees);
	return facts_append(&facts, array);
}

static int collect(struct contig *contig, json_object *rows)
{
	_cleanup_free_ struct contig_buffer_info *buffers = NULL;
	size_t n_buffers;
	int r = contig_list_buffers(contig, &buffers, &n_buffers);

	for (size_t i = 0; r == 0 && i < n_buffers; i++)
		r = buffer_facts(rows, &buffers[i]);
	return r;
}

static int run(struct invocation *invocation)
{
	return listing_run(invocation, "buffers", collect);
}

const struct command command_buffers = {
	.name = "buffers",
	.arguments = "",
	.summary = "List the buffers that are lent",
	.flags = COMMAND_JSON | COMMAND_TABLE,
	.columns = buffer_columns,
	.run = run,
};
