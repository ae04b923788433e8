/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "daemon/btree_node.h"

/*
 * The ways through a B+-tree: down to a word, and from one to the next.
 *
 * The nodes above the leaves are few and mostly in a processor's cache; a leaf
 * mostly is not once there are ten thousands of words, and waiting for it takes
 * longer than all that is done with it.  So who is going to change several words,
 * or words of several trees, approaches all of them first: the way down ends
 * above the leaf, which is only asked for, and the leaves arrive together.  Of
 * few nodes none is far away.
 */

#define NEAR_NODES 256 /* a tenth of what a processor has of its own */
#define LINE_BYTES 64  /* of any usual cache */

/* How many of seven words are less than word. */
static inline uint32_t less_of_seven(const uint64_t *words, unsigned int stride,
				     uint64_t word)
{
	return (uint32_t)(words[0] < word) + (words[stride] < word) +
	       (words[2 * stride] < word) + (words[3 * stride] < word) +
	       (words[4 * stride] < word) + (words[5 * stride] < word) +
	       (words[6 * stride] < word);
}

/* How many words of a leaf are less than word: of the first of each line of
 * memory but one, and then in one line.  No comparison waits for another, and
 * no branch can be guessed wrong. */
static inline uint32_t count_less(const union btree_node *leaf, uint64_t word)
{
	const uint64_t *words = leaf->leaf.words;
	uint32_t line = less_of_seven(&words[7], 8, word);

	return 8 * line + less_of_seven(&words[8 * line], 1, word);
}

static_assert(BTREE_LEAF_WORDS == 7 * 8 + 7, "as count_less() counts");

/* The slot of the child that word is below: all but the first count. */
static inline uint32_t child_slot(const union btree_node *node, uint64_t word)
{
	const uint64_t *words = &node->inner.words[1];
	uint32_t block;

	if (word == UINT64_MAX) /* as are the words not in use */
		return node->n - 1;
	word++;
	block = (uint32_t)(words[6] < word) + (words[13] < word) +
		(words[20] < word) + (words[27] < word) + (words[34] < word);
	words += 7 * block;
	return 7 * block + (words[0] < word) + (words[1] < word) +
	       (words[2] < word) + (words[3] < word) + (words[4] < word) +
	       (words[5] < word);
}

static_assert(BTREE_CHILDREN == 1 + 5 * 7 + 6, "as child_slot() counts");

/* Asks for a leaf, line by line, with what it is the most of. */
static inline void expect_leaf(const struct btree_pool *pool, uint32_t id)
{
	const unsigned char *leaf = btree_node(pool, id)->bytes;

#pragma GCC unroll 8
	for (size_t at = 0; at < BTREE_NODE_BYTES; at += LINE_BYTES)
		__builtin_prefetch(leaf + at, 1);
	for (size_t at = BTREE_NODE_BYTES; at < pool->node_bytes;
	     at += LINE_BYTES)
		__builtin_prefetch(leaf + at, 1);
}

void btree_approach(const struct btree *tree, uint64_t word,
		    struct btree_cursor *cursor)
{
	const struct btree_pool *pool = tree->pool;
	uint32_t id = tree->root;

	for (unsigned int level = tree->height; level > 0; level--) {
		const union btree_node *node = btree_node(pool, id);

		cursor->at[level].node = id;
		cursor->at[level].slot = child_slot(node, word);
		id = node->inner.children[cursor->at[level].slot];
	}
	cursor->at[0].node = id;
	cursor->n_moves = tree->n_moves;
	if (pool->n_touched > NEAR_NODES)
		expect_leaf(pool, id);
}

bool btree_arrive(const struct btree *tree, struct btree_cursor *cursor,
		  uint64_t word)
{
	const union btree_node *leaf;

	if (cursor->n_moves != tree->n_moves)
		btree_approach(tree, word, cursor);
	leaf = btree_node(tree->pool, cursor->at[0].node);
	cursor->at[0].slot = count_less(leaf, word);
	return cursor->at[0].slot < leaf->n &&
	       leaf->leaf.words[cursor->at[0].slot] == word;
}

static bool is_at_word(const struct btree *tree,
		       const struct btree_cursor *cursor)
{
	return cursor->at[0].slot <
	       btree_node(tree->pool, cursor->at[0].node)->n;
}

uint64_t btree_word(const struct btree *tree, const struct btree_cursor *cursor)
{
	return btree_node(tree->pool, cursor->at[0].node)
		->leaf.words[cursor->at[0].slot];
}

/* To the first or the last word below what the cursor has at a level. */
static void go_down(const struct btree *tree, struct btree_cursor *cursor,
		    unsigned int level, bool to_last)
{
	while (level > 0) {
		const union btree_node *node =
			btree_node(tree->pool, cursor->at[level].node);
		uint32_t id = node->inner.children[cursor->at[level].slot];

		level--;
		cursor->at[level].node = id;
		cursor->at[level].slot =
			to_last ? btree_node(tree->pool, id)->n - 1 : 0;
	}
}

/* To the first word of the leaf behind; false at the end, where it stays. */
static bool next_leaf(const struct btree *tree, struct btree_cursor *cursor)
{
	for (unsigned int level = 1; level <= tree->height; level++)
		if (cursor->at[level].slot + 1 <
		    btree_node(tree->pool, cursor->at[level].node)->n) {
			cursor->at[level].slot++;
			go_down(tree, cursor, level, false);
			return true;
		}
	return false;
}

bool btree_seek(const struct btree *tree, uint64_t word,
		struct btree_cursor *cursor)
{
	btree_approach(tree, word, cursor);
	(void)btree_arrive(tree, cursor, word);
	return is_at_word(tree, cursor) || next_leaf(tree, cursor);
}

bool btree_last(const struct btree *tree, struct btree_cursor *cursor)
{
	uint32_t n = btree_node(tree->pool, tree->root)->n;

	if (n == 0)
		return false;
	cursor->at[tree->height].node = tree->root;
	cursor->at[tree->height].slot = n - 1;
	go_down(tree, cursor, tree->height, true);
	return true;
}

bool btree_next(const struct btree *tree, struct btree_cursor *cursor)
{
	cursor->at[0].slot++;
	return is_at_word(tree, cursor) || next_leaf(tree, cursor);
}

unsigned int btree_copy(const struct btree *tree, struct btree_cursor *cursor,
			uint64_t *words, unsigned int n)
{
	unsigned int n_copied = 0;

	do {
		const union btree_node *leaf =
			btree_node(tree->pool, cursor->at[0].node);
		uint32_t part = leaf->n - cursor->at[0].slot;

		if (part > n - n_copied)
			part = n - n_copied;
		memcpy(&words[n_copied],
		       &leaf->leaf.words[cursor->at[0].slot],
		       part * sizeof(*words));
		n_copied += part;
	} while (n_copied < n && next_leaf(tree, cursor));
	return n_copied;
}

bool btree_previous(const struct btree *tree, struct btree_cursor *cursor)
{
	for (unsigned int level = 0; level <= tree->height; level++)
		if (cursor->at[level].slot > 0) {
			cursor->at[level].slot--;
			go_down(tree, cursor, level, true);
			return true;
		}
	return false;
}

