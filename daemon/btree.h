/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BTREE_H
#define DAEMON_BTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An ordered set of 64-bit words.  Trees take their nodes from a pool that
 * several may share; its address space is set aside when it is made, so that
 * inserting never fails for want of memory.
 *
 * A tree can keep maxima: its words are free runs then (see reach.h), each with a
 * multiple of 2^(n_measures - 2) in it, and the first that measures up to
 * something is found in O(log n).
 */

#define BTREE_HEIGHT_MAX 16

struct btree_pool;
struct reach;

struct btree {
	struct btree_pool *pool; /* borrowed */
	uint32_t root;
	unsigned int height;	 /* levels above the leaves */
	unsigned int n_measures; /* 0: no maxima */
	uint32_t n_moves;	 /* how often words came to other nodes */
};

/* A place in a tree.  Inserting and removing make it invalid. */
struct btree_cursor {
	struct {
		uint32_t node;
		uint32_t slot;
	} at[BTREE_HEIGHT_MAX]; /* [0] is in a leaf */
	uint32_t n_moves;	/* of the tree when it was approached */
};

/* Room for n_trees trees with max_words words together, of up to n_measures
 * measures.  -ENOMEM. */
int btree_pool_new(struct btree_pool **poolp, uint64_t max_words,
		   unsigned int n_trees, unsigned int n_measures,
		   const struct reach *reach);
struct btree_pool *btree_pool_free(struct btree_pool *pool);

/* An empty tree; it is gone with its pool.  More trees than the pool was made
 * for abort, as do more words. */
void btree_init(struct btree *tree, struct btree_pool *pool,
		unsigned int n_measures);

/* Aborts where the word is there, or is not. */
void btree_insert(struct btree *tree, uint64_t word);
void btree_remove(struct btree *tree, uint64_t word);

/* The same in two steps: first the way to the word's leaf, whose memory is
 * asked for and not waited for; whatever is inserted and removed until then,
 * the second step finds it. */
void btree_approach(const struct btree *tree, uint64_t word,
		    struct btree_cursor *cursor);
void btree_insert_there(struct btree *tree, struct btree_cursor *cursor,
			uint64_t word);
void btree_remove_there(struct btree *tree, struct btree_cursor *cursor,
			uint64_t word);

/* To the word that was approached; false where it is not there. */
bool btree_arrive(const struct btree *tree, struct btree_cursor *cursor,
		  uint64_t word);

/* The word at the cursor goes. */
void btree_remove_at(struct btree *tree, struct btree_cursor *cursor);

/* The word at the cursor becomes another of the same rank.  The tree keeps no
 * maxima; the cursor stays valid. */
void btree_replace_at(struct btree *tree, struct btree_cursor *cursor,
		      uint64_t word);

/* To the first word that is not less, the last word, the next, the one before.
 * False where there is none; the cursor is of no use then, but that from behind
 * the last word btree_previous() leads to it. */
bool btree_seek(const struct btree *tree, uint64_t word,
		struct btree_cursor *cursor);
bool btree_last(const struct btree *tree, struct btree_cursor *cursor);
bool btree_next(const struct btree *tree, struct btree_cursor *cursor);
bool btree_previous(const struct btree *tree, struct btree_cursor *cursor);
uint64_t btree_word(const struct btree *tree,
		    const struct btree_cursor *cursor);

/* The words from the cursor on, at most n; returns how many.  The cursor is of
 * no use afterwards. */
unsigned int btree_copy(const struct btree *tree, struct btree_cursor *cursor,
			uint64_t *words, unsigned int n);

/* The first word not less than from of which this measure is at least so much;
 * false where there is none. */
bool btree_first(const struct btree *tree, uint64_t from, unsigned int measure,
		 uint32_t least, uint64_t *wordp);

/* Counts the words.  Aborts where nodes are out of order, too empty, or wrong
 * in their maxima; visits all of them. */
size_t btree_verify(const struct btree *tree);

#endif
