/* SPDX-License-Identifier: MIT */
#include "tools/damages.h"

#include "tools/facts.h"

/*
 * A guard that something wrote to, as a row and in JSON: the buffer in front of
 * it, where the first wrong byte is, and the buffer behind.  The stray write
 * may have come from either side, so both are shown with their owners.
 */

const struct column damage_columns[] = {
	{"ID", "id", COLUMN_NUMBER, true, "number of the buffer in front"},
	{"NAME", "name", COLUMN_TEXT, true, "its name"},
	{"REGION", "region", COLUMN_TEXT, true, "region it is part of"},
	{"OWNER", "owner_uid", COLUMN_USER, true, "user who allocated it"},
	{"FIRST", "first", COLUMN_NUMBER, true,
	 "first wrong byte, counted from the buffer's end"},
	{"WRONG", "differing", COLUMN_NUMBER, true, "how many bytes are wrong"},
	{"PHYS", "phys", COLUMN_ADDRESS, true,
	 "address of the first one, where known and allowed"},
	{"BEHIND", "neighbour", COLUMN_NUMBER, true,
	 "number of the buffer behind the guard"},
	{"BEHIND-NAME", "neighbour_name", COLUMN_TEXT, true, "its name"},
	{"BEHIND-OWNER", "neighbour_uid", COLUMN_USER, true,
	 "user who allocated that one"},
	{"SIZE", "size", COLUMN_SIZE, false, "size of the buffer in front"},
	{"GUARD", "guard", COLUMN_SIZE, false, "size of the guard"},
	{"UID", "owner_uid", COLUMN_NUMBER, false, "the first owner's number"},
	{"BEHIND-UID", "neighbour_uid", COLUMN_NUMBER, false,
	 "the other owner's number"},
	{NULL, NULL, COLUMN_TEXT, false, NULL},
};

static void add_neighbour(struct facts *facts,
			  const struct contig_damage *damage)
{
	if (!damage->neighbour_id) {
		facts_add_null(facts, "neighbour");
		facts_add_null(facts, "neighbour_name");
		facts_add_null(facts, "neighbour_uid");
		return;
	}
	facts_add_number(facts, "neighbour", damage->neighbour_id);
	facts_add_text(facts, "neighbour_name", damage->neighbour_name);
	facts_add_number(facts, "neighbour_uid", damage->neighbour_uid);
}

int damage_facts(json_object *array, const struct contig_damage *damage)
{
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_number(&facts, "id", damage->id);
	facts_add_text(&facts, "name", damage->name);
	facts_add_text(&facts, "region", damage->region);
	facts_add_number(&facts, "owner_uid", damage->owner_uid);
	facts_add_number(&facts, "size", damage->size_bytes);
	facts_add_number(&facts, "guard", damage->guard_bytes);
	facts_add_number(&facts, "first", damage->first_bytes);
	facts_add_number(&facts, "differing", damage->differing_bytes);
	if (damage->has_phys)
		facts_add_number(&facts, "phys", damage->phys);
	else
		facts_add_null(&facts, "phys");
	add_neighbour(&facts, damage);
	return facts_append(&facts, array);
}
