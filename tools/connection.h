/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_CONNECTION_H
#define TOOLS_CONNECTION_H

#include "contig.h"
#include "tools/command.h"
#include "util/cleanup.h"

/* Connects to the daemon that the invocation names.  Returns 0, or a negative
 * errno after a complaint. */
int connection_open(const struct invocation *invocation,
		    struct contig **contigp);

/* Complains that something could not be done, because of result, a negative
 * errno; yields EXIT_FAILURE. */
int connection_failed(const char *what, int result);

DEFINE_CLEANUP(struct contig *, contig_close)
#define _cleanup_contig_ _cleanup_(contig_closep)

#endif
