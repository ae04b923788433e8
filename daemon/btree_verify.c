/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "daemon/btree_node.h"
#include "util/broken.h"

/*
 * Everything that btree.c says of its trees, looked at in full.
 */

/* What the words of a node must lie between, and what they add up to. */
struct audit {
	const struct btree *tree;
	uint64_t next; /* no word of the nodes to come is less */
	size_t n_words;
};

static void audit_maxima(const struct btree *tree, unsigned int level,
			 uint32_t id)
{
	const uint32_t *maxima = btree_maxima(tree->pool, id);
	uint32_t noted[BTREE_MEASURES];

	if (tree->height == 0)
		return;
	for (unsigned int m = 0; m < tree->n_measures; m++)
		noted[m] = maxima[m];
	btree_maxima_find(tree, level, id);
	for (unsigned int m = 0; m < tree->n_measures; m++)
		if (noted[m] != maxima[m])
			broken("measure %u is at most %" PRIu32
			       " below a node, not %" PRIu32,
			       m, maxima[m], noted[m]);
}

static void audit_word(struct audit *audit, uint64_t word)
{
	if (word < audit->next)
		broken("0x%" PRIx64 " is out of order in its tree", word);
	audit->next = word + 1;
	audit->n_words++;
}

/* No word below the child of a slot may reach the separator behind it. */
static void audit_separator(const struct audit *audit,
			    const union btree_node *node, uint32_t slot)
{
	if (slot > 0 && node->inner.words[slot] < audit->next)
		broken("0x%" PRIx64 " does not separate two nodes",
		       node->inner.words[slot]);
}

static void audit_node(struct audit *audit, unsigned int level, uint32_t id)
{
	const struct btree *tree = audit->tree;
	union btree_node *node = btree_node(tree->pool, id);

	if (node->n > btree_capacity(level) ||
	    (level < tree->height && node->n < btree_capacity(level) / 2) ||
	    (level == tree->height && level > 0 && node->n < 2))
		broken("a node of level %u has %" PRIu32 " slots in use", level,
		       node->n);
	for (uint32_t i = node->n; i < btree_capacity(level); i++)
		if (btree_words(node, level)[i] != UINT64_MAX)
			broken("a word not in use is in the way");
	for (uint32_t i = 0; i < node->n; i++)
		if (level == 0) {
			audit_word(audit, node->leaf.words[i]);
		} else {
			audit_separator(audit, node, i);
			if (i > 0)
				audit->next = node->inner.words[i];
			audit_node(audit, level - 1, node->inner.children[i]);
		}
	audit_maxima(tree, level, id);
}

size_t btree_verify(const struct btree *tree)
{
	struct audit audit = {.tree = tree};

	audit_node(&audit, tree->height, tree->root);
	return audit.n_words;
}
