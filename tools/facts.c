/* SPDX-License-Identifier: MIT */
#include "tools/facts.h"

#include <errno.h>

#include "contig.h"

/*
 * What the tool knows is gathered as JSON objects, whatever is printed in the
 * end: --json prints them as they are and a table is a view of them, so that
 * the two cannot tell different stories.
 *
 * json-c reports failure at each of its calls; here a failed object turns to
 * NULL and stays it, which leaves one place to check instead of one per fact.
 * Numbers are unsigned 64 bit throughout: an address above 2^63 must not come
 * out negative, nor pass through a double.
 */

const struct guarantee_name guarantee_names[] = {
	{CONTIG_CONTIGUOUS, "contiguous"}, {CONTIG_ISOLATED, "isolated"},
	{CONTIG_DMA_BUF, "dma_buf"},	   {CONTIG_CACHED, "cached"},
	{CONTIG_PHYS_KNOWN, "phys_known"}, {0, NULL},
};

void facts_init(struct facts *facts)
{
	facts->object = json_object_new_object();
}

void facts_deinit(struct facts *facts)
{
	(void)json_object_put(facts->object);
	facts->object = NULL;
}

static void facts_put(struct facts *facts, const char *key, json_object *value)
{
	if (facts->object &&
	    json_object_object_add(facts->object, key, value) == 0)
		return;
	(void)json_object_put(value);
	facts_deinit(facts);
}

void facts_add(struct facts *facts, const char *key, json_object *value)
{
	if (value)
		facts_put(facts, key, value);
	else
		facts_deinit(facts);
}

void facts_add_text(struct facts *facts, const char *key, const char *text)
{
	facts_add(facts, key, json_object_new_string(text));
}

void facts_add_number(struct facts *facts, const char *key, uint64_t value)
{
	facts_add(facts, key, json_object_new_uint64(value));
}

void facts_add_flag(struct facts *facts, const char *key, bool value)
{
	facts_add(facts, key, json_object_new_boolean(value));
}

void facts_add_null(struct facts *facts, const char *key)
{
	facts_put(facts, key, NULL); /* json-c's null is NULL */
}

void facts_add_guarantees(struct facts *facts, uint32_t guarantees)
{
	for (const struct guarantee_name *g = guarantee_names; g->name; g++)
		facts_add_flag(facts, g->name, guarantees & g->guarantee);
}

json_object *facts_take(struct facts *facts)
{
	return TAKE_PTR(facts->object);
}

int facts_append(struct facts *facts, json_object *array)
{
	if (!facts->object || !array)
		return -ENOMEM;
	if (json_object_array_add(array, facts->object) < 0) {
		facts_deinit(facts);
		return -ENOMEM;
	}
	facts->object = NULL;
	return 0;
}
