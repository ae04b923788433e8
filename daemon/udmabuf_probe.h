/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_UDMABUF_PROBE_H
#define DAEMON_UDMABUF_PROBE_H

#include "daemon/backend.h"
#include "daemon/kernel_release.h"
#include "proto/message.h"
#include "util/error.h"

/* Whether this machine's udmabuf will do. */

#define UDMABUF_GUARANTEES                                                  \
	(CONTIG_MSG_CONTIGUOUS | CONTIG_MSG_ISOLATED | CONTIG_MSG_DMA_BUF | \
	 CONTIG_MSG_CACHED | CONTIG_MSG_PHYS_KNOWN)

/* Refuses a kernel whose udmabuf corrupts memory, unless the options insist:
 * -ENOTSUP; or what kernel_release_get() gives.  *release is the kernel's. */
int udmabuf_probe_kernel(const struct backend_options *options,
			 struct kernel_release *release, struct error *why);

/* backend::probe: tries all of it on one or two huge pages. */
void udmabuf_probe(const struct backend_options *options,
		   struct backend_report *report);

#endif
