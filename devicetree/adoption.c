/* SPDX-License-Identifier: MIT */
#include "devicetree/adoption.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devicetree/overlap.h"
#include "devicetree/words.h"
#include "util/cleanup.h"

/*
 * Adoption is by permission.  A node is asked, in this order: can it be
 * understood, is it enabled, may it be lent; and then whether the memory is fit
 * for it: not in use by the kernel, at a known place, whole pages, nobody
 * else's.  The first answer that refuses becomes the reason.
 *
 * Permission comes from the node where it is compatible with
 * "contiguous-memory" and no other node claims it by memory-region; else only
 * from the configuration, which must name it beyond doubt: a bare name that
 * fits several nodes permits none of them, for "memory" is what many boards
 * call every firmware region.  To forbid, it need not be that exact.
 *
 * No rule overrides the checks of the memory itself: lending what the kernel or
 * a firmware uses is never what somebody meant.
 */

#define ADOPTION_COMPATIBLE "contiguous-memory"

/* The smallest page of Linux; the daemon looks at its machine's on top. */
#define ADOPTION_PAGE_BYTES 4096u

struct decision {
	const struct reserved *reserved;
	const struct adoption_rule *rules;
	size_t n_rules;
	size_t *named;			 /* for each rule: nodes it names */
	const struct evidence *evidence; /* or NULL */

	struct adoptions *adoptions;
	char **places; /* for each entry: where it is, in words, or NULL */
	struct overlaps overlaps; /* owner: the entry, beyond: reservations */
};

static void decision_deinit(struct decision *decision)
{
	for (size_t i = 0; decision->places && decision->adoptions &&
			   i < decision->adoptions->n_entries;
	     i++)
		free(decision->places[i]);
	free(decision->places);
	free(decision->named);
	overlaps_deinit(&decision->overlaps);
}

/* Every check ends in one of these. */
enum verdict {
	FIT = 0,
	REFUSED = 1, /* the reason is set */
};

/* Sets the reason.  REFUSED or -ENOMEM. */
__attribute__((format(printf, 2, 3))) static int
refuse(struct adoption *adoption, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&adoption->reason, format, args);
	va_end(args);
	if (r < 0) {
		adoption->reason = NULL;
		return -ENOMEM;
	}
	return REFUSED;
}

/* By path, by name with the unit address, or without it. */
static bool rule_names(const struct adoption_rule *rule,
		       const struct reserved_node *node)
{
	size_t len = strcspn(node->name, "@");

	if (rule->node[0] == '/')
		return strcmp(rule->node, node->path) == 0;
	return strcmp(rule->node, node->name) == 0 ||
	       (strlen(rule->node) == len &&
		strncmp(rule->node, node->name, len) == 0);
}

/* A rule that forbids wins; else the first that names the node. */
static const struct adoption_rule *find_rule(const struct decision *decision,
					     const struct reserved_node *node)
{
	const struct adoption_rule *found = NULL;

	for (size_t i = 0; i < decision->n_rules; i++) {
		const struct adoption_rule *rule = &decision->rules[i];

		if (!rule_names(rule, node))
			continue;
		if (rule->kind == ADOPTION_FORBIDDEN)
			return rule;
		if (!found)
			found = rule;
	}
	return found;
}

/* What the node itself says, where no rule asks for it. */
static int check_own_permission(struct adoption *adoption)
{
	const struct reserved_node *node = adoption->node;
	char label[WORDS_LABEL_BYTES];

	if (reserved_node_is_compatible(node, ADOPTION_COMPATIBLE)) {
		if (node->n_users == 0)
			return FIT;
		return refuse(adoption,
			      "in use by %s%s: adopted only where the "
			      "configuration names it",
			      words_label(label, node->users[0]),
			      node->n_users > 1 ? " and others" : "");
	}
	if (node->n_compatible == 0)
		return refuse(adoption, "not compatible with anything: adopted "
					"only where the configuration names "
					"it");
	return refuse(adoption,
		      "compatible with %s, not " ADOPTION_COMPATIBLE
		      ": adopted only where the configuration names it",
		      words_label(label, node->compatible[0]));
}

static int check_permission(const struct decision *decision,
			    struct adoption *adoption)
{
	const struct adoption_rule *rule = adoption->rule;
	char label[WORDS_LABEL_BYTES];
	size_t named;

	if (!rule || rule->kind == ADOPTION_BY_DEFAULT)
		return check_own_permission(adoption);
	if (rule->kind == ADOPTION_FORBIDDEN)
		return refuse(adoption, "the configuration forbids it");
	named = decision->named[rule - decision->rules];
	if (named > 1)
		return refuse(adoption,
			      "the configuration names %s, but %zu nodes "
			      "answer to that: name it with its unit address "
			      "or its path",
			      words_label(label, rule->node), named);
	return FIT;
}

/* Whether the node means anything, and whether the kernel uses the memory. */
static int check_node(struct adoption *adoption)
{
	const struct reserved_node *node = adoption->node;
	char label[WORDS_LABEL_BYTES];

	if (node->broken)
		return refuse(adoption, "broken: %s", node->broken);
	if (!reserved_node_is_enabled(node))
		return refuse(adoption, "its status is \"%s\"",
			      words_label(label, node->status));
	return FIT;
}

static int check_kind(struct adoption *adoption)
{
	if (adoption->node->reusable)
		return refuse(adoption, "reusable: the kernel itself uses the "
					"memory while it is not allocated");
	if (!adoption->node->no_map)
		return refuse(adoption, "mapped by the kernel, for lack of "
					"no-map: System RAM is never lent "
					"through /dev/mem");
	return FIT;
}

static int check_place(const struct decision *decision,
		       struct adoption *adoption, size_t i)
{
	if (adoption->has_base)
		return FIT;
	if (decision->places[i])
		return refuse(adoption, "%s", decision->places[i]);
	return refuse(adoption, "placed by the kernel at boot: where, shows "
				"only on the running machine itself");
}

static int check_range(struct adoption *adoption)
{
	if (adoption->size_bytes == 0)
		return refuse(adoption, "empty: its size is 0");
	if (adoption->base % ADOPTION_PAGE_BYTES != 0 ||
	    adoption->size_bytes % ADOPTION_PAGE_BYTES != 0)
		return refuse(adoption,
			      "not in whole pages: its %s is not a multiple of "
			      "%u",
			      adoption->base % ADOPTION_PAGE_BYTES ? "base"
								   : "size",
			      ADOPTION_PAGE_BYTES);
	return FIT;
}

static int check_overlap(const struct decision *decision,
			 struct adoption *adoption, size_t i)
{
	const struct reserved_range range = {adoption->base,
					     adoption->size_bytes};
	const struct overlap *other =
		overlaps_find(&decision->overlaps, &range, i);
	char label[WORDS_LABEL_BYTES];

	if (!other)
		return FIT;
	if (other->owner >= decision->adoptions->n_entries)
		return refuse(adoption,
			      "overlaps the memory reservation 0x%" PRIx64
			      "-0x%" PRIx64,
			      other->range.base,
			      reserved_range_last(&other->range));
	return refuse(
		adoption, "overlaps %s at 0x%" PRIx64 "-0x%" PRIx64,
		words_label(
			label,
			decision->adoptions->entries[other->owner].node->name),
		other->range.base, reserved_range_last(&other->range));
}

/* *ramp gets what evidence_is_system_ram() says; without evidence nothing. */
static int check_system_ram(const struct decision *decision,
			    struct adoption *adoption, int *ramp)
{
	if (!decision->evidence)
		return FIT;
	*ramp = evidence_is_system_ram(decision->evidence, adoption->base,
				       adoption->size_bytes);
	if (*ramp == 1)
		return refuse(adoption, "/proc/iomem shows System RAM there, "
					"so the kernel did not reserve it");
	if (*ramp < 0 && decision->reserved->doubt)
		return refuse(adoption, "%s", decision->reserved->doubt);
	return FIT;
}

/* Runs every check in turn. */
static int check_all(const struct decision *decision, struct adoption *adoption,
		     size_t i, int *ramp)
{
	int r = check_node(adoption);

	if (r == FIT)
		r = check_permission(decision, adoption);
	if (r == FIT)
		r = check_kind(adoption);
	if (r == FIT)
		r = check_place(decision, adoption, i);
	if (r == FIT)
		r = check_range(adoption);
	if (r == FIT)
		r = check_overlap(decision, adoption, i);
	if (r == FIT)
		r = check_system_ram(decision, adoption, ramp);
	return r;
}

static int decide_entry(const struct decision *decision, size_t i)
{
	struct adoption *adoption = &decision->adoptions->entries[i];
	const char *place = decision->places[i];
	const char *caveat = "", *doubt = "";
	int ram = 0, r;

	adoption->rule = find_rule(decision, adoption->node);
	r = check_all(decision, adoption, i, &ram);
	if (r != FIT)
		return r == REFUSED ? 0 : r;
	if (!decision->evidence && decision->reserved->doubt) {
		caveat = "; there only if it is not System RAM, for ";
		doubt = decision->reserved->doubt;
	} else if (ram < 0) {
		caveat = "; /proc/iomem shows no addresses to this process, "
			 "so that it is not System RAM is taken on trust";
	}
	adoption->adopted = true;
	r = asprintf(&adoption->reason, "%s%s%s%s%s",
		     adoption->rule && adoption->rule->kind == ADOPTION_NAMED
			     ? "named by the configuration"
			     : "compatible with " ADOPTION_COMPATIBLE,
		     place ? "; " : "", place ? place : "", caveat, doubt);
	if (r < 0)
		adoption->reason = NULL;
	return r < 0 ? -ENOMEM : 0;
}

static size_t count_entries(const struct reserved *reserved)
{
	size_t n = 0;

	for (size_t i = 0; i < reserved->n_nodes; i++)
		n += reserved->nodes[i].n_reg ? reserved->nodes[i].n_reg : 1;
	return n;
}

/* A node that the kernel placed: where the evidence has it. */
static int place_entry(struct decision *decision, size_t i)
{
	struct adoption *adoption = &decision->adoptions->entries[i];
	struct placement placement;
	int r;

	adoption->has_size = adoption->node->has_size;
	adoption->size_bytes = adoption->node->size_bytes;
	if (!decision->evidence || adoption->node->broken ||
	    !reserved_node_is_enabled(adoption->node))
		return 0;
	r = placement_find(&placement, adoption->node, decision->evidence);
	if (r < 0)
		return r;
	adoption->has_base = placement.known;
	adoption->base = placement.base;
	decision->places[i] = TAKE_PTR(placement.reason);
	return 0;
}

static int fill_entries(struct decision *decision)
{
	size_t next = 0;

	for (size_t i = 0; i < decision->reserved->n_nodes; i++) {
		const struct reserved_node *node =
			&decision->reserved->nodes[i];

		for (size_t k = 0; k == 0 || k < node->n_reg; k++, next++) {
			struct adoption *adoption =
				&decision->adoptions->entries[next];
			int r = 0;

			adoption->node = node;
			if (node->n_reg > 0) {
				adoption->has_base = true;
				adoption->base = node->reg[k].base;
				adoption->has_size = true;
				adoption->size_bytes = node->reg[k].size_bytes;
			} else {
				r = place_entry(decision, next);
			}
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* A range that overflows still takes what there is up to the end. */
static int add_overlap(struct decision *decision, struct reserved_range range,
		       size_t owner)
{
	if (range.size_bytes == 0)
		return 0;
	if (reserved_range_overflows(&range))
		range.size_bytes = UINT64_MAX - range.base + 1;
	return overlaps_add(&decision->overlaps, &range, owner);
}

/* Whatever takes memory: enabled nodes, broken ones too, and reservations. */
static int fill_overlaps(struct decision *decision)
{
	const struct reserved *reserved = decision->reserved;
	size_t n = decision->adoptions->n_entries;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct adoption *adoption =
			&decision->adoptions->entries[i];

		if (adoption->has_base &&
		    reserved_node_is_enabled(adoption->node))
			r = add_overlap(
				decision,
				(struct reserved_range){adoption->base,
							adoption->size_bytes},
				i);
	}
	for (size_t i = 0; r == 0 && i < reserved->n_memreserve; i++)
		r = add_overlap(decision, reserved->memreserve[i], n + i);
	return r < 0 ? r : overlaps_seal(&decision->overlaps);
}

static int count_named(struct decision *decision)
{
	decision->named = calloc(decision->n_rules + 1,
				 sizeof(*decision->named));
	if (!decision->named)
		return -ENOMEM;
	for (size_t i = 0; i < decision->n_rules; i++)
		for (size_t k = 0; k < decision->reserved->n_nodes; k++)
			decision->named[i] +=
				rule_names(&decision->rules[i],
					   &decision->reserved->nodes[k]);
	return 0;
}

static int decide_all(struct decision *decision)
{
	struct adoptions *adoptions = decision->adoptions;
	size_t n = count_entries(decision->reserved);
	int r;

	adoptions->entries = calloc(n + 1, sizeof(*adoptions->entries));
	decision->places = calloc(n + 1, sizeof(*decision->places));
	if (!adoptions->entries || !decision->places)
		return -ENOMEM;
	adoptions->n_entries = n;
	r = count_named(decision);
	if (r == 0)
		r = fill_entries(decision);
	if (r == 0)
		r = fill_overlaps(decision);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = decide_entry(decision, i);
	return r;
}

int adoptions_decide(struct adoptions **adoptionsp,
		     const struct reserved *reserved,
		     const struct adoption_rule *rules, size_t n_rules,
		     const struct evidence *evidence)
{
	_cleanup_(adoptions_freep) struct adoptions *adoptions =
		calloc(1, sizeof(*adoptions));
	_cleanup_(decision_deinit) struct decision decision = {
		.reserved = reserved,
		.rules = rules,
		.n_rules = n_rules,
		.evidence = evidence,
		.adoptions = adoptions,
	};
	int r = adoptions ? decide_all(&decision) : -ENOMEM;

	if (r < 0)
		return r;
	*adoptionsp = adoptions;
	adoptions = NULL;
	return 0;
}

struct adoptions *adoptions_free(struct adoptions *adoptions)
{
	if (!adoptions)
		return NULL;
	for (size_t i = 0; i < adoptions->n_entries; i++)
		free(adoptions->entries[i].reason);
	free(adoptions->entries);
	free(adoptions);
	return NULL;
}

const struct adoption_rule *
adoption_unmatched_rule(const struct adoptions *adoptions,
			const struct adoption_rule *rules, size_t n_rules,
			size_t *indexp)
{
	for (; *indexp < n_rules; (*indexp)++) {
		const struct adoption_rule *rule = &rules[*indexp];
		size_t i = 0;

		while (i < adoptions->n_entries &&
		       !rule_names(rule, adoptions->entries[i].node))
			i++;
		if (i == adoptions->n_entries) {
			(*indexp)++;
			return rule;
		}
	}
	return NULL;
}
