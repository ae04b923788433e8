/* SPDX-License-Identifier: MIT */
#ifndef LIB_REQUEST_H
#define LIB_REQUEST_H

#include "lib/contig.h"
#include "proto/message.h"

/* Judges a caller's request, and writes it into *alloc, of which the header is
 * left alone.  Returns 0, or -EINVAL or -E2BIG explained in *failure. */
int request_encode(const struct contig_request *request, size_t count,
		   struct contig_msg_alloc *alloc,
		   struct contig_failure *failure);

#endif
