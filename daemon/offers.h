/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_OFFERS_H
#define DAEMON_OFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/btree.h"
#include "daemon/fit.h"
#include "daemon/reach.h"

/*
 * The free runs by what they offer to requests with constraints: where there is
 * a place, it is found without looking at the runs that have none.  Runs are
 * words (see reach.h).
 */

struct offers;

/* For at most max_runs runs within 2^place_bits granules of granule_bytes;
 * place_bits is below 64.  reach is copied.  -ENOMEM. */
int offers_new(struct offers **offersp, const struct reach *reach,
	       unsigned int place_bits, uint64_t granule_bytes,
	       uint64_t max_runs);
struct offers *offers_free(struct offers *offers);

/* Requests come with a tail of so many granules, until this says otherwise; at
 * first with none.  Only while there are no runs. */
void offers_expect_tail(struct offers *offers, uint64_t tail);

/* Where a run is or will be among the others. */
struct offers_spot {
	struct btree_cursor cursor;
	unsigned int class;
	bool is_in;    /* it is long enough for more than a tail */
	uint64_t word; /* without the tail */
};

/* Asks for the memory of the spot, to be there when the run is added or
 * dropped; those two find it whatever else was added and dropped until then.
 * They abort where the run is there, or is not. */
void offers_approach(const struct offers *offers, uint64_t word,
		     struct offers_spot *spot);
void offers_add(struct offers *offers, struct offers_spot *spot);
void offers_drop(struct offers *offers, struct offers_spot *spot);

/* Whether it is there, or need not be, being no longer than the tail. */
bool offers_has(const struct offers *offers, uint64_t word);

/* A free run with an admissible place, and the lowest such place in it; false
 * where no run has one.  The more a run is cut by large powers of two, the
 * later it is chosen.  The tail of fit is the one that is expected. */
bool offers_find(const struct offers *offers, const struct fit *fit,
		 uint64_t *wordp, uint64_t *physp);

/* Counts the runs that are longer than the tail; aborts where one is not as it
 * must be. */
size_t offers_verify(const struct offers *offers);

#endif
