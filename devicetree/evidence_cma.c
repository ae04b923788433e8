/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"

/*
 * debugfs' cma: a directory for each CMA area with its first page frame in
 * base_pfn, in decimal, and its pages in count.  The area of a reusable node is
 * named after the node; older kernels put "cma-" in front.  Only kernels built
 * with CONFIG_CMA_DEBUGFS have it.  In newer kernels an area may have several
 * ranges; base_pfn is then the first, and an area of a node has no other.
 *
 * A name out of a tree becomes part of a path here, so a name that is more than
 * one component is not asked for.
 */

/* The kernel cuts names of areas; the NUL is counted. */
#define CMA_MAX_NAME 64

/* 1 and the number that the file holds, 0 where there is none, -ENOMEM. */
static int read_number(const char *dir, const char *prefix, const char *name,
		       const char *file, uint64_t *valuep)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	const char *p;
	size_t len;
	int r;

	if (asprintf(&path, "%s/%s%s/%s", dir, prefix, name, file) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = fd_read_file(path, 64, &text, &len);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	p = text;
	return evidence_parse_number(&p, 10, valuep);
}

static int read_area(const char *dir, const char *prefix, const char *name,
		     struct evidence_answer *answer)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t pfn, count = 0, base, size_bytes;
	int r = read_number(dir, prefix, name, "base_pfn", &pfn);

	if (r <= 0)
		return r;
	r = read_number(dir, prefix, name, "count", &count);
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(pfn, page, &base) ||
	    __builtin_mul_overflow(count, page, &size_bytes))
		return 0;
	answer->says = EVIDENCE_STATES;
	return evidence_answer_add(answer, base, size_bytes);
}

static int cma_ask(const struct evidence *evidence,
		   const struct reserved_node *node,
		   struct evidence_answer *answer)
{
	char name[CMA_MAX_NAME];
	int r;

	if (!evidence->debugfs_cma || !node->reusable)
		return 0;
	(void)snprintf(name, sizeof(name), "%s", node->name);
	if (strchr(name, '/') || name[0] == '.' || name[0] == '\0')
		return 0;
	r = read_area(evidence->debugfs_cma, "", name, answer);
	if (r == 0 && answer->says == EVIDENCE_SILENT)
		r = read_area(evidence->debugfs_cma, "cma-", name, answer);
	return r;
}

const struct evidence_source evidence_cma = {
	.name = "debugfs' cma",
	.ask = cma_ask,
};
