/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_WARDEN_H
#define DAEMON_WARDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/buffer.h"
#include "daemon/patrol.h"
#include "daemon/registry.h"
#include "daemon/worker.h"
#include "util/list.h"

/*
 * Looks after guards in a buffer's three moments: fills them before it is lent,
 * compares them when it returns, and whenever somebody asks.
 */

/* The guard of a buffer that returned was looked at: the buffer must be ended
 * by buffer_free(). */
typedef void warden_fn(void *data, struct buffer *buffer);

struct warden {
	struct worker *worker;		 /* borrowed */
	const struct registry *registry; /* borrowed: of lent buffers */
	struct list patrols;	  // patrol::link: fillings and inspections
	struct list returned;	  // buffer::return_link, oldest first
	struct patrol *returning; /* owned: so that returning takes no memory */
	bool busy;		  /* returning is under way */
	warden_fn *fn;
	void *data;
};

/* 0 or -ENOMEM. */
int warden_init(struct warden *warden, struct worker *worker,
		const struct registry *registry, warden_fn *fn, void *data);
/* Only after the worker has ended.  Patrols are freed without calling done, and
 * buffers that were on their way back end unchecked. */
void warden_deinit(struct warden *warden);

/* Fills the guards of count buffers, at most PATROL_BUFFERS.  NULL: out of
 * memory.  The patrol is the caller's, from done on. */
struct patrol *warden_fill(struct warden *warden, struct buffer *const *buffers,
			   size_t count, patrol_fn *done, void *data);

/* Looks at the guards of lent buffers with ids above after, of one region or,
 * with NULL, of all, as many as one patrol takes; where it is full, there may
 * be more behind its last buffer.  Same as above. */
struct patrol *warden_inspect(struct warden *warden, const struct region *region,
			      uint64_t after, patrol_fn *done, void *data);

/* Releases its buffers.  Returns NULL. */
struct patrol *warden_patrol_free(struct patrol *patrol);

/* Nobody holds the buffer any more: it is in neither registry nor reaper.  Its
 * memory counts as draining until fn is called.  hurry: somebody waits. */
void warden_return(struct warden *warden, struct buffer *buffer,
		   uint64_t now_ms, bool hurry);
/* Somebody waits for what returns. */
void warden_hurry(struct warden *warden);

#endif
