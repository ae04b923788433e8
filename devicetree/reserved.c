/* SPDX-License-Identifier: MIT */
#include "devicetree/reserved.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devicetree/references.h"
#include "devicetree/words.h"
#include "util/cleanup.h"

/*
 * The children of /reserved-memory, as the binding reserved-memory.yaml has
 * them: either `reg`, or `size` with optional `alignment` and `alloc-ranges`.
 * Where both stand, reg decides.
 *
 * Numbers are made of cells of 32 bits, as many as the parent's #address-cells
 * and #size-cells say: 1 or 2, for an address has 64 bits at most.  Without
 * these properties the devicetree specification's 2 and 1 hold; Linux then
 * ignores all of the nodes, as it does without `ranges` or where the counts are
 * not the root's.  That does not make the tree unreadable; it is kept as a
 * doubt, which adoption weighs.
 *
 * A node that cannot be understood keeps whatever could be read and says why in
 * `broken`; the first reason counts.  Ranges are only ever compared by their
 * last byte: one that ends exactly at 2^64 is legal.
 */

#define CELL_BYTES sizeof(uint32_t)

struct reader {
	const struct tree *tree;
	unsigned int address_cells;
	unsigned int size_cells;
	struct words complaints;
};

/* A property of a node. */
struct property {
	const char *name;
	const uint8_t *bytes; /* NULL: absent */
	size_t len;
};

static struct property property_get(const struct tree *tree, int number,
				    const char *name)
{
	struct property p = {.name = name};

	p.bytes = tree_property(tree, number, name, &p.len);
	return p;
}

static uint64_t read_cells(const uint8_t *bytes, unsigned int n_cells)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < n_cells; i++) {
		uint32_t cell;

		memcpy(&cell, bytes + i * CELL_BYTES, CELL_BYTES);
		value = value << 32 | be32toh(cell);
	}
	return value;
}

/* The first reason stands.  0 or -ENOMEM. */
__attribute__((format(printf, 2, 3))) static int
node_break(struct reserved_node *node, const char *format, ...)
{
	va_list args;
	int r;

	if (node->broken)
		return 0;
	va_start(args, format);
	r = vasprintf(&node->broken, format, args);
	va_end(args);
	if (r < 0) {
		node->broken = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* Splits a list of address and size; the length must fit. */
static int split_ranges(const struct reader *reader, struct property p,
			struct reserved_range **rangesp, size_t *np)
{
	size_t entry = (reader->address_cells + reader->size_cells) *
		       CELL_BYTES;
	struct reserved_range *ranges;

	ranges = calloc(p.len / entry, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < p.len / entry; i++) {
		const uint8_t *bytes = p.bytes + i * entry;

		ranges[i].base = read_cells(bytes, reader->address_cells);
		ranges[i].size_bytes = read_cells(
			bytes + reader->address_cells * CELL_BYTES,
			reader->size_cells);
	}
	*rangesp = ranges;
	*np = p.len / entry;
	return 0;
}

/* reg and alloc-ranges are of one form. */
static int read_ranges(const struct reader *reader, struct reserved_node *node,
		       struct property p, struct reserved_range **rangesp,
		       size_t *np)
{
	size_t entry = (reader->address_cells + reader->size_cells) *
		       CELL_BYTES;
	int r;

	if (!p.bytes)
		return 0;
	if (p.len == 0)
		return node_break(node, "its %s is empty", p.name);
	if (p.len % entry != 0)
		return node_break(node,
				  "its %s has %zu bytes, not a multiple of the "
				  "%zu that #address-cells %u and #size-cells "
				  "%u make",
				  p.name, p.len, entry, reader->address_cells,
				  reader->size_cells);
	r = split_ranges(reader, p, rangesp, np);
	for (size_t i = 0; r == 0 && i < *np; i++) {
		const struct reserved_range *range = &(*rangesp)[i];

		if (reserved_range_overflows(range))
			r = node_break(node,
				       "its %s entry 0x%" PRIx64
				       " + 0x%" PRIx64 " goes beyond 2^64",
				       p.name, range->base, range->size_bytes);
	}
	return r;
}

/* One number of 1 or 2 cells; false where it has another length. */
static bool read_number(struct property p, uint64_t *valuep)
{
	if (p.len != CELL_BYTES && p.len != 2 * CELL_BYTES)
		return false;
	*valuep = read_cells(p.bytes, (unsigned int)(p.len / CELL_BYTES));
	return true;
}

static int read_size(const struct reader *reader, struct reserved_node *node,
		     struct property p)
{
	if (!p.bytes)
		return 0;
	node->has_size = read_number(p, &node->size_bytes);
	if (p.len == reader->size_cells * CELL_BYTES)
		return 0;
	return node_break(node,
			  "its size has %zu bytes where #size-cells %u makes "
			  "%zu",
			  p.len, reader->size_cells,
			  reader->size_cells * CELL_BYTES);
}

/* The binding counts it in size cells, Linux in address cells; the length
 * tells which was meant.  Any other length makes Linux drop the node, and a
 * hundred nodes of real boards are like that. */
static int read_alignment(const struct reader *reader,
			  struct reserved_node *node, struct property p)
{
	uint64_t value;

	if (!p.bytes)
		return 0;
	node->has_alignment = read_number(p, &node->alignment_bytes);
	if (p.len != reader->size_cells * CELL_BYTES &&
	    p.len != reader->address_cells * CELL_BYTES)
		return node_break(node,
				  "its alignment has %zu bytes where "
				  "#size-cells %u makes %zu",
				  p.len, reader->size_cells,
				  reader->size_cells * CELL_BYTES);
	value = node->alignment_bytes;
	if ((value & (value - 1)) != 0)
		return node_break(node,
				  "its alignment 0x%" PRIx64
				  " is not a power of two",
				  value);
	return 0;
}

/* Where and how large, in either of the two forms. */
static int read_extent(const struct reader *reader, struct reserved_node *node,
		       int number)
{
	const struct tree *tree = reader->tree;
	struct property reg = property_get(tree, number, "reg");
	struct property size = property_get(tree, number, "size");
	int r;

	r = read_ranges(reader, node, reg, &node->reg, &node->n_reg);
	if (r == 0 && !reg.bytes)
		r = read_size(reader, node, size);
	if (r == 0)
		r = read_alignment(reader, node,
				   property_get(tree, number, "alignment"));
	if (r == 0)
		r = read_ranges(reader, node,
				property_get(tree, number, "alloc-ranges"),
				&node->alloc_ranges, &node->n_alloc_ranges);
	if (r == 0 && !reg.bytes && !size.bytes)
		r = node_break(node, "it has neither reg nor size, so it "
				     "reserves nothing");
	return r;
}

static int read_compatible(struct reserved_node *node, struct property p)
{
	size_t n = 0;

	if (!p.bytes || p.len == 0)
		return 0;
	if (p.bytes[p.len - 1] != '\0')
		return node_break(node,
				  "its compatible is not a list of strings");
	for (size_t i = 0; i < p.len; i++)
		n += p.bytes[i] == '\0';
	node->compatible = calloc(n, sizeof(*node->compatible));
	if (!node->compatible)
		return -ENOMEM;
	for (const char *s = (const char *)p.bytes; node->n_compatible < n;
	     s += strlen(s) + 1) {
		node->compatible[node->n_compatible] = strdup(s);
		if (!node->compatible[node->n_compatible])
			return -ENOMEM;
		node->n_compatible++;
	}
	return 0;
}

static int read_status(struct reserved_node *node, struct property p)
{
	size_t len = p.bytes ? strnlen((const char *)p.bytes, p.len) : 0;

	if (p.bytes && p.len > 0 && len == p.len) {
		int r = node_break(node, "its status is not a string");

		if (r < 0)
			return r;
	}
	node->status = p.bytes ? strndup((const char *)p.bytes, len)
			       : strdup("okay");
	return node->status ? 0 : -ENOMEM;
}

static int read_flags(const struct tree *tree, struct reserved_node *node,
		      int number)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{"no-map", &node->no_map},
		{"reusable", &node->reusable},
		{"linux,cma-default", &node->cma_default},
		{"linux,dma-default", &node->dma_default},
		{"linux,default-contiguous-region", &node->contiguous_default},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		*flags[i].flag =
			property_get(tree, number, flags[i].name).bytes;
	if (node->no_map && node->reusable)
		return node_break(node, "it is both no-map and reusable, which "
					"exclude each other");
	return 0;
}

static int read_node(const struct reader *reader, struct reserved_node *node,
		     int number)
{
	const struct tree *tree = reader->tree;
	int r;

	node->name = strdup(tree_name(tree, number));
	node->path = tree_path(tree, number);
	if (!node->name || !node->path)
		return -ENOMEM;
	r = read_extent(reader, node, number);
	if (r == 0)
		r = read_flags(tree, node, number);
	if (r == 0)
		r = read_compatible(node,
				    property_get(tree, number, "compatible"));
	if (r == 0)
		r = read_status(node, property_get(tree, number, "status"));
	return r;
}

/* 1 where the property counts cells, 0 where it is absent, -EBADMSG. */
static int read_cell_count(const struct tree *tree, int number,
			   const char *name, unsigned int *countp,
			   struct error *why)
{
	struct property p = property_get(tree, number, name);
	const char *where = number == 0 ? "/" : "/reserved-memory";
	uint64_t count;

	if (!p.bytes)
		return 0;
	if (p.len != CELL_BYTES)
		return error_set(why, -EBADMSG,
				 "%s: its %s has %zu bytes instead of 4", where,
				 name, p.len);
	count = read_cells(p.bytes, 1);
	if (count != 1 && count != 2)
		return error_set(why, -EBADMSG,
				 "%s: its %s is %" PRIu64
				 ", and only 1 and 2 can be read",
				 where, name, count);
	*countp = (unsigned int)count;
	return 1;
}

/* What makes Linux pass over /reserved-memory altogether; NULL for nothing. */
static const char *find_doubt(const struct reader *reader, int parent,
			      bool counted)
{
	unsigned int address_cells = 2, size_cells = 1;

	if (!counted)
		return "/reserved-memory lacks #address-cells or #size-cells, "
		       "so Linux ignores its nodes";
	if (!property_get(reader->tree, parent, "ranges").bytes)
		return "/reserved-memory has no ranges property, so Linux "
		       "ignores its nodes";
	if (read_cell_count(reader->tree, 0, "#address-cells", &address_cells,
			    NULL) < 0 ||
	    read_cell_count(reader->tree, 0, "#size-cells", &size_cells,
			    NULL) < 0 ||
	    address_cells != reader->address_cells ||
	    size_cells != reader->size_cells)
		return "/reserved-memory has other #address-cells or "
		       "#size-cells than the root, so Linux ignores its nodes";
	return NULL;
}

static int read_parent(struct reader *reader, struct reserved *reserved,
		       int parent, struct error *why)
{
	const char *doubt;
	int address, size;

	reader->address_cells = 2;
	reader->size_cells = 1;
	address = read_cell_count(reader->tree, parent, "#address-cells",
				  &reader->address_cells, why);
	if (address < 0)
		return address;
	size = read_cell_count(reader->tree, parent, "#size-cells",
			       &reader->size_cells, why);
	if (size < 0)
		return size;
	doubt = find_doubt(reader, parent, address && size);
	if (!doubt)
		return 0;
	reserved->doubt = strdup(doubt);
	return reserved->doubt ? 0 : -ENOMEM;
}

static int read_nodes(struct reader *reader, struct reserved *reserved,
		      int parent, struct error *why)
{
	_cleanup_free_ int *numbers = NULL;
	int first = tree_first_child(reader->tree, parent);
	size_t n = 0;
	int r;

	if (first < 0)
		return 0;
	r = read_parent(reader, reserved, parent, why);
	if (r < 0)
		return r;
	for (int c = first; c >= 0; c = tree_next_sibling(reader->tree, c))
		n++;
	reserved->nodes = calloc(n, sizeof(*reserved->nodes));
	numbers = calloc(n, sizeof(*numbers));
	if (!reserved->nodes || !numbers)
		return -ENOMEM;
	for (int c = first; c >= 0; c = tree_next_sibling(reader->tree, c)) {
		size_t i = reserved->n_nodes++;

		numbers[i] = c;
		r = read_node(reader, &reserved->nodes[i], c);
		if (r < 0)
			return r;
	}
	return references_read(reserved, reader->tree, numbers,
			       &reader->complaints);
}

/* powerpc's older way: a list on the root, in the root's cells. */
static int read_root_ranges(struct reader *reader,
			    struct reserved_range **rangesp, size_t *np)
{
	struct property p = property_get(reader->tree, 0, "reserved-ranges");
	struct reader root = {.address_cells = 2, .size_cells = 1};

	if (!p.bytes)
		return 0;
	if (read_cell_count(reader->tree, 0, "#address-cells",
			    &root.address_cells, NULL) < 0 ||
	    read_cell_count(reader->tree, 0, "#size-cells", &root.size_cells,
			    NULL) < 0 ||
	    p.len % ((root.address_cells + root.size_cells) * CELL_BYTES) != 0)
		return words_add(&reader->complaints,
				     "/: its reserved-ranges do not fit its "
				     "#address-cells and #size-cells");
	if (p.len == 0)
		return 0;
	return split_ranges(&root, p, rangesp, np);
}

static int read_memreserve(struct reader *reader, struct reserved *reserved)
{
	_cleanup_free_ struct reserved_range *ranges = NULL;
	size_t n = tree_memreserve_count(reader->tree), n_ranges = 0;
	int r = read_root_ranges(reader, &ranges, &n_ranges);

	if (r < 0 || n + n_ranges == 0)
		return r;
	reserved->memreserve =
		calloc(n + n_ranges, sizeof(*reserved->memreserve));
	if (!reserved->memreserve)
		return -ENOMEM;
	for (size_t i = 0; i < n + n_ranges; i++) {
		struct reserved_range *range = &reserved->memreserve[i];

		if (i >= n)
			*range = ranges[i - n];
		else if (tree_memreserve(reader->tree, i, &range->base,
					 &range->size_bytes) < 0)
			break;
		reserved->n_memreserve++;
		if (!reserved_range_overflows(range))
			continue;
		r = words_add(&reader->complaints,
				  "the memory reservation 0x%" PRIx64
				  " + 0x%" PRIx64 " goes beyond 2^64",
				  range->base, range->size_bytes);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_all(struct reader *reader, struct reserved *reserved,
		    struct error *why)
{
	int parent = tree_find(reader->tree, "/reserved-memory");
	const char *first;
	size_t unread = tree_unread_count(reader->tree, &first);
	int r = 0;

	if (unread > 0)
		r = words_add(&reader->complaints,
				  "properties that could not be read: %zu, "
				  "the first is %s",
				  unread, first);
	if (r == 0)
		r = read_memreserve(reader, reserved);
	if (r == 0 && parent >= 0)
		r = read_nodes(reader, reserved, parent, why);
	return r;
}

int reserved_read(struct reserved **reservedp, const struct tree *tree,
		  struct error *why)
{
	_cleanup_(reserved_freep) struct reserved *reserved =
		calloc(1, sizeof(*reserved));
	struct reader reader = {.tree = tree};
	int r = reserved ? read_all(&reader, reserved, why) : -ENOMEM;

	if (r < 0) {
		words_deinit(&reader.complaints);
		return r == -ENOMEM ? error_set(why, r, "out of memory") : r;
	}
	reserved->complaints = reader.complaints.words;
	reserved->n_complaints = reader.complaints.n_words;
	*reservedp = TAKE_PTR(reserved);
	return 0;
}

static void node_deinit(struct reserved_node *node)
{
	free(node->name);
	free(node->path);
	for (size_t i = 0; i < node->n_compatible; i++)
		free(node->compatible[i]);
	free(node->compatible);
	free(node->status);
	free(node->reg);
	free(node->alloc_ranges);
	for (size_t i = 0; i < node->n_users; i++)
		free(node->users[i]);
	free(node->users);
	free(node->broken);
}

struct reserved *reserved_free(struct reserved *reserved)
{
	if (!reserved)
		return NULL;
	for (size_t i = 0; i < reserved->n_nodes; i++)
		node_deinit(&reserved->nodes[i]);
	free(reserved->nodes);
	free(reserved->memreserve);
	free(reserved->doubt);
	for (size_t i = 0; i < reserved->n_complaints; i++)
		free(reserved->complaints[i]);
	free(reserved->complaints);
	free(reserved);
	return NULL;
}

bool reserved_node_is_compatible(const struct reserved_node *node,
				 const char *compatible)
{
	for (size_t i = 0; i < node->n_compatible; i++)
		if (strcmp(node->compatible[i], compatible) == 0)
			return true;
	return false;
}

bool reserved_node_is_enabled(const struct reserved_node *node)
{
	return strcmp(node->status, "okay") == 0 ||
	       strcmp(node->status, "ok") == 0;
}
