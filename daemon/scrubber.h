/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SCRUBBER_H
#define DAEMON_SCRUBBER_H

#include <stdbool.h>

#include "daemon/region.h"
#include "daemon/worker.h"
#include "util/list.h"

/*
 * Zeroes what is dirty, off the event loop.
 */

#define SCRUB_PIECE_BYTES (UINT64_C(4) << 20) /* given back as one */
#define SCRUB_SLICE_BYTES (UINT64_C(1) << 17) /* before something urgent */

/* Called when more of a region has become clean. */
typedef void scrubber_fn(void *data, struct region *region);

struct scrubber {
	struct worker *worker; /* borrowed */
	struct list scrubs;    // scrub::link
	scrubber_fn *fn;
	void *data;
};

void scrubber_init(struct scrubber *scrubber, struct worker *worker,
		   scrubber_fn *fn, void *data);
/* Only after the worker has ended. */
void scrubber_deinit(struct scrubber *scrubber);

/* Takes care of a region from now on; 0 or -ENOMEM. */
int scrubber_add(struct scrubber *scrubber, struct region *region);

/* Zeroes a run that has just become dirty at once, where that is quick and
 * nothing is under way or waits before it.  Whether it did; fn is not called. */
bool scrubber_clean_now(struct region *region);

/* There may be something to do.  hurry: somebody waits for it. */
void scrubber_kick(struct scrubber *scrubber, struct region *region, bool hurry);

#endif
