/* SPDX-License-Identifier: MIT */
#ifndef DEVICETREE_ADOPTION_H
#define DEVICETREE_ADOPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devicetree/placement.h"
#include "devicetree/reserved.h"
#include "util/cleanup.h"

/*
 * Which ranges contigd may lend, by permission: nodes compatible with
 * "contiguous-memory", and nodes that the configuration names.  Every range,
 * adopted or not, gets a reason that a person can read.
 */

enum adoption_rule_kind {
	ADOPTION_BY_DEFAULT, /* decided by the node itself */
	ADOPTION_NAMED,	     /* the configuration asks for it */
	ADOPTION_FORBIDDEN,  /* the configuration forbids it */
};

struct adoption_rule {
	const char *node; /* node name with or without unit address, or path */
	enum adoption_rule_kind kind;
};

/* One for each reg entry, or one for a node without reg. */
struct adoption {
	const struct reserved_node *node; /* borrowed */
	bool has_base;			  /* also where placement found it */
	uint64_t base;
	bool has_size;
	uint64_t size_bytes;
	bool adopted;
	char *reason; /* owned */
	const struct adoption_rule *rule; /* borrowed; NULL: none names it */
};

struct adoptions {
	struct adoption *entries; /* in order of the tree */
	size_t n_entries;
};

/* Decides.  evidence is NULL for a tree that is not this machine's: then
 * dynamic nodes have no base and System RAM is not looked for.  Rules that name
 * no node are reported by adoption_unmatched_rule().  0 or -ENOMEM. */
int adoptions_decide(struct adoptions **adoptionsp,
		     const struct reserved *reserved,
		     const struct adoption_rule *rules, size_t n_rules,
		     const struct evidence *evidence);
struct adoptions *adoptions_free(struct adoptions *adoptions);
DEFINE_CLEANUP(struct adoptions *, adoptions_free)

/* The next rule from *indexp on that no node answers to, or NULL. */
const struct adoption_rule *
adoption_unmatched_rule(const struct adoptions *adoptions,
			const struct adoption_rule *rules, size_t n_rules,
			size_t *indexp);

#endif
