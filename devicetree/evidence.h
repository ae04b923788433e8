/* SPDX-License-Identifier: MIT */
#ifndef DEVICETREE_EVIDENCE_H
#define DEVICETREE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devicetree/placement.h"
#include "devicetree/reserved.h"

/*
 * One source of evidence on where a dynamically placed node lies.  Sources know
 * different things, and an answer does not claim more than its source can: the
 * kernel log names nodes, while /proc/iomem only has ranges without names,
 * which can bear out or contradict what another source states.
 */

enum evidence_says {
	EVIDENCE_SILENT, /* nothing on this node */
	EVIDENCE_STATES, /* the node, by its name, is at each of ranges: more
			    than one contradict each other */
	EVIDENCE_ALLOWS, /* the node lies within one of ranges, whichever */
	EVIDENCE_DENIES, /* the kernel did not place it, or gave it up */
};

struct evidence_answer {
	enum evidence_says says;
	struct reserved_range *ranges; /* size 0: not told; owned */
	size_t n_ranges;
};

struct evidence_source {
	const char *name; /* as it stands in a sentence */
	/* Answers for a node without reg.  0 or -ENOMEM. */
	int (*ask)(const struct evidence *evidence,
		   const struct reserved_node *node,
		   struct evidence_answer *answer);
};

extern const struct evidence_source evidence_cma;
extern const struct evidence_source evidence_iomem;
extern const struct evidence_source evidence_log;
extern const struct evidence_source evidence_memblock;

/* Appends a range: 0 or -ENOMEM. */
int evidence_answer_add(struct evidence_answer *answer, uint64_t base,
			uint64_t size_bytes);
/* As above; a range that continues the last one becomes one with it. */
int evidence_answer_join(struct evidence_answer *answer, uint64_t base,
			 uint64_t size_bytes);
void evidence_answer_deinit(struct evidence_answer *answer);

/* The next line of a text, without its newline; false at the end. */
bool evidence_next_line(const char **textp, const char **linep, size_t *lenp);

/* A number with at least one digit at *textp, which is moved behind it; a 0x in
 * front of hexadecimal digits is optional.  False: none there. */
bool evidence_parse_number(const char **textp, unsigned int radix,
			   uint64_t *valuep);

/* Moves *textp behind prefix where it begins with that. */
bool evidence_skip(const char **textp, const char *prefix);

#endif
