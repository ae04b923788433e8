/* SPDX-License-Identifier: MIT */
#include "tools/regions.h"

#include "tools/command.h"
#include "tools/facts.h"
#include "tools/listing.h"
#include "util/cleanup.h"

/*
 * contigctl regions: what memory there is, how much of it is free, and what
 * each kind gives.  Where the physical address is not known the base is one
 * that the daemon made up, so that alignment and address limits mean
 * something; the table puts it in parentheses.
 */

static const struct column columns[] = {
	{"NAME", "name", COLUMN_TEXT, true, "name of the region"},
	{"BACKEND", "backend", COLUMN_TEXT, true, "how its memory is reached"},
	{"BASE", "base", COLUMN_BASE, true,
	 "lowest address; in parentheses where it is made up"},
	{"SIZE", "size", COLUMN_SIZE, true, "size without gaps"},
	{"FREE", "free", COLUMN_SIZE, true, "free for you, zeroed or not"},
	{"LARGEST", "largest_free", COLUMN_SIZE, true, "longest free run"},
	{"GRANULE", "granule", COLUMN_SIZE, true, "smallest unit lent"},
	{"BUFFERS", "buffers", COLUMN_NUMBER, true, "buffers lent or draining"},
	{"DEFAULT", "default", COLUMN_FLAG, true,
	 "taken where a request names no region"},
	{"GUARANTEES", NULL, COLUMN_GUARANTEES, true, "all that it gives"},
	{"SPAN", "span", COLUMN_SIZE, false, "size with gaps"},
	{"USABLE", "usable", COLUMN_FLAG, false, "you may use it"},
	{"RESERVED", "reserved", COLUMN_SIZE, false, "free, but for others"},
	{"LENT", "lent", COLUMN_SIZE, false, "lent to somebody"},
	{"DRAINING", "draining", COLUMN_SIZE, false,
	 "released, but still held by somebody"},
	{"GUARDING", "guarding", COLUMN_SIZE, false, "in guards behind buffers"},
	{"DIRTY", "dirty", COLUMN_SIZE, false, "free, but not yet zeroed"},
	{"GUARD", "guard", COLUMN_SIZE, false, "guard behind each buffer"},
	{"DAMAGED", "damaged", COLUMN_NUMBER, false,
	 "guards that something wrote to"},
	{"QUARANTINED", "quarantined", COLUMN_SIZE, false,
	 "not lent, as somebody may still have it"},
	{"CONTIGUOUS", "contiguous", COLUMN_FLAG, false,
	 "buffers are physically contiguous"},
	{"ISOLATED", "isolated", COLUMN_FLAG, false,
	 "a buffer reaches nothing else"},
	{"DMA-BUF", "dma_buf", COLUMN_FLAG, false, "drivers can import buffers"},
	{"CACHED", "cached", COLUMN_FLAG, false, "CPU mappings are cached"},
	{"PHYS-KNOWN", "phys_known", COLUMN_FLAG, false,
	 "physical addresses are known"},
	{NULL, NULL, COLUMN_TEXT, false, NULL},
};

int region_facts(json_object *array, const struct contig_region_info *region)
{
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_text(&facts, "name", region->name);
	facts_add_text(&facts, "backend", region->backend);
	if (region->has_base)
		facts_add_number(&facts, "base", region->base);
	else
		facts_add_null(&facts, "base");
	facts_add_number(&facts, "size", region->size_bytes);
	facts_add_number(&facts, "free", region->free_bytes);
	facts_add_number(&facts, "largest_free", region->largest_free_bytes);
	facts_add_number(&facts, "granule", region->granule_bytes);
	facts_add_flag(&facts, "default", region->is_default);
	facts_add_guarantees(&facts, region->guarantees);
	facts_add_number(&facts, "span", region->span_bytes);
	facts_add_flag(&facts, "usable", region->usable);
	facts_add_number(&facts, "reserved", region->reserved_bytes);
	facts_add_number(&facts, "lent", region->lent_bytes);
	facts_add_number(&facts, "draining", region->draining_bytes);
	facts_add_number(&facts, "guarding", region->guarding_bytes);
	facts_add_number(&facts, "dirty", region->dirty_bytes);
	facts_add_number(&facts, "guard", region->guard_bytes);
	facts_add_number(&facts, "damaged", region->damaged_guards);
	facts_add_number(&facts, "quarantined", region->quarantined_bytes);
	facts_add_number(&facts, "buffers", region->buffers);
	return facts_append(&facts, array);
}

static int collect(struct contig *contig, json_object *rows)
{
	_cleanup_free_ struct contig_region_info *regions = NULL;
	size_t n_regions;
	int r = contig_list_regions(contig, &regions, &n_regions);

	for (size_t i = 0; r == 0 && i < n_regions; i++)
		r = region_facts(rows, &regions[i]);
	return r;
}

static int run(struct invocation *invocation)
{
	return listing_run(invocation, "regions", collect);
}

const struct command command_regions = {
	.name = "regions",
	.arguments = "",
	.summary = "List the regions that memory is lent from",
	.flags = COMMAND_JSON | COMMAND_TABLE,
	.columns = columns,
	.run = run,
};
