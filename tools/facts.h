/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_FACTS_H
#define TOOLS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "util/cleanup.h"

/*
 * A JSON object being built.  A failed allocation is kept in mind and found
 * once, at the end, by facts_append() or facts_take(); adding to an object
 * that has failed does nothing.
 */
struct facts {
	json_object *object; /* owned; NULL: failed */
};

void facts_init(struct facts *facts);
void facts_deinit(struct facts *facts);

/* Takes value over.  NULL means that its allocation failed; what is not known
 * is added by facts_add_null(). */
void facts_add(struct facts *facts, const char *key, json_object *value);
void facts_add_text(struct facts *facts, const char *key, const char *text);
void facts_add_number(struct facts *facts, const char *key, uint64_t value);
void facts_add_flag(struct facts *facts, const char *key, bool value);
void facts_add_null(struct facts *facts, const char *key);

/* One flag for each thing that memory can give: "contiguous" ... */
void facts_add_guarantees(struct facts *facts, uint32_t guarantees);

/* Hands the object on; NULL where something failed. */
json_object *facts_take(struct facts *facts);

/* Moves the object to the end of array; NULL means that the array's own
 * allocation failed.  0 or -ENOMEM. */
int facts_append(struct facts *facts, json_object *array);

/* What memory can give, by the names that people and JSON use. */
struct guarantee_name {
	uint32_t guarantee; /* CONTIG_CONTIGUOUS ... */
	const char *name;
};

extern const struct guarantee_name guarantee_names[]; /* NULL name at the end */

static inline void json_object_putp(json_object **objectp)
{
	if (*objectp)
		(void)json_object_put(*objectp);
}

#define _cleanup_json_	_cleanup_(json_object_putp)
#define _cleanup_facts_ _cleanup_(facts_deinit)

#endif
