/* SPDX-License-Identifier: MIT */
#ifndef LIB_FAILURE_H
#define LIB_FAILURE_H

#include "lib/contig.h"
#include "proto/message.h"

/*
 * A failure in words for the caller.  Every function here takes a NULL
 * failure, fills the whole struct otherwise, and returns the negative errno.
 */

/* What went wrong on this side. */
int failure_set(struct contig_failure *failure, int error, const char *format,
		...) __attribute__((format(printf, 3, 4)));

/* What the daemon refused; error has passed validate_reply(). */
int failure_from_error(struct contig_failure *failure,
		       const struct contig_msg_error *error);

#endif
