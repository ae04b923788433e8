/* SPDX-License-Identifier: MIT */
#include "daemon/guarantee.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "proto/message.h"

/*
 * Guarantees in words, as they stand in the log, in refusals and in the
 * answers of tools: one spelling for each, so that what a refusal asks for can
 * be found in the list of regions.
 */

static const struct {
	uint32_t bit;
	const char *name;
} names[] = {
	{CONTIG_MSG_CONTIGUOUS, "contiguous"},
	{CONTIG_MSG_ISOLATED, "isolated"},
	{CONTIG_MSG_DMA_BUF, "dma-buf"},
	{CONTIG_MSG_CACHED, "cached"},
	{CONTIG_MSG_PHYS_KNOWN, "known address"},
};

const char *guarantee_names(char buf[GUARANTEE_TEXT_BYTES], uint32_t guarantees)
{
	size_t len = 0;

	(void)snprintf(buf, GUARANTEE_TEXT_BYTES, "nothing");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (guarantees & names[i].bit) {
			(void)snprintf(buf + len, GUARANTEE_TEXT_BYTES - len,
				       "%s%s", len ? ", " : "", names[i].name);
			len = strlen(buf);
		}
	return buf;
}
