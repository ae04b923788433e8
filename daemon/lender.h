/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LENDER_H
#define DAEMON_LENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/account.h"
#include "daemon/bounce.h"
#include "daemon/buffer.h"
#include "daemon/closings.h"
#include "daemon/kept.h"
#include "daemon/loan.h"
#include "daemon/loop.h"
#include "daemon/moderation.h"
#include "daemon/policy.h"
#include "daemon/reaper.h"
#include "daemon/region.h"
#include "daemon/registry.h"
#include "daemon/scrubber.h"
#include "daemon/stock.h"
#include "daemon/warden.h"
#include "daemon/worker.h"
#include "util/cleanup.h"
#include "util/list.h"

/*
 * Lends memory and gets it back: regions, buffers, who waits, and the machinery
 * that looks after them.  It knows nothing of connections and messages.
 */
struct lender {
	const struct policy *policy; /* borrowed; NULL: nothing is forbidden */
	struct list regions;	     // region::link, by id
	size_t n_regions;
	struct registry registry;
	struct accounts accounts;
	uint64_t ticket; /* of struct dirt */
	uint64_t next_id;
	struct vault *vault;  /* borrowed; NULL: what is lent ends with us */
	uint64_t allocations; /* buffers lent since start */
	uint64_t refusals;

	struct list parked;  // loan::link, in order of arrival
	struct list bounces; // bounce::link
	struct worker *worker;
	struct watch *worker_watch;
	struct closings closings;
	struct moderation closings_moderation;
	size_t n_told; /* by what is being read */
	struct reaper reaper;
	struct scrubber scrubber;
	struct stock stock;
	struct kept kept;
	struct warden warden;
	struct timer *reaper_timer;
	struct timer *retry_timer;
	bool reaper_armed;
	uint64_t reaper_due_ms;
	const struct loop *loop; /* borrowed */
	uint64_t reaper_call;	 /* the reaper's last, as the loop counts */
};

/* 0 or a negative errno. */
int lender_new(struct lender **lenderp, struct loop *loop);
/* Every owner must be gone; all buffers are left to their holders. */
struct lender *lender_free(struct lender *lender);
DEFINE_CLEANUP(struct lender *, lender_free)

/* What is lent from now on goes into the vault, which outlives the lender; ids
 * go on from those that are in it. */
void lender_use_vault(struct lender *lender, struct vault *vault);

/* Adds a region whose tickets are lender::ticket; zeroing starts. 0 or -ENOMEM. */
int lender_add_region_consume(struct lender *lender, struct region *region);
/* Adds a buffer that an earlier daemon lent, to be looked at soon. */
void lender_add_buffer(struct lender *lender, struct buffer *buffer);
/* NULL where there is none. */
struct region *lender_find_region(const struct lender *lender, const char *name);
struct region *lender_get_region(const struct lender *lender, uint32_t id);
struct region *lender_default_region(const struct lender *lender);

/* Somebody let go of the buffer; by_owner: the one it was lent to.  The buffer
 * may be gone afterwards. */
void lender_hint(struct lender *lender, struct buffer *buffer, bool by_owner);
/* The connection ends: its buffers go when their holders do. */
void lender_owner_gone(struct lender *lender, struct owner *owner);
/* To be called before anybody is told how things are: no buffer whose holders
 * went before that, as far as the kernel tells, is lent any more; of REAPER_SLICE
 * at most, as more would take too long.  Whether any ended. */
bool lender_catch_up(struct lender *lender);
/* To be called after anything that may change when the reaper is due. */
void lender_arm_reaper(struct lender *lender);

/* Looks at guards of lent buffers, as warden_inspect(). */
struct patrol *lender_inspect(struct lender *lender, const struct region *region,
			      uint64_t after, patrol_fn *done, void *data);
/* Frees it, after done was called, and looks at its buffers again. */
struct patrol *lender_patrol_free(struct lender *lender, struct patrol *patrol);
/* Does so once the worker is done with it, and calls no done: nobody waits for
 * it any more. */
void lender_patrol_abandon(struct lender *lender, struct patrol *patrol);

/* As bounce_start(). */
struct bounce *lender_bounce(struct lender *lender, struct buffer *buffer,
			     const struct bounce *what);
/* Frees it, after done was called, and looks at its buffer again. */
struct bounce *lender_bounce_free(struct lender *lender, struct bounce *bounce);
/* As lender_patrol_abandon(). */
void lender_bounce_abandon(struct lender *lender, struct bounce *bounce);

#endif
