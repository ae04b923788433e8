/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LEDGER_FILE_H
#define DAEMON_LEDGER_FILE_H

#include <stdbool.h>

#include "daemon/ledger.h"
#include "util/error.h"

/* What may still be in somebody's hands although no record says so. */
enum ledger_doubt {
	LEDGER_CERTAIN = 0,
	LEDGER_DOUBTS_PERMANENT, /* memory that is there before and after any
				    daemon: see backend::permanent */
	LEDGER_DOUBTS_ALL,
};

/* The ledger that a daemon starts with. */
struct ledger_file {
	struct ledger *ledger; /* owned; NULL: the last one's was refused */
	bool is_stored;	       /* by the service manager */
	bool store_lost;       /* it speaks of descriptors that nobody kept */
	enum ledger_doubt doubt;
	struct error reason; /* for the doubt */
};

/* Where to look. */
struct ledger_places {
	int stored_fd;	     /* what the manager kept; consumed; -1: nothing */
	bool shelves_stored; /* the manager kept buffers, too */
	const char *directory; /* where the file has a name too; NULL: none */
	const char *boot_id;   /* NULL: the machine's own */
};

/* Opens the ledger of the last daemon, or makes a new one.  A ledger in the
 * store that is refused stays there.  One in the directory is put aside as
 * "ledger.refused", and is the reason for doubt as long as it is there.
 * A negative errno: there is no way to have one. */
int ledger_file_get(struct ledger_file *file,
		    const struct ledger_places *places, struct error *why);

#endif
