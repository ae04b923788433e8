/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LEDGER_FORM_H
#define DAEMON_LEDGER_FORM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/checksum.h"

/*
 * The exact form of the ledger: a header and records of one size, in the byte
 * order of the machine, which never leaves it.
 *
 * Any instruction of the writer may be the last one that it executes, so a
 * record is written in this order: its fields, the check of them, its state.
 * Each state vouches for certain fields, and only those are looked at.
 */

#define LEDGER_MAGIC	     "contigd: ledger" /* with its NUL, 16 bytes */
#define LEDGER_VERSION	     1
#define LEDGER_BOOT_ID_BYTES 40
#define LEDGER_REGION_BYTES  64
#define LEDGER_BACKEND_BYTES 16
#define LEDGER_NAME_BYTES    32

/* No two states are one damaged byte apart, and none is made of zeroes: what
 * was never written is told from what was wiped out. */
enum ledger_state {
	LEDGER_UNTOUCHED = 0,		 /* from here to the end: no records */
	LEDGER_FREE = 0x65657246,	 /* "Free": may be used */
	LEDGER_CLAIMED = 0x6d69616c,	 /* "laim": nobody ever had it */
	LEDGER_LENT = 0x746e654c,	 /* "Lent" */
	LEDGER_DRAINING = 0x6e697264,	 /* "drin": its owner let go of it */
	LEDGER_QUARANTINED = 0x72617551, /* "Quar": held by who knows whom */
};

#define LEDGER_GUARD_FILLED 0x72617547 /* "Guar" */

/* The address means something within the region only (simulated memory). */
#define LEDGER_MADE_UP (1u << 0)

struct ledger_record {
	uint32_t state; /* enum ledger_state */
	uint32_t guard; /* LEDGER_GUARD_FILLED, or anything else: it is not */

	/* what is known when the run is taken */
	uint64_t id;	   /* of the buffer */
	uint64_t shelf_id; /* under which its descriptor lies on a shelf: its
			      own, or that of the first buffer that had it */
	uint64_t phys;
	uint64_t size_bytes;  /* of the run, guard included */
	uint64_t guard_bytes; /* of them, at the end */
	uint32_t owner_uid;
	uint32_t flags;			  /* LEDGER_MADE_UP */
	char region[LEDGER_REGION_BYTES]; /* as all here NUL-terminated */
	char backend[LEDGER_BACKEND_BYTES];
	char name[LEDGER_NAME_BYTES];
	uint64_t claim_check; /* of all from id to here */

	/* what is known when its object was made */
	uint64_t token;
	uint64_t device;
	uint64_t inode;
	uint64_t lent_check; /* of all from id to here */

	uint8_t room[48]; /* for later versions; not looked at */
};

/* A number below which ids may have been used.  Of two, the larger one whose
 * check is right holds; they are written in turn. */
struct ledger_promise {
	uint64_t ids_below;
	uint64_t check;
};

#define LEDGER_PROMISE_STEP 1024 /* how far ahead the next one is */

struct ledger_header {
	char magic[16];
	uint32_t version; /* raised where an older reader would go wrong */
	uint32_t record_bytes;
	char boot_id[LEDGER_BOOT_ID_BYTES]; /* NUL-terminated */
	uint64_t check;			    /* of all above */
	struct ledger_promise promises[2];
	uint8_t room[152];
};

static_assert(sizeof(struct ledger_record) == 256, "form of the ledger");
static_assert(offsetof(struct ledger_record, claim_check) == 168, "no gaps");
static_assert(offsetof(struct ledger_record, lent_check) == 200, "no gaps");
static_assert(sizeof(struct ledger_header) == 256, "form of the ledger");
static_assert(offsetof(struct ledger_header, check) == 64, "no gaps");

/* What the checks must be. */
static inline uint64_t ledger_claim_sum(const struct ledger_record *record)
{
	return checksum64(&record->id,
			  offsetof(struct ledger_record, claim_check) -
				  offsetof(struct ledger_record, id));
}

static inline uint64_t ledger_lent_sum(const struct ledger_record *record)
{
	return checksum64(&record->id,
			  offsetof(struct ledger_record, lent_check) -
				  offsetof(struct ledger_record, id));
}

static inline uint64_t ledger_header_sum(const struct ledger_header *header)
{
	return checksum64(header, offsetof(struct ledger_header, check));
}

static inline uint64_t ledger_promise_sum(const struct ledger_promise *promise)
{
	return checksum64(&promise->ids_below, sizeof(promise->ids_below));
}

static inline bool ledger_promise_holds(const struct ledger_promise *promise)
{
	return promise->ids_below > 0 &&
	       promise->ids_below < UINT64_MAX - 2 * LEDGER_PROMISE_STEP &&
	       promise->check == ledger_promise_sum(promise);
}

#endif
