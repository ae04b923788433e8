/* SPDX-License-Identifier: MIT */
#include "devicetree/evidence.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/*
 * /proc/iomem: physical addresses and what is there, children indented by two
 * blanks.  Reserved memory has no names in it, so it can only allow:
 *
 *   no-map		a top-level "reserved", beside System RAM
 *   mapped		a "reserved" within System RAM
 *   reusable		System RAM, for the kernel uses it meanwhile
 *
 * That is arm64; riscv writes "Reserved".  Ranges that touch are shown as one
 * or several, whatever memblock made of them, and are joined here.  Where a
 * kind does not show at all the architecture does not list it (32-bit arm), and
 * silence is no denial.
 *
 * Without CAP_SYS_ADMIN every address reads as 0, which is no evidence either.
 */

struct iomem_line {
	unsigned int depth;
	uint64_t base;
	uint64_t last;
	const char *name; /* up to the end of the line */
	size_t name_len;
};

static bool parse_line(const char *text, size_t len, struct iomem_line *line)
{
	const char *end = text + len;
	size_t blanks = strspn(text, " ");

	line->depth = (unsigned int)(blanks / 2);
	text += blanks;
	if (!evidence_parse_number(&text, 16, &line->base) ||
	    !evidence_skip(&text, "-") ||
	    !evidence_parse_number(&text, 16, &line->last) ||
	    !evidence_skip(&text, " : ") || line->last < line->base)
		return false;
	line->name = text;
	line->name_len = (size_t)(end - text);
	return true;
}

/* Lines that show an address; the others are skipped. */
static bool next_line(const char **textp, struct iomem_line *line)
{
	const char *text;
	size_t len;

	while (evidence_next_line(textp, &text, &len))
		if (parse_line(text, len, line) && line->last != 0)
			return true;
	return false;
}

/* "System RAM", also with what kind it is in parentheses. */
static bool is_system_ram(const struct iomem_line *line)
{
	static const char name[] = "System RAM";

	return line->name_len >= sizeof(name) - 1 &&
	       strncmp(line->name, name, sizeof(name) - 1) == 0;
}

static bool is_reserved(const struct iomem_line *line)
{
	static const char name[] = "reserved";

	return line->name_len == sizeof(name) - 1 &&
	       strncasecmp(line->name, name, sizeof(name) - 1) == 0;
}

static bool may_hold(const struct iomem_line *line,
		     const struct reserved_node *node)
{
	if (node->reusable)
		return is_system_ram(line);
	if (node->no_map)
		return line->depth == 0 && is_reserved(line);
	return is_reserved(line);
}

static int iomem_ask(const struct evidence *evidence,
		     const struct reserved_node *node,
		     struct evidence_answer *answer)
{
	const char *text = evidence->iomem;
	struct iomem_line line;

	while (text && next_line(&text, &line)) {
		int r;

		/* The whole of the address space is no memory. */
		if (!may_hold(&line, node) ||
		    line.last - line.base == UINT64_MAX)
			continue;
		r = evidence_answer_join(answer, line.base,
					 line.last - line.base + 1);
		if (r < 0)
			return r;
		answer->says = EVIDENCE_ALLOWS;
	}
	return 0;
}

int evidence_is_system_ram(const struct evidence *evidence, uint64_t base,
			   uint64_t size_bytes)
{
	const struct reserved_range range = {base, size_bytes};
	const char *text = evidence->iomem;
	struct iomem_line line;
	int answer = -ENODATA;

	if (size_bytes == 0)
		return 0;
	while (text && next_line(&text, &line)) {
		answer = 0;
		if (is_system_ram(&line) &&
		    line.base <= reserved_range_last(&range) &&
		    line.last >= base)
			return 1;
	}
	return answer;
}

const struct evidence_source evidence_iomem = {
	.name = "/proc/iomem",
	.ask = iomem_ask,
};
