/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include <string.h>

/*
 * The kernel log, the one source that names nodes of every kind.  What it says
 * depends on the kernel; these wordings are understood:
 *
 *   OF: reserved mem: 0xBASE..0xLAST (N KiB) nomap non-reusable NAME
 *	in 6.12 and 7.2, for every node, with "map" or "nomap", "reusable" or
 *	"non-reusable".
 *
 *   Reserved memory: created CMA memory pool at 0xBASE, size N MiB
 *   OF: reserved mem: initialized node NAME, compatible id shared-dma-pool
 *	also "DMA memory pool" and "restricted DMA pool"; only for nodes that
 *	the kernel has code for.  In 6.1 and before, these two lines are all
 *	there is: a plain no-map node leaves none.
 *
 *   OF: reserved mem: failed to allocate memory for node 'NAME': size N MiB
 *   OF: reserved mem: node NAME compatible matching fail
 *	the kernel found no place, or gave the place back.
 *
 * Whoever may write to /dev/kmsg can write such lines as well, but the kernel
 * marks them: the priority in front has a facility, and then it is 8 or more.
 */

static const char of_prefix[] = "OF: reserved mem: ";

/* A pool whose node the next line names. */
struct pool {
	bool seen;
	uint64_t base;
};

/* Drops "<6>" and "[    0.000000] "; false for a line from user space. */
static bool strip_prefix(const char **linep)
{
	uint64_t priority;

	if (evidence_skip(linep, "<")) {
		if (!evidence_parse_number(linep, 10, &priority) ||
		    !evidence_skip(linep, ">") || priority >= 8)
			return false;
	}
	if (**linep == '[') {
		size_t stamp = strcspn(*linep, "]\n");

		if (strncmp(*linep + stamp, "] ", 2) == 0)
			*linep += stamp + 2;
	}
	return true;
}

/* Whether the rest of the line is name and then tail. */
static bool rest_is(const char *text, const char *end, const char *name,
		    const char *tail)
{
	size_t len = strlen(name);

	if ((size_t)(end - text) < len || strncmp(text, name, len) != 0)
		return false;
	text += len;
	if (!*tail)
		return text == end;
	return (size_t)(end - text) >= strlen(tail) &&
	       strncmp(text, tail, strlen(tail)) == 0;
}

/* 0xBASE..0xLAST (N KiB) nomap non-reusable NAME */
static int read_range(const char *text, const char *end,
		      const struct reserved_node *node,
		      struct evidence_answer *answer)
{
	uint64_t base, last, kib;

	if (!evidence_parse_number(&text, 16, &base) ||
	    !evidence_skip(&text, "..") ||
	    !evidence_parse_number(&text, 16, &last) || last < base ||
	    !evidence_skip(&text, " (") ||
	    !evidence_parse_number(&text, 10, &kib) ||
	    !evidence_skip(&text, " KiB) "))
		return 0;
	if (!evidence_skip(&text, "nomap ") && !evidence_skip(&text, "map "))
		return 0;
	if (!evidence_skip(&text, "reusable ") &&
	    !evidence_skip(&text, "non-reusable "))
		return 0;
	if (!rest_is(text, end, node->name, ""))
		return 0;
	answer->says = EVIDENCE_STATES;
	return evidence_answer_add(answer, base, last - base + 1);
}

/* Reserved memory: created ... pool at 0xBASE, size N MiB */
static bool read_pool(const char *text, const char *end, struct pool *pool)
{
	static const char at[] = " pool at ";
	const char *p;

	if (!evidence_skip(&text, "Reserved memory: created "))
		return false;
	p = memmem(text, (size_t)(end - text), at, sizeof(at) - 1);
	if (!p)
		return false;
	p += sizeof(at) - 1;
	pool->seen = strncmp(p, "0x", 2) == 0 &&
		     evidence_parse_number(&p, 16, &pool->base);
	return true;
}

static int read_line(const char *text, const char *end,
		     const struct reserved_node *node, struct pool *pool,
		     struct evidence_answer *answer)
{
	if (read_pool(text, end, pool) || !evidence_skip(&text, of_prefix))
		return 0;
	if (evidence_skip(&text, "initialized node ")) {
		bool names_pool = pool->seen;

		pool->seen = false;
		if (!names_pool || !rest_is(text, end, node->name, ", "))
			return 0;
		answer->says = EVIDENCE_STATES;
		/* The line rounds its size down to MiB. */
		return evidence_answer_add(answer, pool->base, 0);
	}
	if ((evidence_skip(&text, "failed to allocate memory for node '") &&
	     rest_is(text, end, node->name, "'")) ||
	    (evidence_skip(&text, "node ") &&
	     rest_is(text, end, node->name, " compatible matching fail"))) {
		answer->says = EVIDENCE_DENIES;
		return 0;
	}
	return read_range(text, end, node, answer);
}

static int log_ask(const struct evidence *evidence,
		   const struct reserved_node *node,
		   struct evidence_answer *answer)
{
	const char *text = evidence->kernel_log, *line;
	struct pool pool = {0};
	bool denied = false;
	size_t len;

	while (text && evidence_next_line(&text, &line, &len)) {
		const char *end = line + len;
		int r;

		if (!strip_prefix(&line))
			continue;
		r = read_line(line, end, node, &pool, answer);
		if (r < 0)
			return r;
		denied |= answer->says == EVIDENCE_DENIES;
	}
	/* Given up is given up, whatever was said before. */
	if (denied)
		answer->says = EVIDENCE_DENIES;
	return 0;
}

const struct evidence_source evidence_log = {
	.name = "the kernel log",
	.ask = log_ask,
};
