/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CLOSINGS_H
#define DAEMON_CLOSINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/rb.h"

/*
 * The kernel's word when an open file of a memfd was closed for the last time:
 * by descriptor, by mapping, or in a message that nobody received.
 */

/* One file of which one wants to hear; all zero before it is first used. */
struct closing {
	RB_ENTRY(closing) node; // closings::armed
	int wd;			/* of inotify(7); 0: not armed */
	uint64_t epoch;
};

struct closings {
	int fd; /* readable when there is something to read; -1: no use */
	RB_HEAD(closing_tree, closing) armed;
	uint64_t epoch; /* raised when words were lost */
	bool full;	/* the kernel has no room for more */
	bool complained;
};

/* Tries whether this kernel tells.  Or a negative errno, with the reason in
 * *why: closing_arm() then refuses, and everything has to be asked for. */
int closings_init(struct closings *closings, struct error *why);
/* What is armed must be disarmed before. */
void closings_deinit(struct closings *closings);

/* Asks for one word about the memfd fd_borrow.  It is given at the next last
 * close of an open file other than the caller's own, and then has to be asked
 * for again.  One closing a file.  0 (also where it is armed already) or
 *	-ENOTSUP	as closings_init() said
 *	-ENOSPC		the user's limit on watches is reached
 *	and what inotify_add_watch(2) gives. */
int closing_arm(struct closings *closings, struct closing *closing,
		int fd_borrow);
void closing_disarm(struct closings *closings, struct closing *closing);

/* The first half of closing_arm(), for a file that nobody has yet: it takes most
 * of the time, and may be called from any thread once closings_init() is done.
 * Returns the watch, for closing_adopt(), or a negative errno.  Where nobody
 * adopts it, it goes with the first open file of fd_borrow that is closed. */
int closings_watch(const struct closings *closings, int fd_borrow);
/* The second half, while the file is still nobody's: the closing is armed. */
void closing_adopt(struct closings *closings, struct closing *closing,
		   int watch);

/* True where a close will be told. */
bool closing_is_armed(const struct closings *closings,
		      const struct closing *closing);

/* The closing is no longer armed.  It must not be freed by it. */
typedef void closings_fn(void *data, struct closing *closing);

/* Reads what has come, a few hundred words at most.  0; 1: words were lost, and
 * nothing is armed any more; or a negative errno. */
int closings_read(struct closings *closings, closings_fn *fn, void *data);

#endif
