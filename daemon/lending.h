/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LENDING_H
#define DAEMON_LENDING_H

#include "daemon/loan.h"
#include "daemon/loop.h"

/*
 * Decides requests for a lender's memory, and parks those that are worth
 * waiting for.
 */

struct lender;

/* 0 or a negative errno. */
int lending_init(struct lender *lender, struct loop *loop);
/* Parked requests are left to those who made them. */
void lending_deinit(struct lender *lender);

/* Serves the request or refuses it, in both cases by calling done: at once,
 * or later, when what could help it has been waited for. */
void lending_begin(struct lender *lender, struct loan *loan);
/* Forgets one that waits, without calling done. */
void lending_cancel(struct lender *lender, struct loan *loan);

/* Memory came back, or may have: in the next round of the loop all that wait
 * are tried again. */
void lending_retry_soon(struct lender *lender);

#endif
