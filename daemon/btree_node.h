/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BTREE_NODE_H
#define DAEMON_BTREE_NODE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/btree.h"
#include "daemon/reach.h"

/*
 * The inside of B+-trees, for btree*.c alone: nodes, the pool that they come
 * from, and their maxima.
 */

#define BTREE_NODE_BYTES 512
#define BTREE_LEAF_WORDS ((BTREE_NODE_BYTES - 8) / 8)
#define BTREE_CHILDREN	 ((BTREE_NODE_BYTES - 8) / 12)
#define BTREE_MEASURES	 REACH_N(63)

union btree_node {
	uint32_t n; /* words, or children */
	struct {
		uint64_t n;
		uint64_t words[BTREE_LEAF_WORDS];
	} leaf;
	struct {
		uint64_t n;
		uint64_t words[BTREE_CHILDREN]; /* see btree.c */
		uint32_t children[BTREE_CHILDREN];
	} inner;
	struct {
		uint64_t n;
		uint32_t next; /* in the list of those given up; 0: none */
	} unused;
	unsigned char bytes[BTREE_NODE_BYTES];
};

struct btree_pool {
	unsigned char *nodes; /* of node_bytes each; mapped, not touched */
	size_t node_bytes;    /* with maxima behind */
	size_t max_nodes;
	uint32_t n_touched; /* from here on none was ever used; 0 never is */
	uint32_t unused;
	struct reach reach;
};

static inline union btree_node *btree_node(const struct btree_pool *pool,
					   uint32_t id)
{
	return (union btree_node *)(void *)(pool->nodes +
					    id * pool->node_bytes);
}

/* What a node is the most of, by measure: of all words below it. */
static inline uint32_t *btree_maxima(const struct btree_pool *pool, uint32_t id)
{
	return (uint32_t *)(void *)(pool->nodes + id * pool->node_bytes +
				    BTREE_NODE_BYTES);
}

static inline uint64_t *btree_words(union btree_node *node, unsigned int level)
{
	return level > 0 ? node->inner.words : node->leaf.words;
}

/* Words that are not in use. */
static inline void btree_words_clear(uint64_t *words, size_t n)
{
	memset(words, 0xff, n * sizeof(*words));
}

static inline uint32_t btree_capacity(unsigned int level)
{
	return level > 0 ? BTREE_CHILDREN : BTREE_LEAF_WORDS;
}

uint32_t btree_node_take(struct btree_pool *pool);
void btree_node_give(struct btree_pool *pool, uint32_t id);

/* A word is about to come where the cursor is. */
void btree_maxima_raise(const struct btree *tree,
			const struct btree_cursor *cursor, uint64_t word);
/* The word at the cursor is about to go. */
void btree_maxima_lower(const struct btree *tree,
			const struct btree_cursor *cursor);
/* Those of a node anew, of its words or of its children's. */
void btree_maxima_find(const struct btree *tree, unsigned int level,
		       uint32_t id);
/* What is below another node comes to be below this one. */
void btree_maxima_join(const struct btree *tree, uint32_t id, uint32_t other);

#endif
