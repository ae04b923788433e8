/* SPDX-License-Identifier: MIT */
#include "devicetree/references.h"

#include <errno.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/*
 * References by phandle.  A phandle is a number that a node carries and others
 * name it by; memory-region is a list of them, without further cells.
 *
 * The phandles of the whole tree are sorted once, so that each reference is a
 * binary search, whatever the number of nodes.  Two nodes with one phandle
 * leave open which of them is meant: both get the user, for a region that a
 * driver may be using must not look free.
 *
 * Nothing here follows a chain of references, so a circle cannot hang it; one
 * among reserved nodes is still told, and its nodes are given up, because a
 * tree that says it cannot be trusted about them.
 */

struct phandle {
	uint32_t value;
	int node; /* number in the tree */
};

/* A reserved node that refers to a reserved node; places in reserved->nodes. */
struct edge {
	size_t from;
	size_t to;
};

struct references {
	struct reserved *reserved;
	const struct tree *tree;
	const int *numbers;
	struct words *complaints;

	struct phandle *phandles; /* sorted by value, then node */
	size_t n_phandles;
	struct edge *edges;
	size_t n_edges;
	size_t edges_room;
	int *last_user; /* for each reserved node: the user added last */
};

static void references_deinit(struct references *refs)
{
	free(refs->phandles);
	free(refs->edges);
	free(refs->last_user);
}

static int compare_phandles(const void *a, const void *b)
{
	const struct phandle *pa = a, *pb = b;

	if (pa->value != pb->value)
		return pa->value < pb->value ? -1 : 1;
	return (pa->node > pb->node) - (pa->node < pb->node);
}

static int compare_edges(const void *a, const void *b)
{
	const struct edge *ea = a, *eb = b;

	if (ea->from != eb->from)
		return ea->from < eb->from ? -1 : 1;
	return (ea->to > eb->to) - (ea->to < eb->to);
}

static uint32_t read_cell(const void *bytes)
{
	uint32_t cell;

	memcpy(&cell, bytes, sizeof(cell));
	return be32toh(cell);
}

/* A complaint that begins with the path of a node. */
static int complain(struct references *refs, int node, const char *about)
{
	_cleanup_free_ char *path = tree_path(refs->tree, node);
	char label[WORDS_LABEL_BYTES];

	if (!path)
		return -ENOMEM;
	return words_add(refs->complaints, "%s: %s",
			     words_label(label, path), about);
}

/* 1 where the node has a phandle, 0 where not. */
static int node_phandle(struct references *refs, int node, uint32_t *valuep)
{
	size_t len;
	const void *bytes = tree_property(refs->tree, node, "phandle", &len);

	if (!bytes) /* what trees of before 2010 call it */
		bytes = tree_property(refs->tree, node, "linux,phandle", &len);
	if (!bytes)
		return 0;
	if (len != sizeof(uint32_t))
		return complain(refs, node, "its phandle is not one cell");
	*valuep = read_cell(bytes);
	return 1;
}

static int report_duplicates(struct references *refs)
{
	for (size_t i = 1; i < refs->n_phandles; i++) {
		const struct phandle *a = &refs->phandles[i - 1];
		const struct phandle *b = &refs->phandles[i];
		_cleanup_free_ char *other = NULL;
		char about[WORDS_LABEL_BYTES + 64], label[WORDS_LABEL_BYTES];
		int r;

		if (a->value != b->value)
			continue;
		other = tree_path(refs->tree, a->node);
		if (!other)
			return -ENOMEM;
		(void)snprintf(about, sizeof(about),
			       "its phandle 0x%x is also that of %s", b->value,
			       words_label(label, other));
		r = complain(refs, b->node, about);
		if (r < 0)
			return r;
	}
	return 0;
}

static int index_phandles(struct references *refs)
{
	size_t room = 0;

	for (int node = 0; node >= 0; node = tree_next(refs->tree, node)) {
		uint32_t value = 0;
		int r = node_phandle(refs, node, &value);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (refs->n_phandles == room) {
			struct phandle *grown;

			room = room ? room * 2 : 256;
			grown = reallocarray(refs->phandles, room,
					     sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			refs->phandles = grown;
		}
		refs->phandles[refs->n_phandles++] =
			(struct phandle){value, node};
	}
	if (refs->n_phandles > 0)
		qsort(refs->phandles, refs->n_phandles,
		      sizeof(*refs->phandles), compare_phandles);
	return report_duplicates(refs);
}

/* The first phandle of that value or beyond. */
static size_t phandle_lower_bound(const struct references *refs,
				  uint32_t value)
{
	size_t low = 0, high = refs->n_phandles;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (refs->phandles[middle].value < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Place of a tree node among the reserved ones, or n_nodes. */
static size_t reserved_place(const struct references *refs, int number)
{
	size_t low = 0, high = refs->reserved->n_nodes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (refs->numbers[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < refs->reserved->n_nodes && refs->numbers[low] == number)
		return low;
	return refs->reserved->n_nodes;
}

static int add_edge(struct references *refs, size_t from, size_t to)
{
	if (refs->n_edges == refs->edges_room) {
		size_t room = refs->edges_room ? refs->edges_room * 2 : 64;
		struct edge *grown =
			reallocarray(refs->edges, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		refs->edges = grown;
		refs->edges_room = room;
	}
	refs->edges[refs->n_edges++] = (struct edge){from, to};
	return 0;
}

/* A user is listed once, however often it names the node. */
static int add_user(struct references *refs, size_t place, int user)
{
	struct reserved_node *node = &refs->reserved->nodes[place];
	size_t from = reserved_place(refs, user);
	char **grown;

	if (refs->last_user[place] == user)
		return 0;
	refs->last_user[place] = user;
	/* Room doubles at powers of two, so it need not be kept. */
	if ((node->n_users & (node->n_users - 1)) == 0) {
		size_t room = node->n_users ? node->n_users * 2 : 1;

		grown = reallocarray(node->users, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		node->users = grown;
	}
	node->users[node->n_users] = tree_path(refs->tree, user);
	if (!node->users[node->n_users])
		return -ENOMEM;
	node->n_users++;
	if (from == refs->reserved->n_nodes)
		return 0;
	return add_edge(refs, from, place);
}

static int follow(struct references *refs, int user, uint32_t value)
{
	size_t i = phandle_lower_bound(refs, value);
	char about[96];

	if (value == 0) /* an entry left empty on purpose */
		return 0;
	if (i == refs->n_phandles || refs->phandles[i].value != value) {
		(void)snprintf(about, sizeof(about),
			       "its memory-region names phandle 0x%x, which "
			       "no node has",
			       value);
		return complain(refs, user, about);
	}
	for (; i < refs->n_phandles && refs->phandles[i].value == value; i++) {
		size_t place = reserved_place(refs, refs->phandles[i].node);
		int r = 0;

		if (place < refs->reserved->n_nodes)
			r = add_user(refs, place, user);
		if (r < 0)
			return r;
	}
	return 0;
}

static int find_users(struct references *refs)
{
	for (int node = 0; node >= 0; node = tree_next(refs->tree, node)) {
		size_t len;
		const uint8_t *cells = tree_property(refs->tree, node,
						     "memory-region", &len);
		int r = 0;

		if (!cells)
			continue;
		if (len % sizeof(uint32_t) != 0) {
			r = complain(refs, node,
				     "its memory-region is not a list of "
				     "phandles");
			len -= len % sizeof(uint32_t);
		}
		for (size_t i = 0; i < len && r == 0; i += sizeof(uint32_t))
			r = follow(refs, node, read_cell(cells + i));
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Takes away, again and again, the nodes that no edge from a remaining node
 * leads to.  What remains is reached from a circle.  edges are sorted.
 */
static int prune(const struct edge *edges, size_t n_edges, bool *gone,
		 size_t n_nodes)
{
	_cleanup_free_ size_t *incoming = calloc(n_nodes, sizeof(*incoming));
	_cleanup_free_ size_t *queue = calloc(n_nodes, sizeof(*queue));
	_cleanup_free_ size_t *first = calloc(n_nodes, sizeof(*first));
	size_t head = 0, tail = 0;

	if (!incoming || !queue || !first)
		return -ENOMEM;
	for (size_t i = n_edges; i-- > 0;) {
		first[edges[i].from] = i;
		if (!gone[edges[i].from])
			incoming[edges[i].to]++;
	}
	for (size_t i = 0; i < n_nodes; i++)
		if (!gone[i] && incoming[i] == 0)
			queue[tail++] = i;
	while (head < tail) {
		size_t node = queue[head++];

		gone[node] = true;
		for (size_t i = first[node];
		     i < n_edges && edges[i].from == node; i++)
			if (--incoming[edges[i].to] == 0 && !gone[edges[i].to])
				queue[tail++] = edges[i].to;
	}
	return 0;
}

/* What survives pruning from both ends lies on a circle or between two. */
static int find_circles(struct references *refs)
{
	size_t n = refs->reserved->n_nodes;
	_cleanup_free_ bool *gone = NULL;
	int r;

	if (refs->n_edges == 0)
		return 0;
	gone = calloc(n, sizeof(*gone));
	if (!gone)
		return -ENOMEM;
	for (int pass = 0; pass < 2; pass++) {
		qsort(refs->edges, refs->n_edges, sizeof(*refs->edges),
		      compare_edges);
		r = prune(refs->edges, refs->n_edges, gone, n);
		if (r < 0)
			return r;
		for (size_t i = 0; i < refs->n_edges; i++) {
			struct edge *edge = &refs->edges[i];

			*edge = (struct edge){edge->to, edge->from};
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct reserved_node *node = &refs->reserved->nodes[i];

		if (gone[i] || node->broken)
			continue;
		node->broken = strdup("its memory-region leads in a circle "
				      "back to itself");
		if (!node->broken)
			return -ENOMEM;
	}
	return 0;
}

int references_read(struct reserved *reserved, const struct tree *tree,
		    const int *numbers, struct words *complaints)
{
	_cleanup_(references_deinit) struct references refs = {
		.reserved = reserved,
		.tree = tree,
		.numbers = numbers,
		.complaints = complaints,
	};
	int r;

	if (reserved->n_nodes == 0)
		return 0;
	refs.last_user = calloc(reserved->n_nodes, sizeof(*refs.last_user));
	if (!refs.last_user)
		return -ENOMEM;
	/* The root is number 0 and may be a user like any other node. */
	for (size_t i = 0; i < reserved->n_nodes; i++)
		refs.last_user[i] = -1;
	r = index_phandles(&refs);
	if (r == 0)
		r = find_users(&refs);
	if (r == 0)
		r = find_circles(&refs);
	return r;
}
