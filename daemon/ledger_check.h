/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LEDGER_CHECK_H
#define DAEMON_LEDGER_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/ledger_form.h"
#include "util/error.h"

/* Why a ledger is refused. */
enum ledger_outcome {
	LEDGER_E_DAMAGED = 1, /* no writer ever leaves it like this */
	LEDGER_E_NEWER = 2,   /* made by a later version of the daemon */
	LEDGER_E_FOREIGN = 3, /* speaks of the memory of another boot */
};

/* What a ledger says where it is not refused. */
struct ledger_summary {
	size_t n_records; /* there is room for */
	size_t n_touched; /* records behind them were never written */
	uint64_t next_id; /* no buffer has had it, or one above it */
};

/*
 * Whether size bytes, aligned to 8, are a ledger of this boot that can be
 * believed.  It touches nothing but the bytes.  0, with *summary filled;
 * enum ledger_outcome, with the reason in *why; or -ENOMEM.
 */
int ledger_check(const void *bytes, size_t size, const char *boot_id,
		 struct ledger_summary *summary, struct error *why);

#endif
