/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BUDGET_H
#define DAEMON_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How much CPU time something may take: so many thousandths of one core.  It
 * keeps no clock; whoever uses it says what time it is and what was spent.
 */
struct budget {
	uint32_t permille;
	int64_t burst_ns; /* no more than this is saved */
	int64_t left_ns;  /* below 0: more was spent than there was */
	uint64_t at_ms;	  /* when left_ns was true */
};

/* permille 1..1000; what is not used may be saved for burst_ms, at least 1, and
 * is there from the start. */
void budget_init(struct budget *budget, uint32_t permille, uint64_t burst_ms);

/* Whether anything is left.  Whoever begins something then may finish it, and
 * pays for all of it. */
bool budget_has(struct budget *budget, uint64_t now_ms);
void budget_spend(struct budget *budget, uint64_t ns);

/* Milliseconds until something is left; 0: it is. */
uint64_t budget_wait_ms(struct budget *budget, uint64_t now_ms);

#endif
