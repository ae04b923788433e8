/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/configuration.h"
#include "devicetree/adoption.h"
#include "devicetree/placement.h"
#include "devicetree/reserved.h"
#include "devicetree/tree.h"
#include "devicetree/words.h"
#include "tools/command.h"
#include "tools/complain.h"
#include "tools/facts.h"
#include "tools/output.h"
#include "tools/probe_facts.h"
#include "util/cleanup.h"

/*
 * contigctl probe: what a devicetree reserves, and what contigd would do with
 * it.  It asks no daemon, so that a board can be prepared before contigd runs
 * there, and a blob can be judged on any machine.
 *
 * The running machine's log and /proc/iomem count only for the running
 * machine's tree.  Whatever is wrong in a tree is a warning on standard error
 * as long as something could be read; the node is listed all the same.
 */

struct probe {
	/* the command line */
	const char *dtb;
	const char *directory;
	const char *config_path;

	bool live; /* the tree is this machine's */
	struct tree *tree;
	struct reserved *reserved;
	struct evidence evidence;
	struct configuration config;
	struct adoption_rule *rules; /* they borrow from config */
	size_t n_rules;
	struct adoptions *adoptions;
};

static void probe_deinit(struct probe *probe)
{
	adoptions_free(probe->adoptions);
	free(probe->rules);
	config_deinit(&probe->config);
	evidence_deinit(&probe->evidence);
	reserved_free(probe->reserved);
	tree_free(probe->tree);
}

static bool is_live(const char *directory)
{
	_cleanup_free_ char *given = realpath(directory, NULL);
	_cleanup_free_ char *live = realpath(TREE_LIVE, NULL);

	return given && live && strcmp(given, live) == 0;
}

static int load_tree(struct probe *probe, struct error *why)
{
	const char *directory = probe->directory ? probe->directory : TREE_LIVE;
	int r;

	if (probe->dtb)
		return tree_load_blob(&probe->tree, probe->dtb, why);
	r = tree_load_directory(&probe->tree, directory, why);
	if (r == -ENOENT && !probe->directory)
		return error_set(why, r,
				 "this machine has no devicetree (" TREE_LIVE
				 "): name one by --dtb or --tree");
	probe->live = r == 0 && is_live(directory);
	return r;
}

static void complain_config(void *data, const char *text)
{
	(void)data;
	complain("%s", text);
}

/* One rule for each region of the configuration that is a node. */
static int load_rules(struct probe *probe, struct error *why)
{
	int r;

	if (!probe->config_path)
		return 0;
	r = config_read_file(&probe->config, probe->config_path,
			     complain_config, NULL, why);
	if (r < 0)
		return r;
	probe->rules = calloc(probe->config.n_regions + 1,
			      sizeof(*probe->rules));
	if (!probe->rules)
		return error_set(why, -ENOMEM, "out of memory");
	for (size_t i = 0; i < probe->config.n_regions; i++) {
		const struct config_region *region = &probe->config.regions[i];

		if (region->kind != CONFIG_REGION)
			continue;
		probe->rules[probe->n_rules++] = (struct adoption_rule){
			.node = region->node ? region->node : region->name,
			.kind = region->adopt ? ADOPTION_NAMED
					      : ADOPTION_FORBIDDEN,
		};
	}
	return 0;
}

static int load(struct probe *probe, struct error *why)
{
	int r = load_rules(probe, why);

	if (r < 0)
		return r;
	r = load_tree(probe, why);
	if (r < 0)
		return r;
	r = reserved_read(&probe->reserved, probe->tree, why);
	if (r < 0)
		return error_prefix(why, r, "%s",
				    probe->dtb	       ? probe->dtb
				    : probe->directory ? probe->directory
						       : TREE_LIVE);
	r = probe->live ? evidence_read(&probe->evidence) : 0;
	if (r == 0)
		r = adoptions_decide(&probe->adoptions, probe->reserved,
				     probe->rules, probe->n_rules,
				     probe->live ? &probe->evidence : NULL);
	return r < 0 ? error_set(why, r, "out of memory") : 0;
}

/* Everything that is wrong but hinders nothing else. */
static void warn(const struct probe *probe)
{
	const struct reserved *reserved = probe->reserved;
	const struct adoption_rule *rule;
	char label[WORDS_LABEL_BYTES];
	size_t next = 0;

	for (size_t i = 0; i < reserved->n_complaints; i++)
		complain("warning: %s", reserved->complaints[i]);
	if (reserved->doubt)
		complain("warning: %s", reserved->doubt);
	for (size_t i = 0; i < reserved->n_nodes; i++)
		if (reserved->nodes[i].broken)
			complain("warning: %s: %s",
				 words_label(label, reserved->nodes[i].path),
				 reserved->nodes[i].broken);
	while ((rule = adoption_unmatched_rule(probe->adoptions, probe->rules,
					       probe->n_rules, &next)))
		complain("warning: %s: no node answers to %s",
			 probe->config_path, words_label(label, rule->node));
}

static int gather(const struct probe *probe, bool table, json_object *regions,
		  json_object *reservations)
{
	const struct reserved *reserved = probe->reserved;
	int r = regions && reservations ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < probe->adoptions->n_entries; i++)
		r = probe_adoption_facts(
			regions, &probe->adoptions->entries[i], table);
	for (size_t i = 0; r == 0 && i < reserved->n_memreserve; i++)
		r = probe_range_facts(reservations, &reserved->memreserve[i]);
	return r;
}

/* Beneath the table of nodes, for people only: a program that reads a table
 * without headings wants one kind of row. */
static int print_reservations(const struct invocation *invocation,
			      json_object *reservations)
{
	struct invocation second = *invocation;

	if (invocation->columns_given || invocation->noheadings ||
	    invocation->raw || json_object_array_length(reservations) == 0)
		return EXIT_SUCCESS;
	for (second.n_columns = 0;
	     probe_reservation_columns[second.n_columns].name;
	     second.n_columns++)
		second.columns[second.n_columns] =
			&probe_reservation_columns[second.n_columns];
	puts("");
	return command_print_list(&second, "memreserve", reservations);
}

static int print(struct invocation *invocation, const struct probe *probe)
{
	_cleanup_json_ json_object *regions = json_object_new_array();
	_cleanup_json_ json_object *reservations = json_object_new_array();
	_cleanup_facts_ struct facts top = {NULL};
	int status = EXIT_SUCCESS;

	if (gather(probe, !invocation->json, regions, reservations) < 0) {
		complain("out of memory");
		return EXIT_FAILURE;
	}
	if (invocation->json && !invocation->columns_given) {
		facts_init(&top);
		facts_add(&top, "regions", TAKE_PTR(regions));
		facts_add(&top, "memreserve", TAKE_PTR(reservations));
		return command_print_json(top.object);
	}
	if (!invocation->json && probe->reserved->n_nodes == 0)
		complain("the devicetree has no reserved-memory nodes");
	else
		status = command_print_list(invocation, "regions", regions);
	if (invocation->json || status != EXIT_SUCCESS)
		return status;
	return print_reservations(invocation, reservations);
}

static int run(struct invocation *invocation)
{
	_cleanup_(probe_deinit) struct probe probe = {.live = false};
	const struct option_row rows[] = {
		{'\0', "dtb", OPTION_TEXT, &probe.dtb, "FILE", "read a blob"},
		{'\0', "tree", OPTION_TEXT, &probe.directory, "DIRECTORY",
		 "read a directory, else " TREE_LIVE},
		{'\0', "config", OPTION_TEXT, &probe.config_path, "FILE",
		 "adopt as this configuration says"},
	};
	struct error why = ERROR_INIT;

	config_init(&probe.config);
	if (!command_parse(invocation, rows, sizeof(rows) / sizeof(*rows)) ||
	    !command_takes_arguments(invocation, 0))
		return invocation->status;
	if (probe.dtb && probe.directory)
		return command_usage(invocation,
				     "--dtb and --tree exclude each other");
	if (load(&probe, &why) < 0) {
		complain("%s", why.text);
		return EXIT_FAILURE;
	}
	warn(&probe);
	return print(invocation, &probe);
}

const struct command command_probe = {
	.name = "probe",
	.arguments = "",
	.summary = "Tell what a devicetree reserves and what would be lent",
	.flags = COMMAND_JSON | COMMAND_TABLE | COMMAND_LOCAL,
	.columns = probe_columns,
	.run = run,
};
