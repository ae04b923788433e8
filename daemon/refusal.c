/* SPDX-License-Identifier: MIT */
#include "daemon/refusal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/usable.h"
#include "util/format.h"

/*
 * "No memory" is never the whole answer.  A refusal names the region, what was
 * asked for, what is free and in how long a run, what stood in the way, and
 * what may still come back:
 *
 *	region 'video': 5.1M requested, 12M free, longest run 4M; 8M draining
 *
 * The figures are those of what the client could have used: what is dirty
 * counts as free, what is reserved for others does not.  A guard behind each
 * buffer takes room as well, so it is named wherever room is what is missing,
 * and is part of what was requested.
 */

/* In granules of the region, with so many bytes behind each buffer. */
static uint64_t sum_up(const struct want *want, const struct region *region,
		       uint64_t behind_bytes)
{
	uint64_t granule = region_granule_bytes(region);
	uint64_t each, total;

	if (__builtin_add_overflow(want->run.size_bytes, granule - 1, &each))
		return UINT64_MAX;
	each &= ~(granule - 1);
	if (__builtin_add_overflow(each, behind_bytes, &each) ||
	    __builtin_mul_overflow(each, (uint64_t)want->count, &total))
		return UINT64_MAX;
	return total;
}

uint64_t want_total_bytes(const struct want *want, const struct region *region)
{
	return sum_up(want, region, region->memory->guard_bytes);
}

uint64_t want_charge_bytes(const struct want *want, const struct region *region)
{
	return sum_up(want, region, 0);
}

void refusal_add(struct refusal *refusal, const char *format, ...)
{
	size_t len = strlen(refusal->text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(refusal->text + len, sizeof(refusal->text) - len,
			format, args);
	va_end(args);
}

void refusal_set(struct refusal *refusal, uint32_t reason, const char *format,
		 ...)
{
	va_list args;

	memset(refusal, 0, sizeof(*refusal));
	refusal->reason = reason;
	va_start(args, format);
	(void)vsnprintf(refusal->text, sizeof(refusal->text), format, args);
	va_end(args);
}

uint32_t refusal_space_reason(int outcome)
{
	switch (outcome) {
	case SPACE_E_TOO_LARGE:
		return CONTIG_MSG_R_TOO_LARGE;
	case SPACE_E_FULL:
		return CONTIG_MSG_R_FULL;
	case SPACE_E_FRAGMENTED:
		return CONTIG_MSG_R_FRAGMENTED;
	case SPACE_E_CONSTRAINT:
		return CONTIG_MSG_R_CONSTRAINT;
	default:
		return CONTIG_MSG_R_ARGUMENT;
	}
}

static void add_constraints(struct refusal *refusal, const struct want *want,
			    unsigned int constraints)
{
	const struct space_request *run = &want->run;
	const char *link = ", but none ";
	char size[FORMAT_SIZE_BYTES];

	if (!constraints) /* no single one: they exclude each other */
		constraints =
			(run->align_bytes ? SPACE_ALIGN : 0) |
			(run->max_phys != UINT64_MAX ? SPACE_MAX_PHYS : 0) |
			(run->boundary_bytes ? SPACE_BOUNDARY : 0);
	if (constraints & SPACE_ALIGN) {
		refusal_add(refusal, "%sat a multiple of %s", link,
			    format_size(size, run->align_bytes));
		link = " and ";
	}
	if (constraints & SPACE_MAX_PHYS) {
		refusal_add(refusal, "%sup to address 0x%" PRIx64, link,
			    run->max_phys);
		link = " and ";
	}
	if (constraints & SPACE_BOUNDARY)
		refusal_add(refusal, "%swithin a boundary of %s", link,
			    format_size(size, run->boundary_bytes));
}

void refusal_set_space(struct refusal *refusal, const struct want *want,
		       const struct region *region, int outcome,
		       unsigned int constraints)
{
	uint64_t total = want_total_bytes(want, region);
	uint64_t guard_bytes = region->memory->guard_bytes;
	char size[FORMAT_SIZE_BYTES], times[16] = "";

	refusal_set(refusal, refusal_space_reason(outcome),
		    "region '%s': ", region->name);
	refusal->requested_bytes = total;
	refusal->free_bytes = usable_bytes(region, want->who);
	refusal->largest_free_bytes = usable_longest_bytes(region, want->who);
	refusal->draining_bytes = region->draining_bytes;
	if (want->count > 1)
		(void)snprintf(times, sizeof(times), "%" PRIu32 " x ",
			       want->count);
	refusal_add(refusal, "%s%s requested", times,
		    format_size(size, want->run.size_bytes));
	if (guard_bytes > 0 && outcome != SPACE_E_INVALID)
		refusal_add(refusal, " (and a guard of %s behind%s)",
			    format_size(size, guard_bytes),
			    want->count > 1 ? " each" : "");
	if (outcome == SPACE_E_INVALID) {
		refusal_add(refusal, ", which no run can satisfy: a boundary "
				     "is smaller than the size");
		return;
	}
	if (outcome == SPACE_E_TOO_LARGE) {
		refusal_add(refusal, ", it never holds more than %s in a run",
			    format_size(size, usable_longest_ever_bytes(
						      region, want->who)));
		return;
	}
	refusal_add(refusal, ", %s free",
		    format_size(size, refusal->free_bytes));
	refusal_add(refusal, ", longest run %s",
		    format_size(size, refusal->largest_free_bytes));
	if (outcome == SPACE_E_CONSTRAINT)
		add_constraints(refusal, want, constraints);
	if (region->draining_bytes > 0)
		refusal_add(refusal, "; %s draining",
			    format_size(size, region->draining_bytes));
	if (region->quarantined_bytes > 0)
		refusal_add(refusal, "; %s quarantined",
			    format_size(size, region->quarantined_bytes));
}

int refusal_closeness(uint32_t reason)
{
	static const uint32_t order[] = {
		/* what is most worth telling comes last */
		CONTIG_MSG_R_ARGUMENT,	 CONTIG_MSG_R_TOO_LARGE,
		CONTIG_MSG_R_FULL,	 CONTIG_MSG_R_FRAGMENTED,
		CONTIG_MSG_R_CONSTRAINT, CONTIG_MSG_R_RESOURCE,
		CONTIG_MSG_R_BACKEND,	 CONTIG_MSG_R_QUOTA,
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (order[i] == reason)
			return (int)i + 1;
	return 0;
}
