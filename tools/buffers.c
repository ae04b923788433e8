/* SPDX-License-Identifier: MIT */
#include "tools/buffers.h"

#include <stdlib.h>

#include "tools/command.h"
#include "tools/connection.h"
#include "tools/facts.h"
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

static int run(struct invocation *invocation)
{
	_cleanup_json_ json_object *array = json_object_new_array();
	_cleanup_free_ struct contig_buffer_info *buffers = NULL;
	_cleanup_contig_ struct contig *contig = NULL;
	size_t n_buffers;
	int r;

	if (!command_parse(invocation, NULL, 0) ||
	    !command_takes_arguments(invocation, 0))
		return invocation->status;
	if (connection_open(invocation, &contig) < 0)
		return EXIT_FAILURE;
	r = contig_list_buffers(contig, &buffers, &n_buffers);
	if (r < 0)
		return connection_failed("list buffers", r);
	for (size_t i = 0; r == 0 && i < n_buffers; i++)
		r = buffer_facts(array, &buffers[i]);
	return r < 0 ? connection_failed("list buffers", r)
		     : command_print_list(invocation, "buffers", array);
}

const struct command command_buffers = {
	.name = "buffers",
	.arguments = "",
	.summary = "List the buffers that are lent",
	.flags = COMMAND_JSON | COMMAND_TABLE,
	.columns = buffer_columns,
	.run = run,
};
