/* SPDX-License-Identifier: MIT */
#include "devicetree/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devicetree/words.h"
#include "util/cleanup.h"

/*
 * A devicetree as directories.
 *
 * The order of nodes is lost in such a tree (sysfs lists names by hash), so
 * names are sorted; two walks of one tree give the same result.  Nothing but
 * directories and plain files is accepted: the kernel makes nothing else, and
 * following a link or opening a pipe in a directory that somebody prepared
 * would lead anywhere.  The path given may itself be a link, as
 * /proc/device-tree is.
 *
 * The kernel gives each node a property `name` that its blob does not have; it
 * repeats the node's own name and is left out, so that a directory and the blob
 * it came from read alike.  Properties that hold secrets ("security-...") are
 * readable for root only; those are told to the writer and skipped.
 *
 * Every directory on the way down is held open: at most DIRECTORY_MAX_DEPTH.
 */

struct walk {
	const struct directory_writer *writer;
	void *data;
	struct error *why;
};

struct entry {
	char *name;
	bool is_node;
};

struct entries {
	struct entry *list;
	size_t n;
	size_t room;
};

static void entries_deinit(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		free(entries->list[i].name);
	free(entries->list);
}

static void closedirp(DIR **dirp)
{
	if (*dirp)
		(void)closedir(*dirp);
}

static int entries_add(struct entries *entries, const char *name, bool is_node)
{
	char *copy;

	if (entries->n == entries->room) {
		size_t room = entries->room ? entries->room * 2 : 32;
		struct entry *grown =
			reallocarray(entries->list, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		entries->list = grown;
		entries->room = room;
	}
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	entries->list[entries->n++] = (struct entry){copy, is_node};
	return 0;
}

/* A blob wants the properties of a node before its children. */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *ea = a, *eb = b;

	if (ea->is_node != eb->is_node)
		return ea->is_node ? 1 : -1;
	return strverscmp(ea->name, eb->name);
}

static int refuse_kind(struct walk *walk, const char *path, const char *name,
		       mode_t mode)
{
	const char *kind = S_ISLNK(mode)    ? "a symbolic link"
			   : S_ISFIFO(mode) ? "a pipe"
			   : S_ISSOCK(mode) ? "a socket"
					    : "a device";
	char where[WORDS_LABEL_BYTES], label[WORDS_LABEL_BYTES];

	return error_set(walk->why, -EBADMSG,
			 "%s/%s is %s, and a devicetree has only directories "
			 "and plain files",
			 words_label(where, path), words_label(label, name),
			 kind);
}

/* Sorts what the directory holds into nodes and properties. */
static int list_entries(struct walk *walk, int dir_fd, const char *path,
			struct entries *entries)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	const struct dirent *dirent;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(walk->why, -errno, "%s: %m", path);
	dir = fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return -ENOMEM;
	}
	while ((errno = 0, dirent = readdir(dir))) {
		const char *name = dirent->d_name;
		struct stat st;
		int r;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return error_set(walk->why, -errno, "%s/%s: %m", path,
					 name);
		if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
			return refuse_kind(walk, path, name, st.st_mode);
		r = entries_add(entries, name, S_ISDIR(st.st_mode));
		if (r < 0)
			return r;
	}
	if (errno)
		return error_set(walk->why, -errno, "%s: %m", path);
	if (entries->n > 0)
		qsort(entries->list, entries->n, sizeof(*entries->list),
		      compare_entries);
	return 0;
}

static int read_property(int dir_fd, const char *name, char **bytesp,
			 size_t *lenp)
{
	/* O_NONBLOCK: should it have become a pipe by now, fail, not wait. */
	_cleanup_fd_ int fd = openat(
		dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fd_read_all(fd, DIRECTORY_MAX_BYTES, bytesp, lenp);
}

static int walk_property(struct walk *walk, int dir_fd, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_free_ char *bytes = NULL;
	size_t len;
	int r;

	if (strcmp(name, "name") == 0)
		return 0;
	r = read_property(dir_fd, name, &bytes, &len);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return walk->writer->unread(walk->data, path, -r);
	return walk->writer->property(walk->data, name, bytes, len);
}

static int walk_node(struct walk *walk, int dir_fd, const char *name,
		     const char *path, unsigned int depth);

static int walk_entries(struct walk *walk, int dir_fd, const char *path,
			const struct entries *entries, unsigned int depth)
{
	for (size_t i = 0; i < entries->n; i++) {
		const struct entry *entry = &entries->list[i];
		_cleanup_free_ char *child = NULL;
		_cleanup_fd_ int fd = -1;
		int r;

		if (asprintf(&child, "%s/%s", path, entry->name) < 0) {
			child = NULL;
			return -ENOMEM;
		}
		if (!entry->is_node) {
			r = walk_property(walk, dir_fd, child);
			if (r < 0)
				return r;
			continue;
		}
		fd = openat(dir_fd, entry->name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return error_set(walk->why, -errno, "%s: %m", child);
		r = walk_node(walk, fd, entry->name, child, depth + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static int walk_node(struct walk *walk, int dir_fd, const char *name,
		     const char *path, unsigned int depth)
{
	_cleanup_(entries_deinit) struct entries entries = {0};
	int r;

	if (depth > DIRECTORY_MAX_DEPTH) {
		char label[WORDS_LABEL_BYTES];

		return error_set(walk->why, -ELOOP,
				 "%s is nested deeper than %u directories",
				 words_label(label, path), DIRECTORY_MAX_DEPTH);
	}
	r = walk->writer->begin_node(walk->data, name);
	if (r < 0)
		return r;
	r = list_entries(walk, dir_fd, path, &entries);
	if (r < 0)
		return r;
	r = walk_entries(walk, dir_fd, path, &entries, depth);
	if (r < 0)
		return r;
	return walk->writer->end_node(walk->data);
}

/* Looked at before the walk: a walk of / or /etc would be long, and its end
 * would not be a better answer. */
static bool looks_like_devicetree(int dir_fd)
{
	static const char *const signs[] = {"#address-cells", "#size-cells",
					    "compatible", "model",
					    "reserved-memory"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (faccessat(dir_fd, signs[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	return false;
}

int directory_walk(const char *path, const struct directory_writer *writer,
		   void *data, struct error *why)
{
	struct walk walk = {.writer = writer, .data = data, .why = why};
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return error_set(why, -errno, "%s: %m", path);
	if (!looks_like_devicetree(fd))
		return error_set(why, -EBADMSG,
				 "%s does not look like a devicetree: it has "
				 "neither #address-cells nor compatible nor "
				 "model",
				 path);
	r = walk_node(&walk, fd, "", path, 0);
	if (r == -ENOMEM)
		return error_set(why, r, "%s: out of memory", path);
	return r;
}
