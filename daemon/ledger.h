/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LEDGER_H
#define DAEMON_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/ledger_check.h"
#include "daemon/ledger_form.h"
#include "daemon/run.h"
#include "util/cleanup.h"
#include "util/error.h"

/*
 * The record of what is lent, in a file that outlives the process: whatever it
 * was doing when it ended, the next one can tell from it what may still be in
 * somebody's hands.
 */

struct ledger;

/* Makes a ledger of an empty file, which is closed where that fails.
 * A negative errno. */
int ledger_new_consume(struct ledger **ledgerp, int fd, const char *boot_id,
		       struct error *why);
/* Opens one that an earlier daemon wrote.  enum ledger_outcome where it is
 * refused, which leaves the file as it is; or a negative errno. */
int ledger_open_consume(struct ledger **ledgerp, int fd, const char *boot_id,
			struct error *why);
/* The file keeps what it says. */
struct ledger *ledger_free(struct ledger *ledger);
DEFINE_CLEANUP(struct ledger *, ledger_free)

int ledger_fd(const struct ledger *ledger); /* borrowed */

/* The first id that no buffer ever had, as the ledger was opened. */
uint64_t ledger_first_id(const struct ledger *ledger);

/* What a buffer is before there is anything to hold. */
struct ledger_claim {
	uint64_t id;
	uint64_t shelf_id; /* not larger */
	struct run run;	   /* with its guard */
	uint64_t guard_bytes;
	uint32_t owner_uid;
	uint32_t flags;	     /* LEDGER_MADE_UP */
	const char *region;  /* shorter than LEDGER_REGION_BYTES */
	const char *backend; /* shorter than LEDGER_BACKEND_BYTES */
	const char *name;    /* shorter than LEDGER_NAME_BYTES */
};

/* What it is afterwards. */
struct ledger_object {
	uint64_t token;
	uint64_t device;
	uint64_t inode;
};

/* Enters a run as CLAIMED, and gives the place of the record.  -ENOSPC,
 * -ENOMEM and what growing the file gives. */
int ledger_claim(struct ledger *ledger, const struct ledger_claim *claim,
		 size_t *placep);
/* From here on, whoever finds the record must take the run for lent. */
void ledger_lend(struct ledger *ledger, size_t place,
		 const struct ledger_object *object);
/* The guard behind it has its pattern. */
void ledger_note_guard(struct ledger *ledger, size_t place);
/* Of one that is lent. */
void ledger_drain(struct ledger *ledger, size_t place);
/* Of one that is lent or draining. */
void ledger_quarantine(struct ledger *ledger, size_t place);
/* Nobody holds it any more. */
void ledger_erase(struct ledger *ledger, size_t place);

/* The first record in use at *placep or behind it, whose place that becomes;
 * NULL: there is none.  It may move when another run is claimed. */
const struct ledger_record *ledger_next(const struct ledger *ledger,
					size_t *placep);
size_t ledger_count(const struct ledger *ledger); /* of records in use */

#endif
