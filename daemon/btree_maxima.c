/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "daemon/btree_node.h"

/*
 * Maxima of what is below each node of a B+-tree, and the search by them.
 *
 * A word that comes raises those on its way and is done.  One that goes is
 * mostly no maximum of its leaf, and nothing changes.  Where it is, the leaf's
 * are found anew among its words; then those of the node above among its
 * children, but only where it made the maximum there as well: at most one node
 * of each level is looked through.  All of it goes by lanes, four measures that
 * are worked on at once.
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
typedef uint32_t lane __attribute__((vector_size(16), may_alias));
typedef int32_t signed_lane __attribute__((vector_size(16), may_alias));

#define LANE	      4
#define N_LANES(n)    (((n) + LANE - 1) / LANE)
#define MOST_LANES    N_LANES(BTREE_MEASURES)
#define SIGN	      0x80000000u
#define EVERY(number) ((lane){(number), (number), (number), (number)})

/* What a multiple of 2^level leaves of a lead at most: all from level 32 on. */
#define BELOW(power) ((uint32_t)(power) - 1)
#define FROM(level)                                                     \
	{BELOW(1u << (level)), BELOW(2u << (level)), BELOW(4u << (level)), \
	 BELOW(8u << (level))}
#define ALL {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}

static const lane masks[MOST_LANES] = {
	FROM(0), FROM(4), FROM(8), FROM(12), FROM(16), FROM(20), FROM(24),
	FROM(28), ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL,
};

static_assert(MOST_LANES == 17, "there is a mask for every level");

static lane *lanes_of(const struct btree *tree, uint32_t id)
{
	return (lane *)(void *)btree_maxima(tree->pool, id);
}

static inline lane greater(lane a, lane b)
{
	lane is_more = (lane)(a > b);

	return (a & is_more) | (b & ~is_more);
}

static inline bool is_any(lane flags)
{
	return flags[0] | flags[1] | flags[2] | flags[3];
}

static inline bool differ(lane a, lane b)
{
	return is_any((lane)(a != b));
}

/* Whether a word has made any of these maxima what it is.  What is 0 stays so
 * when it goes, and so does all behind the last measure. */
static inline bool is_reached(lane maxima, lane values)
{
	return is_any((lane)(maxima == values) & values);
}

/* The last of all measures and, in the lane behind it, nothing. */
static void put_lead(const struct btree *tree, uint32_t lead, lane *values)
{
	uint32_t at = tree->n_measures - 1;

	values[at / LANE][at % LANE] = lead;
	while (++at % LANE)
		values[at / LANE][at % LANE] = 0;
}

/* All measures of a word. */
static void measure(const struct btree *tree, uint64_t word, lane *values)
{
	const struct reach reach = tree->pool->reach;
	unsigned int n = tree->n_measures;
	lane lasts = EVERY((uint32_t)(reach_length(&reach, word) - 1));
	lane leads = EVERY(reach_lead_at(&reach, word, 63));

	for (unsigned int i = 0; i < N_LANES(n); i++)
		values[i] = lasts - (leads & masks[i]);
	put_lead(tree, reach_lead_at(&reach, word, n - 2), values);
}

/* Runs taken apart, all of one class. */
struct parts {
	uint32_t n;
	uint32_t leads[BTREE_LEAF_WORDS]; /* up to a multiple of 2^63 */
	uint32_t lasts[BTREE_LEAF_WORDS];
	uint32_t most_lead;	 /* before the multiple of the class */
	uint32_t most_last_room; /* and the most room behind one */
};

/* The words of a leaf but the one in a slot. */
static void take_apart(const struct btree *tree, const union btree_node *leaf,
		       uint32_t slot, struct parts *parts)
{
	const struct reach reach = tree->pool->reach;
	const uint32_t mask = reach_mask(tree->n_measures - 2);
	uint32_t n = 0, most_lead = 0, most_room = 0;

	for (uint32_t i = 0; i < leaf->n; i++) {
		uint64_t word = leaf->leaf.words[i];
		uint32_t lead, room;

		parts->leads[n] = reach_lead_at(&reach, word, 63);
		parts->lasts[n] = (uint32_t)(reach_length(&reach, word) - 1);
		lead = parts->leads[n] & mask;
		room = parts->lasts[n] - lead;
		if (i == slot)
			continue;
		most_lead = lead > most_lead ? lead : most_lead;
		most_room = room > most_room ? room : most_room;
		n++;
	}
	parts->n = n;
	parts->most_lead = most_lead;
	parts->most_last_room = most_room;
}

/* Leaves those that may have the most room at some level.  The higher the level,
 * the less room has a run; so none that is shorter than the most room at the
 * last level has the most at any.  It is a few that are left. */
static void drop_short(struct parts *parts)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < parts->n; i++) {
		uint32_t last = parts->lasts[i];

		parts->leads[n] = parts->leads[i];
		parts->lasts[n] = last;
		n += last >= parts->most_last_room;
	}
	parts->n = n;
}

/* The most room among runs.  Compared as signed numbers, half of all lower:
 * not every processor compares unsigned ones at once. */
static lane most_room(const struct parts *parts, lane mask)
{
	signed_lane most = (signed_lane)EVERY(SIGN);

	for (uint32_t i = 0; i < parts->n; i++) {
		signed_lane room =
			(signed_lane)(EVERY(parts->lasts[i]) + SIGN -
				      (EVERY(parts->leads[i]) & mask));
		signed_lane is_more = room > most;

		most = (room & is_more) | (most & ~is_more);
	}
	return (lane)most + SIGN;
}

/* The maxima of the words of a leaf but the one in a slot; those lanes only
 * that have their bit set. */
static void measure_leaf(const struct btree *tree, const union btree_node *leaf,
			 uint32_t slot, uint32_t lanes, lane *maxima)
{
	unsigned int last = N_LANES(tree->n_measures) - 1;
	struct parts parts;

	take_apart(tree, leaf, slot, &parts);
	drop_short(&parts);
	for (unsigned int i = 0; i <= last; i++)
		if (lanes & 1u << i)
			maxima[i] = most_room(&parts, masks[i]);
	if (lanes & 1u << last)
		put_lead(tree, parts.most_lead, maxima);
}

void btree_maxima_find(const struct btree *tree, unsigned int level,
		       uint32_t id)
{
	const union btree_node *node = btree_node(tree->pool, id);
	lane *maxima = lanes_of(tree, id);

	if (tree->n_measures == 0)
		return;
	if (level == 0) {
		measure_leaf(tree, node, node->n, UINT32_MAX, maxima);
		return;
	}
	memset(maxima, 0, N_LANES(tree->n_measures) * sizeof(*maxima));
	for (uint32_t i = 0; i < node->n; i++)
		btree_maxima_join(tree, id, node->inner.children[i]);
}

void btree_maxima_join(const struct btree *tree, uint32_t id, uint32_t other)
{
	lane *maxima = lanes_of(tree, id);
	const lane *others = lanes_of(tree, other);

	for (unsigned int i = 0; i < N_LANES(tree->n_measures); i++)
		maxima[i] = greater(others[i], maxima[i]);
}

void btree_maxima_raise(const struct btree *tree,
			const struct btree_cursor *cursor, uint64_t word)
{
	unsigned int n_lanes = N_LANES(tree->n_measures);
	lane values[MOST_LANES], raised = EVERY(1);

	if (!keeps_maxima(tree))
		return;
	measure(tree, word, values);
	for (unsigned int level = 0; level <= tree->height && is_any(raised);
	     level++) {
		lane *maxima = lanes_of(tree, cursor->at[level].node);

		raised = EVERY(0);
		for (unsigned int i = 0; i < n_lanes; i++) {
			raised |= (lane)(values[i] > maxima[i]);
			maxima[i] = greater(values[i], maxima[i]);
		}
	}
}

/* Lowers those lanes of the cursor's leaf that its word, which is to go, made
 * what they are; the bits of those that change. */
static uint32_t lower_leaf(const struct btree *tree,
			   const struct btree_cursor *cursor,
			   const lane *values)
{
	const union btree_node *leaf =
		btree_node(tree->pool, cursor->at[0].node);
	lane *maxima = lanes_of(tree, cursor->at[0].node), rest[MOST_LANES];
	unsigned int n_lanes = N_LANES(tree->n_measures);
	uint32_t touched = 0, changed = 0;

	for (unsigned int i = 0; i < n_lanes; i++)
		if (is_reached(maxima[i], values[i]))
			touched |= 1u << i;
	if (!touched)
		return 0;
	measure_leaf(tree, leaf, cursor->at[0].slot, touched, rest);
	for (unsigned int i = 0; i < n_lanes; i++)
		if (touched & 1u << i && differ(maxima[i], rest[i])) {
			maxima[i] = rest[i];
			changed |= 1u << i;
		}
	return changed;
}

/* The maxima of a node's children. */
static lane most_of_children(const struct btree *tree, uint32_t id,
			     unsigned int i)
{
	const union btree_node *node = btree_node(tree->pool, id);
	lane most = EVERY(0);

	for (uint32_t k = 0; k < node->n; k++)
		most = greater(lanes_of(tree, node->inner.children[k])[i],
			       most);
	return most;
}

/* The same for a node above, of those lanes that have changed below it. */
static uint32_t lower_node(const struct btree *tree, uint32_t id,
			   uint32_t lanes, const lane *values)
{
	lane *maxima = lanes_of(tree, id), most;
	uint32_t changed = 0;

	for (; lanes; lanes &= lanes - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(lanes);

		if (!is_reached(maxima[i], values[i]))
			continue;
		most = most_of_children(tree, id, i);
		if (differ(maxima[i], most)) {
			maxima[i] = most;
			changed |= 1u << i;
		}
	}
	return changed;
}

void btree_maxima_lower(const struct btree *tree,
			const struct btree_cursor *cursor)
{
	lane values[MOST_LANES];
	uint32_t changed;

	if (!keeps_maxima(tree))
		return;
	measure(tree, btree_word(tree, cursor), values);
	changed = lower_leaf(tree, cursor, values);
	for (unsigned int level = 1; level <= tree->height && changed; level++)
		changed = lower_node(tree, cursor->at[level].node, changed,
				     values);
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
