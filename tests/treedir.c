/* SPDX-License-Identifier: MIT */
#include "tests/treedir.h"

#include <endian.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "util/cleanup.h"
#include "util/fd.h"

/*
 * Directories that pretend to be a devicetree.  They live below TMPDIR and are
 * removed from the leaves up, so that a test leaves nothing behind.
 */

static void join(char path[4096], const char *dir, const char *name)
{
	int n = snprintf(path, 4096, "%s/%s", dir, name);

	ck_assert_int_lt(n, 4096);
}

void treedir_new(char dir[TREEDIR_BYTES])
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(dir, TREEDIR_BYTES, "%s/contigd-tree-XXXXXX",
			 tmp ? tmp : "/tmp");

	ck_assert_int_lt(n, TREEDIR_BYTES);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void treedir_remove(const char *dir)
{
	ck_assert_int_eq(nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS), 0);
}

void treedir_node(const char *dir, const char *node)
{
	char path[4096];

	join(path, dir, node);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

void treedir_bytes(const char *dir, const char *property, const void *bytes,
		   size_t len)
{
	char path[4096];
	_cleanup_fd_ int fd = -1;

	join(path, dir, property);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, bytes, len), 0);
}

void treedir_cells(const char *dir, const char *property,
		   const uint32_t *cells, size_t n_cells)
{
	uint32_t swapped[16];

	ck_assert_uint_le(n_cells, 16);
	for (size_t i = 0; i < n_cells; i++)
		swapped[i] = htobe32(cells[i]);
	treedir_bytes(dir, property, swapped, n_cells * sizeof(uint32_t));
}

void treedir_reserved_memory(const char *dir)
{
	TREEDIR_CELLS(dir, "#address-cells", 2);
	TREEDIR_CELLS(dir, "#size-cells", 2);
	treedir_node(dir, "reserved-memory");
	TREEDIR_CELLS(dir, "reserved-memory/#address-cells", 2);
	TREEDIR_CELLS(dir, "reserved-memory/#size-cells", 2);
	treedir_bytes(dir, "reserved-memory/ranges", "", 0);
}
