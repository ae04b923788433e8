/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include <string.h>

/*
 * debugfs' memblock/reserved: every range that early boot took out of use,
 * among them each dynamically placed node, of whatever kind, and much else:
 * the kernel itself, its page tables, the initial ramdisk.  No names.  A line is
 *
 *      3: 0x000000007f800000..0x000000007fffffff    0 NONE
 *
 * where older kernels end after the range.  Ranges that touch may be one
 * or several, for they are split by flags and memory node, so they are joined.
 */

static int memblock_ask(const struct evidence *evidence,
			const struct reserved_node *node,
			struct evidence_answer *answer)
{
	const char *text = evidence->memblock, *line;
	size_t len;

	(void)node;
	while (text && evidence_next_line(&text, &line, &len)) {
		uint64_t number, base, last;
		int r;

		line += strspn(line, " ");
		if (!evidence_parse_number(&line, 10, &number) ||
		    !evidence_skip(&line, ": ") ||
		    !evidence_parse_number(&line, 16, &base) ||
		    !evidence_skip(&line, "..") ||
		    !evidence_parse_number(&line, 16, &last) || last < base ||
		    last - base == UINT64_MAX)
			continue;
		r = evidence_answer_join(answer, base, last - base + 1);
		if (r < 0)
			return r;
		answer->says = EVIDENCE_ALLOWS;
	}
	return 0;
}

const struct evidence_source evidence_memblock = {
	.name = "debugfs' memblock/reserved",
	.ask = memblock_ask,
};
