/* SPDX-License-Identifier: MIT */
#include "daemon/setup_devicetree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devicetree/adoption.h"
#include "devicetree/placement.h"
#include "devicetree/reserved.h"
#include "devicetree/tree.h"
#include "proto/message.h"
#include "proto/text.h"
#include "util/cleanup.h"
#include "util/log.h"

/*
 * From a devicetree to regions.  What may be lent is decided by adoption.c,
 * with the configuration's sections as rules and this machine's evidence, also
 * where the tree was given as a file: whoever hands the daemon a tree says that
 * it describes this machine, and System RAM is not lent on anybody's word.
 *
 * A region is named by the section that names its node, else like the node
 * without its unit address.  Where that name is taken, or a node has several
 * ranges, a number is added.
 */

#define DEFAULT_BACKEND "devmem"
#define MAX_NUMBER	1000 /* then something else is wrong */

struct rules {
	struct adoption_rule *rules;
	const struct config_region **sections; /* in the same order */
	size_t n;
};

static void rules_deinit(struct rules *rules)
{
	free(rules->rules);
	free(rules->sections);
}

static int read_rules(struct rules *rules, const struct configuration *config)
{
	rules->rules = calloc(config->n_regions + 1, sizeof(*rules->rules));
	rules->sections =
		calloc(config->n_regions + 1, sizeof(*rules->sections));
	if (!rules->rules || !rules->sections)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_regions; i++) {
		const struct config_region *region = &config->regions[i];

		if (region->kind != CONFIG_REGION)
			continue;
		rules->sections[rules->n] = region;
		rules->rules[rules->n++] = (struct adoption_rule){
			.node = region->node ? region->node : region->name,
			.kind = region->adopt ? ADOPTION_NAMED
					      : ADOPTION_FORBIDDEN,
		};
	}
	return 0;
}

/* Room for a name as it goes over the wire. */
struct name {
	char text[CONTIG_MSG_REGION_BYTES];
};

/* A name for the range that no other has yet. */
static void choose_name(struct name *name, const struct setup *setup,
			const struct config_region *section,
			const struct reserved_node *node)
{
	struct name wanted;

	text_put(wanted.text, sizeof(wanted.text),
		 section ? section->name : node->name);
	if (!section)
		wanted.text[strcspn(wanted.text, "@")] = '\0';
	*name = wanted;
	for (unsigned int i = 2; i < MAX_NUMBER; i++) {
		if (!setup_is_taken(setup, name->text))
			return;
		(void)snprintf(name->text, sizeof(name->text), "%.52s-%u",
			       wanted.text, i);
	}
}

static void log_decision(const struct adoption *adoption)
{
	if (adoption->has_base && adoption->has_size)
		log_info("devicetree %s, 0x%" PRIx64 " bytes at 0x%" PRIx64
			 ": %s: %s",
			 adoption->node->path, adoption->size_bytes,
			 adoption->base,
			 adoption->adopted ? "adopted" : "not adopted",
			 adoption->reason);
	else
		log_info("devicetree %s: %s: %s", adoption->node->path,
			 adoption->adopted ? "adopted" : "not adopted",
			 adoption->reason);
}

static void add_range(struct setup *setup, const struct rules *rules,
		      const struct adoption *adoption)
{
	const struct config_region *section =
		adoption->rule ? rules->sections[adoption->rule - rules->rules]
			       : NULL;
	struct tract_description range = {
		.backend = section && section->backend ? section->backend
						       : DEFAULT_BACKEND,
		.public_base = true,
		.wants_default = adoption->node->contiguous_default,
		.section = section ? section->name : NULL,
		.memory.base = adoption->base,
		.memory.size_bytes = adoption->size_bytes,
		.memory.granule_bytes = setup_granule_bytes(section),
		.memory.guard_bytes = section ? section->guard_bytes : 0,
	};
	struct name name;

	choose_name(&name, setup, section, adoption->node);
	range.name = name.text;
	(void)setup_add(setup, &range);
}

static void log_unmatched(const struct adoptions *adoptions,
			  const struct rules *rules)
{
	const struct adoption_rule *rule;
	size_t i = 0;

	while ((rule = adoption_unmatched_rule(adoptions, rules->rules,
					       rules->n, &i)))
		log_warning("the configuration names devicetree node '%s', "
			    "but there is none",
			    rule->node);
}

static int decide(struct setup *setup, const struct tree *tree,
		  const struct rules *rules, struct error *why)
{
	struct evidence evidence;
	struct adoptions *adoptions = NULL;
	struct reserved *reserved;
	int r;

	r = reserved_read(&reserved, tree, why);
	if (r < 0)
		return r;
	r = evidence_read(&evidence);
	if (r == 0) {
		r = adoptions_decide(&adoptions, reserved, rules->rules,
				     rules->n, &evidence);
		evidence_deinit(&evidence);
	}
	if (r < 0) {
		(void)reserved_free(reserved);
		return error_set(why, r, "out of memory");
	}
	for (size_t i = 0; i < adoptions->n_entries; i++) {
		log_decision(&adoptions->entries[i]);
		if (adoptions->entries[i].adopted)
			add_range(setup, rules, &adoptions->entries[i]);
	}
	log_unmatched(adoptions, rules);
	(void)adoptions_free(adoptions);
	(void)reserved_free(reserved);
	return 0;
}

static int load(struct tree **treep, const struct setup_tree *which,
		struct error *why)
{
	if (which->dtb)
		return tree_load_blob(treep, which->dtb, why);
	return tree_load_directory(treep, which->tree ? which->tree : TREE_LIVE,
				   why);
}

int setup_devicetree(struct setup *setup, const struct setup_tree *which,
		     struct error *why)
{
	bool asked_for = which->dtb || which->tree;
	_cleanup_(rules_deinit) struct rules rules = {.n = 0};
	_cleanup_(tree_freep) struct tree *tree = NULL;
	struct error own = ERROR_INIT;
	int r;

	r = load(&tree, which, &own);
	if (r == -ENOENT && !asked_for) {
		log_info("this machine has no devicetree");
		return 0;
	}
	if (r == 0)
		r = read_rules(&rules, setup->config);
	if (r == 0)
		r = decide(setup, tree, &rules, &own);
	if (r == 0)
		return 0;
	if (asked_for)
		return error_set(why, r, "%s", own.text);
	log_warning("this machine's devicetree: %s", own.text);
	return 0;
}
