/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LOAN_H
#define DAEMON_LOAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/buffer.h"
#include "daemon/owner.h"
#include "daemon/refusal.h"
#include "daemon/region.h"
#include "util/list.h"

struct loan;

/* result is 0, or the reason of loan::refusal.  The loan may be freed by it. */
typedef void loan_fn(struct loan *loan, int result);

struct lender;
struct patrol;

/* One request for memory on its way. */
struct loan {
	struct want want;
	struct owner *owner; /* borrowed */
	loan_fn *done;
	void *data;

	/* while it waits; the lender's */
	struct list link; // lender::parked
	uint64_t parked_ms;
	uint64_t sweep_ticket;
	uint64_t dirt_ticket; /* UINT64_MAX until that sweep is done */
	bool in_grace;	      /* it waits for what began to drain */

	/* while the guards of its buffers are filled; the lender's */
	struct patrol *filling; /* NULL: they are not */
	struct lender *lender;

	/* what came of it */
	struct refusal refusal;
	size_t n_lent;
	size_t n_fds;
	int *fds;		  /* owned, to be sent and closed */
	struct buffer *buffers[]; /* borrowed; there is room for want.count */
};

/* NULL: out of memory. */
struct loan *loan_new(const struct want *want, struct owner *owner,
		      loan_fn *done, void *data);
/* Closes the descriptors that it still has; it must not be parked. */
struct loan *loan_free(struct loan *loan);
void loan_close_fds(struct loan *loan);

/* The reason that an errno of a backend is to a client. */
uint32_t loan_reason(int r);

/* Why a region could not serve it. */
struct loan_failure {
	uint32_t reason; /* enum contig_msg_reason */
	int outcome;	 /* enum space_outcome; 0: it was not the space */
	unsigned int constraints;
	int quota;	  /* enum quota_outcome; 0: it was not the quota */
	struct error why; /* where it was not the space */
};

/*
 * Tries to serve all of it from one region, or takes nothing.  Ids are taken
 * from *next_idp.  Returns 0 with buffers and fds set, or the reason of
 * *failure.
 */
int loan_try(struct loan *loan, struct region *region, uint64_t *next_idp,
	     struct loan_failure *failure);

/* The failure in words and figures, as the region is now. */
void loan_explain(const struct loan *loan, const struct region *region,
		  const struct loan_failure *failure, struct refusal *refusal);

#endif
