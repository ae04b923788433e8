/* SPDX-License-Identifier: MIT */
#include "devicetree/tree.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devicetree/directory.h"
#include "devicetree/words.h"

/*
 * A devicetree, whatever it came from: a file, memory, or directories, which
 * are flattened first.  The blob is checked as a whole before anything is read
 * from it, and never changes afterwards.
 *
 * libfdt finds a parent or a path by walking from the start of the blob, which
 * makes every loop over nodes quadratic.  So one walk at loading time writes
 * down where each node begins, whose child it is, and where its subtree ends;
 * a node's number is its place in that list.  Everything but the lookup of a
 * property is then a step in an array, and what a blob with any number of nodes
 * costs stays in proportion to its size.
 *
 * Directories are written without sharing equal property names: libfdt looks
 * for a name to share by comparing at every byte of all names so far, and the
 * blob lives only as long as this process needs it.
 */

#define TREE_MAX_BYTES (64u << 20)

/* The blob that the boot loader gave the kernel; for root only. */
#define TREE_BOOT_BLOB "/sys/firmware/fdt"

struct tree_node {
	int offset; /* in the blob */
	int parent; /* number of the node; -1 for the root */
	int after;  /* number of the first node beyond the subtree */
};

struct tree {
	void *blob;
	struct tree_node *nodes;
	int n_nodes;
	char *unread; /* words on the first property not read, or NULL */
	size_t n_unread;
};

struct tree *tree_free(struct tree *tree)
{
	if (!tree)
		return NULL;
	free(tree->blob);
	free(tree->nodes);
	free(tree->unread);
	free(tree);
	return NULL;
}

static const char *fdt_words(int error)
{
	switch (-error) {
	case FDT_ERR_BADMAGIC:
		return "it is no devicetree blob (wrong magic number)";
	case FDT_ERR_TRUNCATED:
		return "it is truncated";
	case FDT_ERR_BADVERSION:
		return "its version is not supported";
	case FDT_ERR_BADSTRUCTURE:
		return "its structure is broken";
	case FDT_ERR_BADLAYOUT:
		return "its blocks are out of order";
	case FDT_ERR_BADOFFSET:
		return "an offset in it points outside";
	case FDT_ERR_BADSTATE:
		return "it was left unfinished";
	default:
		return "it is corrupt";
	}
}

/* Climbs from node (at depth) to the parent of a node at child_depth, ending
 * the subtrees that are left on the way. */
static int index_climb(struct tree *tree, int node, int depth, int child_depth)
{
	for (; depth >= child_depth; depth--) {
		tree->nodes[node].after = tree->n_nodes;
		node = tree->nodes[node].parent;
	}
	return node;
}

static int index_nodes(struct tree *tree)
{
	int offset, parent = -1, depth = -1, last_depth = -1, room = 0;

	for (offset = fdt_next_node(tree->blob, -1, &depth);
	     offset >= 0 && depth >= 0;
	     offset = fdt_next_node(tree->blob, offset, &depth)) {
		if (tree->n_nodes > 0)
			parent = index_climb(tree, tree->n_nodes - 1,
					     last_depth, depth);
		if (tree->n_nodes == room) {
			struct tree_node *grown;

			room = room ? room * 2 : 256;
			grown = reallocarray(tree->nodes, (size_t)room,
					     sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			tree->nodes = grown;
		}
		tree->nodes[tree->n_nodes++] =
			(struct tree_node){.offset = offset, .parent = parent};
		last_depth = depth;
	}
	if (offset < 0 && offset != -FDT_ERR_NOTFOUND)
		return -EBADMSG;
	if (tree->n_nodes == 0)
		return -EBADMSG;
	(void)index_climb(tree, tree->n_nodes - 1, last_depth, 0);
	return 0;
}

/* Makes a tree of a blob that is allocated, whether it succeeds or not. */
static int load_consume(struct tree **treep, void *blob, size_t len,
			const char *what, struct error *why)
{
	_cleanup_free_ void *owned = blob;
	_cleanup_(tree_freep) struct tree *tree = calloc(1, sizeof(*tree));
	int r;

	if (!tree)
		return error_set(why, -ENOMEM, "%s: out of memory", what);
	if (len == 0)
		return error_set(why, -EBADMSG,
				 "%s: it is empty, not a devicetree", what);
	if (len < sizeof(struct fdt_header) &&
	    (len < sizeof(fdt32_t) || fdt_magic(blob) != FDT_MAGIC))
		return error_set(why, -EBADMSG, "%s: %s", what,
				 fdt_words(-FDT_ERR_BADMAGIC));
	r = fdt_check_full(blob, len);
	if (r < 0)
		return error_set(why, -EBADMSG, "%s: %s", what, fdt_words(r));
	tree->blob = TAKE_PTR(owned);
	r = index_nodes(tree);
	if (r == -ENOMEM)
		return error_set(why, r, "%s: out of memory", what);
	if (r < 0)
		return error_set(why, r, "%s: %s", what,
				 fdt_words(-FDT_ERR_BADSTRUCTURE));
	*treep = TAKE_PTR(tree);
	return 0;
}

int tree_load_blob(struct tree **treep, const char *path, struct error *why)
{
	char *blob;
	size_t len;
	int r = fd_read_file(path, TREE_MAX_BYTES, &blob, &len);

	if (r == -EISDIR)
		return error_set(why, r,
				 "%s is a directory, not a devicetree blob",
				 path);
	if (r == -EFBIG)
		return error_set(why, r, "%s: larger than 64 MiB", path);
	if (r < 0)
		return error_set(why, r, "%s: %s", path, strerror(-r));
	return load_consume(treep, blob, len, path, why);
}

int tree_load_memory(struct tree **treep, const void *blob, size_t len,
		     struct error *why)
{
	void *copy;

	if (len > TREE_MAX_BYTES)
		return error_set(why, -EFBIG,
				 "the devicetree is larger than 64 MiB");
	copy = malloc(len ? len : 1);
	if (!copy)
		return error_set(why, -ENOMEM, "out of memory");
	memcpy(copy, blob, len);
	return load_consume(treep, copy, len, "the devicetree", why);
}

/* A blob in the making. */
struct flat {
	void *blob;
	int room;
	char *unread;
	size_t n_unread;
};

static void flat_deinit(struct flat *flat)
{
	free(flat->blob);
	free(flat->unread);
}

static int flat_grow(struct flat *flat)
{
	int room = flat->room * 2;
	void *grown;
	int r;

	if (flat->room >= (int)TREE_MAX_BYTES)
		return -EFBIG;
	grown = malloc((size_t)room);
	if (!grown)
		return -ENOMEM;
	r = fdt_resize(flat->blob, grown, room);
	if (r < 0) {
		free(grown);
		return -EBADMSG;
	}
	free(flat->blob);
	flat->blob = grown;
	flat->room = room;
	return 0;
}

/* Retries a write of libfdt, which does nothing where room is short. */
#define FLAT_WRITE(flat, write)                                                \
	({                                                                     \
		int write_, grow_ = 0;                                         \
		while ((write_ = (write)) == -FDT_ERR_NOSPACE)                 \
			if ((grow_ = flat_grow(flat)) < 0)                     \
				break;                                         \
		grow_ < 0 ? grow_ : write_ < 0 ? -EBADMSG : 0;                 \
	})

static int flat_begin_node(void *data, const char *name)
{
	struct flat *flat = data;

	return FLAT_WRITE(flat, fdt_begin_node(flat->blob, name));
}

static int flat_property(void *data, const char *name, const void *bytes,
			 size_t len)
{
	struct flat *flat = data;

	return FLAT_WRITE(flat,
			  fdt_property(flat->blob, name, bytes, (int)len));
}

static int flat_end_node(void *data)
{
	struct flat *flat = data;

	return FLAT_WRITE(flat, fdt_end_node(flat->blob));
}

static int flat_unread(void *data, const char *path, int error)
{
	struct flat *flat = data;
	char label[WORDS_LABEL_BYTES];

	if (flat->n_unread++ > 0)
		return 0;
	if (asprintf(&flat->unread, "%s: %s", words_label(label, path),
		     strerror(error)) < 0) {
		flat->unread = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* The kernel shows reservations in its boot blob only. */
static int flat_reservations(struct flat *flat, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_(tree_freep) struct tree *boot = NULL;
	size_t n;

	if (!real || strcmp(real, TREE_LIVE) != 0 ||
	    tree_load_blob(&boot, TREE_BOOT_BLOB, NULL) < 0)
		return 0;
	n = tree_memreserve_count(boot);
	for (size_t i = 0; i < n; i++) {
		uint64_t base, size;
		int r = tree_memreserve(boot, i, &base, &size);

		if (r == 0)
			r = FLAT_WRITE(flat, fdt_add_reservemap_entry(
						     flat->blob, base, size));
		if (r < 0)
			return r;
	}
	return 0;
}

static int flat_start(struct flat *flat, const char *path)
{
	int r;

	flat->room = 64 << 10;
	flat->blob = malloc((size_t)flat->room);
	if (!flat->blob)
		return -ENOMEM;
	if (fdt_create_with_flags(flat->blob, flat->room,
				  FDT_CREATE_FLAG_NO_NAME_DEDUP) < 0)
		return -EBADMSG;
	r = flat_reservations(flat, path);
	if (r < 0)
		return r;
	return FLAT_WRITE(flat, fdt_finish_reservemap(flat->blob));
}

int tree_load_directory(struct tree **treep, const char *path,
			struct error *why)
{
	static const struct directory_writer writer = {
		.begin_node = flat_begin_node,
		.property = flat_property,
		.end_node = flat_end_node,
		.unread = flat_unread,
	};
	_cleanup_(flat_deinit) struct flat flat = {0};
	struct error inner = ERROR_INIT;
	size_t len;
	int r = flat_start(&flat, path);

	if (r == 0)
		r = directory_walk(path, &writer, &flat, &inner);
	if (r == 0)
		r = FLAT_WRITE(&flat, fdt_finish(flat.blob));
	if (r < 0 && inner.text[0])
		return error_set(why, r, "%s", inner.text);
	if (r < 0)
		return error_set(why, r, "%s: %s", path,
				 r == -EFBIG ? "more than 64 MiB"
					     : strerror(-r));
	len = fdt_totalsize(flat.blob);
	r = load_consume(treep, TAKE_PTR(flat.blob), len, path, why);
	if (r < 0)
		return r;
	(*treep)->unread = TAKE_PTR(flat.unread);
	(*treep)->n_unread = flat.n_unread;
	return 0;
}

int tree_first_child(const struct tree *tree, int node)
{
	return tree->nodes[node].after > node + 1 ? node + 1 : -ENOENT;
}

int tree_next_sibling(const struct tree *tree, int node)
{
	int next = tree->nodes[node].after;

	if (next == tree->n_nodes ||
	    tree->nodes[next].parent != tree->nodes[node].parent)
		return -ENOENT;
	return next;
}

int tree_next(const struct tree *tree, int node)
{
	return node + 1 < tree->n_nodes ? node + 1 : -ENOENT;
}

const char *tree_name(const struct tree *tree, int node)
{
	const char *name = fdt_get_name(tree->blob, tree->nodes[node].offset,
					NULL);

	return name ? name : "";
}

/* A component without a unit address finds a node with one, as in libfdt. */
static bool name_answers(const char *name, const char *component, size_t len)
{
	if (strncmp(name, component, len) != 0)
		return false;
	return name[len] == '\0' ||
	       (name[len] == '@' && !memchr(component, '@', len));
}

int tree_find(const struct tree *tree, const char *path)
{
	int node = 0;

	while (*(path += strspn(path, "/"))) {
		size_t len = strcspn(path, "/");

		node = tree_first_child(tree, node);
		while (node >= 0 &&
		       !name_answers(tree_name(tree, node), path, len))
			node = tree_next_sibling(tree, node);
		if (node < 0)
			return -ENOENT;
		path += len;
	}
	return node;
}

char *tree_path(const struct tree *tree, int node)
{
	size_t len = 0;
	char *path, *p;

	if (node == 0)
		return strdup("/");
	for (int n = node; n > 0; n = tree->nodes[n].parent)
		len += 1 + strlen(tree_name(tree, n));
	path = malloc(len + 1);
	if (!path)
		return NULL;
	p = path + len;
	*p = '\0';
	for (int n = node; n > 0; n = tree->nodes[n].parent) {
		const char *name = tree_name(tree, n);

		p -= strlen(name);
		memcpy(p, name, strlen(name));
		*--p = '/';
	}
	return path;
}

const void *tree_property(const struct tree *tree, int node, const char *name,
			  size_t *lenp)
{
	int len;
	const void *bytes = fdt_getprop(tree->blob, tree->nodes[node].offset,
					name, &len);

	if (!bytes)
		return NULL;
	*lenp = (size_t)len;
	return bytes;
}

size_t tree_unread_count(const struct tree *tree, const char **firstp)
{
	*firstp = tree->unread;
	return tree->n_unread;
}

size_t tree_memreserve_count(const struct tree *tree)
{
	int n = fdt_num_mem_rsv(tree->blob);

	return n < 0 ? 0 : (size_t)n;
}

int tree_memreserve(const struct tree *tree, size_t index, uint64_t *basep,
		    uint64_t *sizep)
{
	if (index >= tree_memreserve_count(tree))
		return -ENOENT;
	return fdt_get_mem_rsv(tree->blob, (int)index, basep, sizep) < 0
		       ? -EBADMSG
		       : 0;
}
