/* SPDX-License-Identifier: MIT */
#include "tools/probe_facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/facts.h"
#include "util/cleanup.h"

/*
 * A range of reserved memory as facts.  JSON has the tree's words as they are,
 * lists as arrays, and null where there is nothing; its keys are an interface
 * and the table's conveniences stay out of it.
 *
 * Names come from a blob that may hold any bytes, and JSON is UTF-8 by
 * definition.  The devicetree specification allows ASCII only, so a byte beyond
 * it is written as \xNN, in text; control characters json-c escapes.
 */

const struct column probe_columns[] = {
	{"NAME", "name", COLUMN_TEXT, true, "name with unit address"},
	{"BASE", "base", COLUMN_ADDRESS, true, "first address"},
	{"SIZE", "size", COLUMN_SIZE, true, "size"},
	{"FLAGS", "flags", COLUMN_TEXT, true,
	 "no-map, reusable, and what it is the default of"},
	{"STATUS", "status", COLUMN_TEXT, true, "okay where the tree has none"},
	{"ADOPTED", "adopted", COLUMN_FLAG, true,
	 "whether contigd would lend it"},
	{"REASON", "reason", COLUMN_TEXT, true, "why, or why not"},
	{"COMPATIBLE", "compatible", COLUMN_TEXT, false, "what it is for"},
	{"USERS", "users", COLUMN_TEXT, false,
	 "nodes that point at it by memory-region"},
	{"NO-MAP", "no_map", COLUMN_FLAG, false, "the kernel does not map it"},
	{"REUSABLE", "reusable", COLUMN_FLAG, false,
	 "the kernel uses it meanwhile"},
	{"ALIGNMENT", "alignment", COLUMN_ADDRESS, false,
	 "of a range that the kernel places"},
	{"ALLOC-RANGES", "alloc_ranges", COLUMN_TEXT, false,
	 "where the kernel may place it"},
	{NULL, NULL, COLUMN_TEXT, false, NULL},
};

const struct column probe_reservation_columns[] = {
	{"MEMRESERVE", "base", COLUMN_ADDRESS, true, "first address"},
	{"SIZE", "size", COLUMN_SIZE, true, "size"},
	{NULL, NULL, COLUMN_TEXT, false, NULL},
};

/* A new string with every byte beyond ASCII as \xNN, or NULL. */
static char *ascii(const char *text)
{
	char *copy = malloc(4 * strlen(text) + 1), *p = copy;

	if (!copy)
		return NULL;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x80)
			*p++ = *text;
		else
			p += sprintf(p, "\\x%02x", c);
	}
	*p = '\0';
	return copy;
}

static json_object *text_value(const char *text)
{
	_cleanup_free_ char *copy = ascii(text);

	return copy ? json_object_new_string(copy) : NULL;
}

static json_object *array_value(char *const *texts, size_t n)
{
	_cleanup_json_ json_object *array = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		json_object *value = text_value(texts[i]);

		if (!value || !array ||
		    json_object_array_add(array, value) < 0) {
			(void)json_object_put(value);
			return NULL;
		}
	}
	return TAKE_PTR(array);
}

static json_object *ranges_value(const struct reserved_range *ranges, size_t n)
{
	_cleanup_json_ json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < n; i++)
		if (probe_range_facts(array, &ranges[i]) < 0)
			return NULL;
	return TAKE_PTR(array);
}

/* Ends the text that stream wrote and makes a value of it.  The last thing that
 * fclose(3) does is to give the text back what it does not need; where that
 * fails, glibc has no text and says nothing. */
static json_object *written_value(FILE *stream, char **textp)
{
	_cleanup_free_ char *text = NULL;
	int failed = ferror(stream) | fclose(stream);

	text = *textp;
	return failed || !text ? NULL : text_value(text);
}

static json_object *joined_value(char *const *texts, size_t n)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < n; i++)
		(void)fprintf(stream, "%s%s", i ? "," : "", texts[i]);
	return written_value(stream, &text);
}

static json_object *joined_ranges(const struct reserved_range *ranges, size_t n)
{
	char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < n; i++)
		(void)fprintf(stream, "%s0x%" PRIx64 "+0x%" PRIx64,
			      i ? "," : "", ranges[i].base,
			      ranges[i].size_bytes);
	return written_value(stream, &text);
}

static void add_flags(struct facts *facts, const struct reserved_node *node)
{
	const struct {
		bool set;
		const char *name;
	} flags[] = {
		{node->no_map, "no-map"},
		{node->reusable, "reusable"},
		{node->cma_default, "cma-default"},
		{node->dma_default, "dma-default"},
		{node->contiguous_default, "contiguous-default"},
	};
	char text[64] = "";

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		size_t used = strlen(text);

		if (flags[i].set)
			(void)snprintf(text + used, sizeof(text) - used, "%s%s",
				       used ? "," : "", flags[i].name);
	}
	facts_add_text(facts, "flags", text);
}

static void add_number(struct facts *facts, const char *key, bool has,
		       uint64_t value)
{
	if (has)
		facts_add_number(facts, key, value);
	else
		facts_add_null(facts, key);
}

int probe_adoption_facts(json_object *array, const struct adoption *adoption,
			 bool table)
{
	const struct reserved_node *node = adoption->node;
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add(&facts, "name", text_value(node->name));
	facts_add(&facts, "compatible",
		  (table ? joined_value : array_value)(node->compatible,
						       node->n_compatible));
	add_number(&facts, "base", adoption->has_base, adoption->base);
	add_number(&facts, "size", adoption->has_size, adoption->size_bytes);
	facts_add_flag(&facts, "no_map", node->no_map);
	facts_add_flag(&facts, "reusable", node->reusable);
	if (table)
		add_flags(&facts, node);
	facts_add(&facts, "status", text_value(node->status));
	add_number(&facts, "alignment", node->has_alignment,
		   node->alignment_bytes);
	facts_add(&facts, "alloc_ranges",
		  (table ? joined_ranges : ranges_value)(node->alloc_ranges,
							 node->n_alloc_ranges));
	facts_add(&facts, "users",
		  (table ? joined_value : array_value)(node->users,
						       node->n_users));
	facts_add_flag(&facts, "adopted", adoption->adopted);
	facts_add_text(&facts, "reason", adoption->reason);
	return facts_append(&facts, array);
}

int probe_range_facts(json_object *array, const struct reserved_range *range)
{
	_cleanup_facts_ struct facts facts;

	facts_init(&facts);
	facts_add_number(&facts, "base", range->base);
	facts_add_number(&facts, "size", range->size_bytes);
	return facts_append(&facts, array);
}
