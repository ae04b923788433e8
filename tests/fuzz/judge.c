/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/judge.h"

#include <stdlib.h>
#include <string.h>

#include "devicetree/adoption.h"
#include "devicetree/placement.h"
#include "devicetree/reserved.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/grow.h"

/*
 * From a tree to what the daemon would lend of it, as setup_devicetree.c goes,
 * with the configuration's rules and the machine's evidence out of the input as
 * well.  A hostile devicetree cannot be refused as a whole, for one broken node
 * must not stop the others; so what counts is what adoption lets through, and
 * that is held here against the few sentences that adoption.h promises.
 */

#define MAX_RULES   6
#define PAGE_BYTES  4096
#define MAX_COMPARE 300 /* entries compared with one another */

struct case_file {
	char *names[MAX_RULES]; /* of rules; owned */
	struct adoption_rule rules[MAX_RULES];
	size_t n_rules;
	bool has_evidence;
	struct evidence evidence; /* owned but for the directory */
};

static char *take_text(struct input *input)
{
	struct input part = input_part(input, input_u16(input));

	return part.size > 0 ? input_string(&part) : NULL;
}

static void take_rule(struct case_file *file, struct input *input)
{
	uint8_t kind = input_u8(input);
	size_t i = file->n_rules++;

	if (kind & 0x80) {
		struct input part = input_part(input, input_u8(input) % 64);

		file->names[i] = input_string(&part);
	} else {
		file->names[i] = strdup(grow_node_name(input_u8(input)));
	}
	fuzz_assert(file->names[i]);
	file->rules[i].node = file->names[i];
	file->rules[i].kind = (enum adoption_rule_kind)(kind % 3);
}

struct case_file *case_file_new(struct input *input, const char *directory)
{
	struct case_file *file = calloc(1, sizeof(*file));
	uint8_t flags = input_u8(input);

	fuzz_assert(file);
	for (unsigned int n = (flags & 0x7f) % (MAX_RULES + 1); n > 0; n--)
		take_rule(file, input);
	file->has_evidence = flags & 0x80;
	if (file->has_evidence) {
		file->evidence.kernel_log = take_text(input);
		file->evidence.iomem = take_text(input);
		file->evidence.memblock = take_text(input);
		file->evidence.debugfs_cma = (char *)(uintptr_t)directory;
	}
	return file;
}

struct case_file *case_file_free(struct case_file *file)
{
	for (size_t i = 0; i < file->n_rules; i++)
		free(file->names[i]);
	free(file->evidence.kernel_log);
	free(file->evidence.iomem);
	free(file->evidence.memblock);
	free(file);
	return NULL;
}

/* Every node can be named and walked, and no path leads astray. */
static void check_walk(const struct tree *tree)
{
	for (int node = 0; node >= 0; node = tree_next(tree, node)) {
		int child = tree_first_child(tree, node);
		char *path = tree_path(tree, node);
		size_t len = 0;

		fuzz_assert(path && path[0] == '/');
		fuzz_assert(child < 0 || child == node + 1);
		fuzz_assert(tree_next_sibling(tree, node) != node);
		(void)tree_find(tree, path);
		(void)tree_property(tree, node, "compatible", &len);
		free(path);
	}
}

static void check_words(const struct reserved *reserved)
{
	for (size_t i = 0; i < reserved->n_complaints; i++)
		fuzz_assert_printable(reserved->complaints[i]);
	for (size_t i = 0; i < reserved->n_nodes; i++)
		if (reserved->nodes[i].broken)
			fuzz_assert_printable(reserved->nodes[i].broken);
	if (reserved->doubt)
		fuzz_assert_printable(reserved->doubt);
}

static bool ranges_touch(const struct adoption *a, const struct adoption *b)
{
	return a->base <= b->base + (b->size_bytes - 1) &&
	       b->base <= a->base + (a->size_bytes - 1);
}

static void check_adopted(const struct adoptions *adoptions, size_t i,
			  const struct case_file *file)
{
	const struct adoption *entry = &adoptions->entries[i];
	uint64_t last;

	fuzz_assert(!entry->node->broken);
	fuzz_assert(reserved_node_is_enabled(entry->node));
	fuzz_assert(entry->node->no_map && !entry->node->reusable);
	fuzz_assert(entry->has_base && entry->has_size);
	fuzz_assert(entry->size_bytes > 0);
	fuzz_assert(entry->base % PAGE_BYTES == 0);
	fuzz_assert(entry->size_bytes % PAGE_BYTES == 0);
	fuzz_assert(!__builtin_add_overflow(entry->base, entry->size_bytes - 1,
					    &last));
	fuzz_assert(!entry->rule || entry->rule->kind != ADOPTION_FORBIDDEN);
	fuzz_assert(!file->has_evidence ||
		    evidence_is_system_ram(&file->evidence, entry->base,
					   entry->size_bytes) != 1);
	for (size_t k = 0; k < i && k < MAX_COMPARE; k++)
		fuzz_assert(!adoptions->entries[k].adopted ||
			    !ranges_touch(&adoptions->entries[k], entry));
}

static void check_adoptions(const struct adoptions *adoptions,
			    const struct case_file *file)
{
	size_t index = 0, named = 0;

	for (size_t i = 0; i < adoptions->n_entries; i++) {
		fuzz_assert(adoptions->entries[i].reason);
		fuzz_assert_printable(adoptions->entries[i].reason);
		if (adoptions->entries[i].adopted)
			check_adopted(adoptions, i, file);
	}
	while (adoption_unmatched_rule(adoptions, file->rules, file->n_rules,
				       &index))
		named++;
	fuzz_assert(named <= file->n_rules);
}

void judge_tree(const struct tree *tree, const struct case_file *file)
{
	struct error why = ERROR_INIT;
	struct adoptions *adoptions;
	struct reserved *reserved;

	check_walk(tree);
	if (reserved_read(&reserved, tree, &why) < 0) {
		fuzz_assert(*why.text);
		fuzz_assert_printable(why.text);
		return;
	}
	check_words(reserved);
	fuzz_assert(adoptions_decide(
			    &adoptions, reserved, file->rules, file->n_rules,
			    file->has_evidence ? &file->evidence : NULL) == 0);
	check_adoptions(adoptions, file);
	(void)adoptions_free(adoptions);
	(void)reserved_free(reserved);
}
