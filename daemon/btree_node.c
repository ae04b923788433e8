/* SPDX-License-Identifier: MIT */
#include "daemon/btree_node.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/broken.h"
#include "util/cleanup.h"

/*
 * The pool is one array for the most nodes that there can be, reserved as
 * address space only: the kernel provides a page of it when its first node is
 * used, and nodes that were given up are used again first, so that real memory
 * follows the highest number of words so far.
 *
 * The most nodes: each but the root of a tree is half full.  So max_words are
 * in at most max_words / 31 leaves, and these below that / 21 inner nodes, and
 * so on: together less than max_words / 29.  Of each tree the root and, while
 * it splits, one node of each level may have less.
 */

#define WORDS_PER_NODE (BTREE_LEAF_WORDS / 2 - 2)

static_assert(sizeof(union btree_node) == BTREE_NODE_BYTES, "nodes are packed");
static_assert(BTREE_CHILDREN / 2 > WORDS_PER_NODE / 2,
	      "inner nodes add less than what WORDS_PER_NODE leaves for them");

int btree_pool_new(struct btree_pool **poolp, uint64_t max_words,
		   unsigned int n_trees, unsigned int n_measures,
		   const struct reach *reach)
{
	_cleanup_free_ struct btree_pool *pool = NULL;
	uint64_t max_nodes = max_words / WORDS_PER_NODE +
			     (uint64_t)n_trees * 2 * BTREE_HEIGHT_MAX + 1;
	size_t size;
	void *nodes;

	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	/* whole lines of any usual cache */
	pool->node_bytes = BTREE_NODE_BYTES +
			   (n_measures * sizeof(uint32_t) + 63) / 64 * 64;
	if (max_nodes > UINT32_MAX ||
	    __builtin_mul_overflow(max_nodes, pool->node_bytes, &size))
		return -ENOMEM;
	nodes = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (nodes == MAP_FAILED)
		return -ENOMEM;
	pool->nodes = nodes;
	pool->max_nodes = (size_t)max_nodes;
	pool->n_touched = 1;
	pool->reach = *reach;
	*poolp = TAKE_PTR(pool);
	return 0;
}

struct btree_pool *btree_pool_free(struct btree_pool *pool)
{
	if (pool)
		(void)munmap(pool->nodes, pool->max_nodes * pool->node_bytes);
	free(pool);
	return NULL;
}

uint32_t btree_node_take(struct btree_pool *pool)
{
	uint32_t id = pool->unused;

	if (id)
		pool->unused = btree_node(pool, id)->unused.next;
	else if (pool->n_touched < pool->max_nodes)
		id = pool->n_touched++;
	else
		broken("more than %zu nodes of B+-trees", pool->max_nodes);
	btree_words_clear(btree_node(pool, id)->leaf.words, BTREE_LEAF_WORDS);
	return id;
}

void btree_node_give(struct btree_pool *pool, uint32_t id)
{
	btree_node(pool, id)->unused.next = pool->unused;
	pool->unused = id;
}

void btree_init(struct btree *tree, struct btree_pool *pool,
		unsigned int n_measures)
{
	*tree = (struct btree){
		.pool = pool,
		.root = btree_node_take(pool),
		.n_measures = n_measures,
	};
	btree_node(pool, tree->root)->n = 0;
}
