/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/btree_node.h"

/*
 * Maxima of what is below each node of a B+-tree, and the search by them.
 *
 * A word that comes raises those on its way and is done.  One that goes is
 * mostly no maximum of its leaf, and nothing changes.  Where it is, the leaf's
 * are found anew among its words, four measures at once; then that of the node
 * above among its children, but only for the measures that it made the maximum
 * there as well: at most one node of each level is looked through.
 *
 * A leaf without a node above has none: most trees are no more than that, and a
 * leaf is looked through as fast.  It gets them when it is split.
 */

/* A lone leaf is looked through anyway. */
static bool keeps_maxima(const struct btree *tree)
{
	return tree->n_measures > 0 && tree->height > 0;
}

/* Four measures that are worked on at once. */
typedef uint32_t lanes __attribute__((vector_size(16), may_alias));

#define N_LANES(measures) (((measures) + 3) / 4)

/* Raises the rooms at all levels; what is in the lanes behind them is of no
 * meaning. */
static inline void raise_rooms(lanes *maxima, unsigned int n_lanes,
			       uint32_t lead, uint32_t last)
{
	const lanes leads = {lead, lead, lead, lead};
	const lanes lasts = {last, last, last, last};
	lanes powers = {1, 2, 4, 8}; /* 0 from 2^32 on: then all of the lead */

	for (unsigned int i = 0; i < n_lanes; i++) {
		lanes rooms = lasts - (leads & (powers - 1));
		lanes more = (lanes)(rooms > maxima[i]);

		maxima[i] = (rooms & more) | (maxima[i] & ~more);
		powers *= 16;
	}
}

/* The maxima of the words of a leaf but the one in a slot. */
static void measure_leaf(const struct btree *tree, const union btree_node *leaf,
			 uint32_t slot, uint32_t *maxima)
{
	const struct reach reach = tree->pool->reach;
	unsigned int n = tree->n_measures;
	lanes rooms[N_LANES(BTREE_MEASURES)] = {{0}};
	uint32_t lead = 0;

	for (uint32_t i = 0; i < leaf->n; i++) {
		uint64_t word = leaf->leaf.words[i];
		uint32_t own = reach_measure(&reach, word, n - 1, n);

		if (i == slot)
			continue;
		raise_rooms(rooms, N_LANES(n - 1),
			    reach_lead_at(&reach, word, 63),
			    (uint32_t)(reach_length(&reach, word) - 1));
		lead = own > lead ? own : lead;
	}
	memcpy(maxima, rooms, (n - 1) * sizeof(*maxima));
	maxima[n - 1] = lead;
}

void btree_maxima_find(const struct btree *tree, unsigned int level,
		       uint32_t id)
{
	const union btree_node *node = btree_node(tree->pool, id);
	uint32_t *maxima = btree_maxima(tree->pool, id);
	unsigned int n = tree->n_measures;

	if (n == 0)
		return;
	if (level == 0) {
		measure_leaf(tree, node, node->n, maxima);
		return;
	}
	memset(maxima, 0, n * sizeof(*maxima));
	for (uint32_t i = 0; i < node->n; i++)
		btree_maxima_join(tree, id, node->inner.children[i]);
}

void btree_maxima_join(const struct btree *tree, uint32_t id, uint32_t other)
{
	uint32_t *maxima = btree_maxima(tree->pool, id);
	const uint32_t *others = btree_maxima(tree->pool, other);

	for (unsigned int m = 0; m < tree->n_measures; m++)
		maxima[m] = others[m] > maxima[m] ? others[m] : maxima[m];
}

/* All measures of a word. */
static void measure(const struct btree *tree, uint64_t word, uint32_t *values)
{
	const struct reach reach = tree->pool->reach;

	for (unsigned int m = 0; m < tree->n_measures; m++)
		values[m] = reach_measure(&reach, word, m, tree->n_measures);
}

void btree_maxima_raise(const struct btree *tree,
			const struct btree_cursor *cursor, uint64_t word)
{
	uint32_t values[BTREE_MEASURES], raised = 1;

	if (!keeps_maxima(tree))
		return;
	measure(tree, word, values);
	for (unsigned int level = 0; level <= tree->height && raised; level++) {
		uint32_t *maxima =
			btree_maxima(tree->pool, cursor->at[level].node);

		raised = 0;
		for (unsigned int m = 0; m < tree->n_measures; m++) {
			uint32_t more = values[m] > maxima[m];

			raised |= more;
			maxima[m] = more ? values[m] : maxima[m];
		}
	}
}

/* The maximum of a node's children, which is at most `most`. */
static uint32_t maximum_of_children(const struct btree *tree,
				    const union btree_node *node,
				    unsigned int number, uint32_t most)
{
	uint32_t maximum = 0;

	for (uint32_t i = 0; i < node->n && maximum < most; i++) {
		uint32_t value = btree_maxima(tree->pool,
					      node->inner.children[i])[number];

		maximum = value > maximum ? value : maximum;
	}
	return maximum;
}

/* Lowers the maxima of the cursor's leaf for its word to go.  Those that change
 * are noted down by their numbers; how many there are. */
static unsigned int lower_leaf(const struct btree *tree,
			       const struct btree_cursor *cursor,
			       const uint32_t *values, uint8_t *changed)
{
	uint32_t id = cursor->at[0].node;
	uint32_t *maxima = btree_maxima(tree->pool, id);
	uint32_t rest[BTREE_MEASURES], touched = 0;
	unsigned int n_changed = 0;

	for (unsigned int m = 0; m < tree->n_measures; m++)
		touched |= maxima[m] == values[m];
	if (!touched)
		return 0;
	measure_leaf(tree, btree_node(tree->pool, id), cursor->at[0].slot,
		     rest);
	for (unsigned int m = 0; m < tree->n_measures; m++)
		if (maxima[m] != rest[m]) {
			maxima[m] = rest[m];
			changed[n_changed++] = (uint8_t)m;
		}
	return n_changed;
}

void btree_maxima_lower(const struct btree *tree,
			const struct btree_cursor *cursor)
{
	uint32_t values[BTREE_MEASURES];
	uint8_t left[BTREE_MEASURES]; /* measures to look at */
	unsigned int n_left, n;

	if (!keeps_maxima(tree))
		return;
	measure(tree, btree_word(tree, cursor), values);
	n_left = lower_leaf(tree, cursor, values, left);
	for (unsigned int level = 1; level <= tree->height && n_left; level++) {
		uint32_t id = cursor->at[level].node;
		uint32_t *maxima = btree_maxima(tree->pool, id);

		n = n_left;
		n_left = 0;
		for (unsigned int i = 0; i < n; i++) {
			unsigned int m = left[i];

			if (maxima[m] != values[m])
				continue;
			maxima[m] = maximum_of_children(
				tree, btree_node(tree->pool, id), m, values[m]);
			if (maxima[m] != values[m])
				left[n_left++] = (uint8_t)m;
		}
	}
}

struct search {
	const struct btree *tree;
	uint64_t from;
	unsigned int measure;
	uint32_t least;
};

static bool first_in_leaf(const struct search *search,
			  const union btree_node *leaf, uint64_t *wordp)
{
	for (uint32_t i = 0; i < leaf->n; i++) {
		uint64_t word = leaf->leaf.words[i];

		if (word >= search->from &&
		    reach_measure(&search->tree->pool->reach, word,
				  search->measure, search->tree->n_measures) >=
			    search->least) {
			*wordp = word;
			return true;
		}
	}
	return false;
}

/* Only the child that from is below can promise more than it has from there
 * on, so the way down is lost at most once. */
static bool first_below(const struct search *search, unsigned int level,
			uint32_t id, uint64_t *wordp)
{
	const struct btree_pool *pool = search->tree->pool;
	const union btree_node *node = btree_node(pool, id);

	if (level == 0)
		return first_in_leaf(search, node, wordp);
	for (uint32_t i = 0; i < node->n; i++) {
		uint32_t child = node->inner.children[i];

		if (i + 1 < node->n && node->inner.words[i + 1] <= search->from)
			continue;
		if (btree_maxima(pool, child)[search->measure] >=
			    search->least &&
		    first_below(search, level - 1, child, wordp))
			return true;
	}
	return false;
}

bool btree_first(const struct btree *tree, uint64_t from, unsigned int measure,
		 uint32_t least, uint64_t *wordp)
{
	const struct search search = {tree, from, measure, least};

	if (tree->height > 0 &&
	    btree_maxima(tree->pool, tree->root)[measure] < least)
		return false;
	return first_below(&search, tree->height, tree->root, wordp);
}
