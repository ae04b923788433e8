/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REFUSAL_H
#define DAEMON_REFUSAL_H

#include <stdint.h>

#include "daemon/credentials.h"
#include "daemon/region.h"
#include "daemon/space.h"
#include "proto/message.h"

/* What a client asks for: count runs of one region. */
struct want {
	struct space_request run;
	uint32_t count;
	uint32_t require;		      /* guarantees */
	char region[CONTIG_MSG_REGION_BYTES]; /* empty: not named */
	char name[CONTIG_MSG_NAME_BYTES];
	const struct credentials *who; /* who asks; NULL: anybody */
};

/* Why it does not get it. */
struct refusal {
	uint32_t reason; /* enum contig_msg_reason */
	uint64_t requested_bytes;
	uint64_t free_bytes;
	uint64_t largest_free_bytes;
	uint64_t draining_bytes;
	char text[CONTIG_MSG_TEXT_BYTES];
};

/* All bytes that it would take, in granules of the region and with guards;
 * UINT64_MAX: more than fit a number. */
uint64_t want_total_bytes(const struct want *want, const struct region *region);

/* The same without guards: what its owner is charged with. */
uint64_t want_charge_bytes(const struct want *want, const struct region *region);

/* Adds to the text, as far as there is room. */
void refusal_add(struct refusal *refusal, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Sets reason and text, and all figures to 0. */
void refusal_set(struct refusal *refusal, uint32_t reason, const char *format,
		 ...) __attribute__((format(printf, 3, 4)));

/* What the allocator of the region said: outcome is an enum space_outcome. */
void refusal_set_space(struct refusal *refusal, const struct want *want,
		       const struct region *region, int outcome,
		       unsigned int constraints);

/* The reason that stands for an enum space_outcome. */
uint32_t refusal_space_reason(int outcome);

/* How close a request came that was refused for this reason; larger is closer.
 * Of the refusals of several regions the closest is the one to show. */
int refusal_closeness(uint32_t reason);

#endif
