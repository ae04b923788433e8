/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ATTEMPT_H
#define DAEMON_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/choice.h"
#include "daemon/loan.h"

/*
 * One try to serve a request, from whichever region may; and where none can,
 * whether waiting for anything could change that.
 */

/* A buffer that began to drain a moment ago mostly belongs to a process that
 * is just ending; this long, a request that is short of memory waits for it. */
#define ATTEMPT_GRACE_MS     50
#define ATTEMPT_GRACE_MAX_MS 200 /* in all, since the request came */

struct attempt {
	struct choice choice;

	/* what is worth waiting for */
	bool short_of_memory; /* anything: one region at least might do later */
	bool dirt;	      /* zeroing and looking at guards that is under way
				 since loan::dirt_ticket */
	uint64_t grace_ms;    /* so long for what drains; 0: nothing does */

	/* of the regions that refused, the one that came closest */
	const struct region *closest; /* NULL: there was none to choose from */
	struct loan_failure failure;  /* what it said */
};

/* Tries each region of the choice in turn.  True where the loan was served, as
 * by loan_try(); else the attempt says why not. */
bool attempt_run(struct attempt *attempt, const struct choice *choice,
		 struct loan *loan, uint64_t *next_idp);

/* Writes the reason of one that failed to loan::refusal. */
void attempt_explain(const struct attempt *attempt, struct loan *loan);

#endif
