/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DEAL_H
#define TESTS_DEAL_H

#include <stdint.h>

#include "daemon/lender.h"
#include "daemon/loan.h"
#include "daemon/loop.h"
#include "daemon/owner.h"
#include "daemon/region.h"
#include "tests/fake.h"

/* A lender with a region of 8M on a fake backend, and one who borrows. */
struct deal {
	struct loop *loop;
	struct lender *lender;
	struct fake fake;
	struct region *region; /* the default one */
	struct owner owner;
	int n_done; /* requests that were decided */

	struct fake guarded; /* of deal_use_guards() */
};

/* One request and what came of it. */
struct ask {
	struct deal *deal;
	struct loan *loan;
	int result; /* -1: not decided */
	int order;  /* among those decided */
};

void deal_init(struct deal *deal);
void deal_deinit(struct deal *deal);
/* A region with guards in place of the other one, as the default. */
void deal_use_guards(struct deal *deal, uint64_t size_bytes);
/* Turns the loop without waiting, so that all that is due is done. */
void deal_turn(struct deal *deal, int n);

void deal_ask(struct deal *deal, struct ask *ask, uint64_t size_bytes,
	      uint32_t count);
void ask_wait(const struct ask *ask);
/* Nobody holds its buffers any more, and nobody says so. */
void ask_let_go(struct ask *ask);
/* Ends the request; its buffers stay lent. */
void ask_forget(struct ask *ask);

#endif
