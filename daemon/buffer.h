/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BUFFER_H
#define DAEMON_BUFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/account.h"
#include "daemon/backend.h"
#include "daemon/closings.h"
#include "daemon/guard.h"
#include "daemon/owner.h"
#include "daemon/region.h"
#include "daemon/vault.h"
#include "util/error.h"
#include "util/list.h"
#include "util/rb.h"

struct round;

#define BUFFER_NAME_BYTES 32 /* as CONTIG_MSG_NAME_BYTES */

/* Pages of its own that an object gives back at once, when it ends: 64 of 4 KiB
 * take 16 to 25 us (6.18, x86). */
#define BUFFER_DISCARD_BYTES (UINT64_C(256) << 10)

enum buffer_state {
	BUFFER_LENT = 1,
	BUFFER_DRAINING = 2,
};

/* One run that is lent out. */
struct buffer {
	uint64_t id; /* increasing, never used again */
	char name[BUFFER_NAME_BYTES];
	enum buffer_state state;
	struct region *region;	 // list region::buffers
	struct object *object;	 /* owned */
	struct stain *stain;	 /* owned: set aside for the return */
	struct account *account; /* a reference: charged until the end */
	struct accounts *accounts;
	struct owner *owner;	   /* NULL: that connection has ended */
	struct vault_entry *entry; /* owned; NULL: it ends with the daemon */
	unsigned int pins;	   /* the worker copies from or to it */
	bool guard_filled;	   /* so what is in the guard means something */
	struct guard_damage damage; /* of the guard, once it was reported */

	struct list return_link;   // warden::returned
	struct list region_link;   // region::buffers
	struct list owner_link;	   // owner::buffers
	RB_ENTRY(buffer) by_id;	   // registry::ids
	RB_ENTRY(buffer) by_inode; // registry::inodes

	/* the reaper's */
	struct list watch_link;	 // reaper::watched
	struct list round_link;	 // round::members, reaper::fresh
	RB_ENTRY(buffer) by_due; // reaper::appointments
	struct round *round;	 /* NULL: in none */
	struct closing closing;
	uint64_t due_ms;  /* where it is appointed */
	uint64_t step_ms; /* between looks, where it is in doubt; 0: none yet */
	uint64_t hot_until_ms;
	uint64_t sweep; /* the last one that looked at it */
	bool appointed;
	bool doubted; /* the kernel told of it, and it was held all the same */
	bool told;    /* again, since the last look */
};

struct buffer_spec {
	uint64_t id;
	const char *name;
	struct region *region;
	struct owner *owner;
};

/* Makes the buffer of a clean run that was taken from the region's space; the
 * guard is the end of it.  The run becomes the buffer's only where this returns
 * 0.
 * A negative errno: what the backend could not do, with the words in *why. */
int buffer_new_consume(struct buffer **bufferp, const struct buffer_spec *spec,
		       const struct run *run, struct error *why);

/* Makes sure that n buffers of one request outlive the daemon, where there is
 * a vault: all or none.  Nobody may have them before. */
int buffer_keep(struct buffer *const *buffers, size_t n, struct error *why);

/* One that an earlier daemon lent. */
struct buffer_past {
	uint64_t id;
	const char *name;
	enum buffer_state state;
	struct region *region; /* in which its run is taken */
	struct accounts *accounts;
	uint32_t owner_uid;
	bool guard_filled;
	struct vault_entry *entry; /* consumed where this succeeds ... */
	struct object *object;	   /* ... as is this one */
};

/* Makes a buffer without a connection of it.  0 or -ENOMEM. */
int buffer_restore(struct buffer **bufferp, const struct buffer_past *past);

/* How a buffer ended. */
enum buffer_end {
	BUFFER_UNTOUCHED, /* nobody ever got a descriptor: the run is clean */
	BUFFER_USED,	  /* the last holder is gone: the run is dirty */
	BUFFER_LEFT,	  /* the daemon ends: holders keep what they have */
};

/* Ends a buffer: its run goes back to the region.  Returns NULL. */
struct buffer *buffer_free(struct buffer *buffer, enum buffer_end end);

/* The guard behind it has its pattern. */
void buffer_note_guard(struct buffer *buffer);

/* The owner let go, others may still hold it: LENT becomes DRAINING. */
void buffer_drain(struct buffer *buffer, uint64_t now_ms);
/* The same, and the owner's connection is no more. */
void buffer_orphan(struct buffer *buffer, uint64_t now_ms);

static inline uint64_t buffer_bytes(const struct buffer *buffer)
{
	return buffer->object->run.size_bytes;
}

/* All that it takes of its region, the guard included. */
static inline const struct run *buffer_whole(const struct buffer *buffer)
{
	return &buffer->stain->run;
}

static inline uint32_t buffer_owner_uid(const struct buffer *buffer)
{
	return buffer->account->uid;
}

#endif
