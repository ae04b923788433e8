/* SPDX-License-Identifier: MIT */
#include "daemon/btree.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/btree_node.h"
#include "util/broken.h"

/*
 * A B+-tree: words are in the leaves, some sixty of them packed into each, and
 * inner nodes lead to them.  With a hundred thousand words a search visits
 * three nodes, of which the first two stay in a processor's cache; a binary
 * tree would wait for memory a dozen times.
 *
 * An inner node has for each child a word that is not greater than any below
 * it and greater than any below the child before.  It may be less than the
 * first word below: when words go it stays.  That of the first child of a node
 * is not compared with; the node above has the right one.  Words of a node that
 * are not in use are the greatest there is, so that all can be compared.
 *
 * Every node but the root is at least half full.  One that is full splits; one
 * that falls below half joins a sibling where both fit into one node, or else
 * they share evenly.
 *
 * Whatever makes another node the place of a word, or a separator another, is
 * counted; a cursor that led to a leaf before that is led there anew.
 *
 * Maxima of a node are of all words below it.  A word that comes raises them
 * on its way; where one goes that was a maximum, they are found anew, level by
 * level, up to where another had made it anyway.
 */

static uint64_t *separators_at(const struct btree *tree,
			       const struct btree_cursor *cursor,
			       unsigned int level)
{
	return btree_node(tree->pool, cursor->at[level].node)->inner.words;
}

/* The one behind the leaf may be less than what its last word becomes. */
static void raise_separator(struct btree *tree,
			    const struct btree_cursor *cursor, uint64_t word)
{
	unsigned int level = 0;

	while (level <= tree->height &&
	       cursor->at[level].slot + 1 ==
		       btree_node(tree->pool, cursor->at[level].node)->n)
		level++;
	if (level > 0 && level <= tree->height) {
		uint64_t *separator = &separators_at(
			tree, cursor, level)[cursor->at[level].slot + 1];

		if (*separator <= word) {
			*separator = word + 1;
			tree->n_moves++;
		}
	}
}

void btree_replace_at(struct btree *tree, struct btree_cursor *cursor,
		      uint64_t word)
{
	btree_node(tree->pool, cursor->at[0].node)
		->leaf.words[cursor->at[0].slot] = word;
	raise_separator(tree, cursor, word);
	/* Those that lead here must not be greater. */
	for (unsigned int level = 1;
	     level <= tree->height && cursor->at[level - 1].slot == 0;
	     level++) {
		uint64_t *separator = &separators_at(
			tree, cursor, level)[cursor->at[level].slot];

		if (*separator > word) {
			*separator = word;
			tree->n_moves++;
		}
	}
}

/* ---- inserting ---------------------------------------------------------- */

/* Makes room for one at a slot of a node that is not full. */
static void open_slot(union btree_node *node, unsigned int level, uint32_t slot)
{
	uint32_t n = node->n - slot;
	uint64_t *words = btree_words(node, level);

	memmove(&words[slot + 1], &words[slot], n * sizeof(*words));
	if (level > 0)
		memmove(&node->inner.children[slot + 1],
			&node->inner.children[slot],
			n * sizeof(*node->inner.children));
	node->n++;
}

static void close_slot(union btree_node *node, unsigned int level, uint32_t slot)
{
	uint32_t n = --node->n - slot;
	uint64_t *words = btree_words(node, level);

	memmove(&words[slot], &words[slot + 1], n * sizeof(*words));
	if (level > 0)
		memmove(&node->inner.children[slot],
			&node->inner.children[slot + 1],
			n * sizeof(*node->inner.children));
	btree_words_clear(&words[node->n], 1);
}

/* Moves n from the start of one node to the end of another, its left sibling;
 * or, where n is negative, the other way. */
static void shift(union btree_node *left, union btree_node *right,
		  unsigned int level, int n)
{
	uint64_t *to = btree_words(left, level);
	uint64_t *from = btree_words(right, level);
	uint32_t *children = left->inner.children;
	uint32_t *others = right->inner.children;
	uint32_t count = (uint32_t)(n < 0 ? -n : n), rest;

	if (n < 0) {
		left->n -= count;
		memmove(&from[count], from, right->n * sizeof(*from));
		memcpy(from, &to[left->n], count * sizeof(*from));
		if (level > 0) {
			memmove(&others[count], others,
				right->n * sizeof(*others));
			memcpy(others, &children[left->n],
			       count * sizeof(*others));
		}
		btree_words_clear(&to[left->n], count);
		right->n += count;
		return;
	}
	right->n -= count;
	rest = right->n;
	memcpy(&to[left->n], from, count * sizeof(*to));
	memmove(from, &from[count], rest * sizeof(*from));
	if (level > 0) {
		memcpy(&children[left->n], others, count * sizeof(*others));
		memmove(others, &others[count], rest * sizeof(*others));
	}
	btree_words_clear(&from[rest], count);
	left->n += count;
}

/* Puts a new node above a root that was split. */
static void grow(struct btree *tree, struct btree_cursor *cursor)
{
	uint32_t id = btree_node_take(tree->pool);
	union btree_node *root = btree_node(tree->pool, id);

	root->n = 1;
	root->inner.words[0] = 0;
	root->inner.children[0] = tree->root;
	tree->root = id;
	tree->height++;
	if (tree->height >= BTREE_HEIGHT_MAX)
		broken("a tree of more than %d levels", BTREE_HEIGHT_MAX);
	cursor->at[tree->height].node = id;
	cursor->at[tree->height].slot = 0;
}

/* Puts a word, and at an inner level a child, where the cursor is. */
static void insert_at(struct btree *tree, struct btree_cursor *cursor,
		      unsigned int level, uint64_t word, uint32_t child)
{
	uint32_t id = cursor->at[level].node, slot = cursor->at[level].slot;
	union btree_node *node = btree_node(tree->pool, id), *right, *into;
	uint32_t right_id = 0;
	bool is_root;

	into = node;
	if (node->n == btree_capacity(level)) {
		tree->n_moves++;
		right_id = btree_node_take(tree->pool);
		right = btree_node(tree->pool, right_id);
		right->n = 0;
		shift(node, right, level, -(int)(node->n / 2));
		if (slot > node->n) {
			into = right;
			slot -= node->n;
		}
	}
	open_slot(into, level, slot);
	btree_words(into, level)[slot] = word;
	if (level > 0)
		into->inner.children[slot] = child;
	if (!right_id)
		return;
	btree_maxima_find(tree, level, id);
	btree_maxima_find(tree, level, right_id);
	is_root = level == tree->height;
	if (is_root)
		grow(tree, cursor);
	cursor->at[level + 1].slot++;
	insert_at(tree, cursor, level + 1, btree_words(right, level)[0],
		  right_id);
	if (is_root)
		btree_maxima_find(tree, tree->height, tree->root);
}

void btree_insert(struct btree *tree, uint64_t word)
{
	struct btree_cursor cursor;

	btree_approach(tree, word, &cursor);
	btree_insert_there(tree, &cursor, word);
}

void btree_insert_there(struct btree *tree, struct btree_cursor *cursor,
			uint64_t word)
{
	if (btree_arrive(tree, cursor, word))
		broken("0x%" PRIx64 " is in the tree already", word);
	btree_maxima_raise(tree, cursor, word);
	insert_at(tree, cursor, 0, word, 0);
}

/* ---- removing ----------------------------------------------------------- */

/* The root of a tree is not left with a single child. */
static void shrink(struct btree *tree)
{
	union btree_node *root = btree_node(tree->pool, tree->root);
	uint32_t id = tree->root;

	if (tree->height == 0 || root->n > 1)
		return;
	tree->n_moves++;
	tree->root = root->inner.children[0];
	tree->height--;
	btree_node_give(tree->pool, id);
}

static void remove_slot(struct btree *tree, struct btree_cursor *cursor,
			unsigned int level)
{
	uint32_t id = cursor->at[level].node, left_id, right_id, slot;
	union btree_node *node = btree_node(tree->pool, id), *above, *left,
			 *right;

	close_slot(node, level, cursor->at[level].slot);
	if (level == tree->height) {
		shrink(tree);
		return;
	}
	if (node->n >= btree_capacity(level) / 2)
		return;
	tree->n_moves++;
	above = btree_node(tree->pool, cursor->at[level + 1].node);
	slot = cursor->at[level + 1].slot;
	slot += slot == 0; /* of the right one of two siblings */
	left_id = above->inner.children[slot - 1];
	right_id = above->inner.children[slot];
	left = btree_node(tree->pool, left_id);
	right = btree_node(tree->pool, right_id);
	if (level > 0) /* it is to be compared with now */
		right->inner.words[0] = above->inner.words[slot];
	if (left->n + right->n <= btree_capacity(level)) {
		shift(left, right, level, (int)right->n);
		btree_maxima_join(tree, left_id, right_id);
		btree_node_give(tree->pool, right_id);
		cursor->at[level + 1].slot = slot;
		remove_slot(tree, cursor, level + 1);
		return;
	}
	shift(left, right, level, ((int)right->n - (int)left->n) / 2);
	above->inner.words[slot] = btree_words(right, level)[0];
	btree_maxima_find(tree, level, left_id);
	btree_maxima_find(tree, level, right_id);
}

void btree_remove_at(struct btree *tree, struct btree_cursor *cursor)
{
	btree_maxima_lower(tree, cursor);
	remove_slot(tree, cursor, 0);
}

void btree_remove(struct btree *tree, uint64_t word)
{
	struct btree_cursor cursor;

	btree_approach(tree, word, &cursor);
	btree_remove_there(tree, &cursor, word);
}

void btree_remove_there(struct btree *tree, struct btree_cursor *cursor,
			uint64_t word)
{
	if (!btree_arrive(tree, cursor, word))
		broken("0x%" PRIx64 " is not in the tree", word);
	btree_remove_at(tree, cursor);
}
