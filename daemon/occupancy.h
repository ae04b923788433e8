/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_OCCUPANCY_H
#define DAEMON_OCCUPANCY_H

#include <stdint.h>

#include "daemon/region.h"
#include "proto/message.h"

/* How large a cell must be for a region to fit a number of them: whole
 * granules, at least one. */
uint64_t occupancy_cell_bytes(const struct region *region, uint32_t cells);
/* How many cells of that size the region's span has. */
uint32_t occupancy_count(const struct region *region, uint64_t cell_bytes);

/* Adds up what is in each cell; cells has that many entries, zeroed. */
void occupancy_fill(const struct region *region, uint64_t cell_bytes,
		    struct contig_msg_cell *cells);

#endif
