/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ROUND_H
#define DAEMON_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/budget.h"
#include "util/list.h"

/*
 * Members that are looked at in turn: each once in a period, or less often
 * where they are more than a few and that takes more CPU time than the round
 * may spend.  It knows nothing of them but how many they are; whoever looks
 * says what time it is, what one look costs (look_ns), and what was spent.
 */

/* A rest takes this part of what going round takes. */
#define ROUND_RESTS 8

struct round_terms {
	uint32_t permille;  /* of a core: what it may spend */
	uint64_t period_ms; /* the shortest rest as well */
	uint64_t rest_ms;   /* no rest is longer, but to pay a debt */
	size_t few;	    /* so many are looked at whatever it costs */
};

struct round {
	struct list members; // the caller's links, whose turn it is first
	size_t n;
	size_t left;	   /* looks of the pass under way */
	uint64_t begin_ms; /* when that began */
	uint64_t due_ms;   /* nothing is done before */
	uint64_t spent_ms; /* when its last rest began */
	bool resting;
	struct budget budget;
	struct round_terms terms;
};

void round_init(struct round *round, const struct round_terms *terms);

/* At the end; where it was empty, the first look is due in a period. */
void round_join(struct round *round, struct list *link, uint64_t now_ms);
void round_leave(struct round *round, struct list *link);

/* When there is something to do; UINT64_MAX: never, it is empty. */
uint64_t round_due_ms(struct round *round, uint64_t look_ns, uint64_t now_ms);

/* How many looks may be taken at once where there is room for so many: no more
 * than can be paid, but one; in debt, none.  A few need not pay. */
unsigned int round_room(struct round *round, uint64_t look_ns, uint64_t now_ms,
			unsigned int room);

/* Whose turn it is, NULL: nobody's now.  He is looked at once for each call,
 * and leaves then: to join again, if he stays. */
struct list *round_next(struct round *round, uint64_t look_ns, uint64_t now_ms);

/* Looks were taken and cost spent_ns; waking up for them took waking_ns, which
 * a crowded round pays as well.  A few pay nothing. */
void round_pay(struct round *round, uint64_t look_ns, uint64_t spent_ns,
	       uint64_t waking_ns, uint64_t now_ms);

#endif
