/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_ORDER_H
#define TOOLS_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "contig.h"
#include "util/error.h"

/* Most buffers that one contigctl asks for. */
#define ORDER_MAX_COUNT 65536

/* What the command line of contigctl alloc asks for. */
struct order {
	uint64_t size_bytes;
	uint64_t count;
	uint64_t align_bytes;
	uint64_t max_phys;
	uint64_t boundary_bytes;
	const char *require; /* NULL: nothing */
	const char *region;
	const char *name;
	const char *hold; /* NULL: until interrupted */
};

#define ORDER_INIT         \
	{                  \
		.count = 1 \
	}

/* Checks everything that can be wrong without asking the daemon, and fills in
 * what the library wants; it borrows region and name.  -EINVAL, -ERANGE, with
 * a sentence that names the option. */
int order_check(const struct order *order, struct contig_request *wanted,
		struct error *why);

/* Reads "contiguous,dma-buf" and so on. -EINVAL. */
int order_parse_require(const char *list, uint32_t *guaranteesp,
			struct error *why);

/* Reads seconds, with up to nine decimals, as nanoseconds.  -EINVAL, -ERANGE:
 * more than 2^31-1 seconds. */
int order_parse_hold(const char *text, uint64_t *nsp, struct error *why);

#endif
