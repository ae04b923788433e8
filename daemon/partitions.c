/* SPDX-License-Identifier: MIT */
#include "daemon/partitions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/broken.h"
#include "util/cleanup.h"
#include "util/format.h"

/*
 * A reservation is not a number of bytes but a place.  Bytes that are merely
 * counted are there after weeks and lie in a thousand pieces; a piece that
 * nobody else is ever let into is as whole as its own users leave it.  So each
 * one is cut off from the region at the start and has an allocator of its own,
 * which like every other knows nothing of users.
 *
 * Pieces are cut off the ends of segments, so that what is common stays as
 * whole as it can: off the smallest segment that holds the piece, and off its
 * upper end, as low addresses are those that every device reaches; off the
 * lower one where the piece then begins at a rounder address, for requests that
 * want to be aligned.  Rounder than the piece is large helps nobody.
 *
 * A run that is lent lies in one piece.  One that is claimed or released may
 * not, once the configuration has been changed between two lives of the
 * daemon: it is taken apart at the limits of today.
 */

bool partition_is_open(const struct partition *partition,
		       const struct credentials *who)
{
	const struct config_reservation *reservation = partition->reservation;

	return !reservation ||
	       (who &&
		config_principals_match(&reservation->who, who->uid, who->gid,
					who->groups, who->n_groups));
}

/* ---- cutting ------------------------------------------------------------ */

/* What is not cut off yet. */
struct rest {
	struct run *segments;
	size_t n;
	uint64_t granule_bytes;
};

/* The power of two, as far as it matters to a piece of that size, that an
 * address is a multiple of; 0 is one of all. */
static uint64_t alignment(uint64_t phys, uint64_t size_bytes)
{
	uint64_t power = phys ? phys & -phys : UINT64_C(1) << 63;

	while (power > size_bytes)
		power >>= 1;
	return power;
}

/* Where in a segment a piece would begin; false: it does not fit. */
static bool choose_end(const struct run *segment, uint64_t size_bytes,
		       uint64_t below, uint64_t *physp)
{
	uint64_t low = segment->phys, high;

	if (segment->size_bytes < size_bytes)
		return false;
	high = low + (segment->size_bytes - size_bytes);
	if (below && high + (size_bytes - 1) >= below)
		high = low;
	if (below && low + (size_bytes - 1) >= below)
		return false;
	*physp = high;
	if (alignment(low, size_bytes) > alignment(high, size_bytes))
		*physp = low;
	return true;
}

static void cut(struct rest *rest, size_t i, const struct run *piece)
{
	struct run *segment = &rest->segments[i];

	if (piece->phys == segment->phys)
		segment->phys += piece->size_bytes;
	segment->size_bytes -= piece->size_bytes;
	if (segment->size_bytes > 0)
		return;
	memmove(segment, segment + 1, (rest->n - i - 1) * sizeof(*segment));
	rest->n--;
}

/* 0, or -ENOSPC with the reason. */
static int cut_off(struct rest *rest,
		   const struct config_reservation *reservation,
		   struct run *piecep, struct error *why)
{
	uint64_t mask = rest->granule_bytes - 1, longest = 0, phys;
	char size[FORMAT_SIZE_BYTES];
	struct run piece = {0, 0};
	size_t best = rest->n;

	if (__builtin_add_overflow(reservation->size_bytes, mask,
				   &piece.size_bytes))
		piece.size_bytes = UINT64_MAX;
	piece.size_bytes &= ~mask;
	for (size_t i = 0; i < rest->n; i++) {
		const struct run *segment = &rest->segments[i];

		if (segment->size_bytes > longest)
			longest = segment->size_bytes;
		if (!choose_end(segment, piece.size_bytes, reservation->below,
				&phys) ||
		    (best < rest->n &&
		     rest->segments[best].size_bytes <= segment->size_bytes))
			continue;
		best = i;
		piece.phys = phys;
	}
	if (best == rest->n && longest >= piece.size_bytes)
		return error_set(why, -ENOSPC,
				 "no run of that size ends below 0x%" PRIx64,
				 reservation->below);
	if (best == rest->n)
		return error_set(why, -ENOSPC,
				 "the longest run that is left is %s",
				 format_size(size, longest));
	cut(rest, best, &piece);
	*piecep = piece;
	return 0;
}

static void add_consume(struct partitions *partitions, struct space *space,
			const struct partitions_spec *spec,
			const struct config_reservation *reservation)
{
	space_expect_tail(space, spec->tail_bytes);
	partitions->items[partitions->n++] = (struct partition){
		.space = space,
		.reservation = reservation,
	};
}

static int cut_all(struct partitions *partitions, struct rest *rest,
		   const struct partitions_spec *spec, struct error *why)
{
	struct space *space;
	int r;

	for (size_t i = 0; i < spec->n_reservations; i++) {
		struct error own = ERROR_INIT;
		struct run piece;

		if (cut_off(rest, &spec->reservations[i], &piece, &own) < 0) {
			if (spec->complain)
				spec->complain(spec->data,
					       &spec->reservations[i], own.text);
			continue;
		}
		r = space_new(&space, rest->granule_bytes, &piece, 1, why);
		if (r < 0)
			return r;
		add_consume(partitions, space, spec,
			    &spec->reservations[i]);
	}
	if (rest->n == 0)
		return 0;
	r = space_new(&space, rest->granule_bytes, rest->segments, rest->n, why);
	if (r == 0)
		add_consume(partitions, space, spec, NULL);
	return r;
}

/* The segments as a space sees them: checked, sorted and joined. */
static int read_segments(struct rest *rest, const struct partitions_spec *spec,
			 struct error *why)
{
	const struct run *segments;
	struct space *space;
	int r = space_new(&space, spec->granule_bytes, spec->segments,
			  spec->n_segments, why);

	if (r < 0)
		return r;
	segments = space_segments(space, &rest->n);
	rest->granule_bytes = spec->granule_bytes;
	rest->segments = calloc(rest->n, sizeof(*segments));
	if (rest->segments)
		memcpy(rest->segments, segments, rest->n * sizeof(*segments));
	(void)space_free(space);
	return rest->segments ? 0 : error_set(why, -ENOMEM, "out of memory");
}

int partitions_init(struct partitions *partitions,
		    const struct partitions_spec *spec, struct error *why)
{
	struct rest rest = {.segments = NULL};
	struct space *space;
	int r;

	partitions->n = 0;
	partitions->items =
		calloc(spec->n_reservations + 1, sizeof(*partitions->items));
	if (!partitions->items)
		return error_set(why, -ENOMEM, "out of memory");
	if (spec->n_reservations == 0) {
		r = space_new(&space, spec->granule_bytes, spec->segments,
			      spec->n_segments, why);
		if (r == 0)
			add_consume(partitions, space, spec, NULL);
	} else {
		r = read_segments(&rest, spec, why);
		if (r == 0)
			r = cut_all(partitions, &rest, spec, why);
		free(rest.segments);
	}
	if (r < 0)
		partitions_deinit(partitions);
	return r;
}

void partitions_deinit(struct partitions *partitions)
{
	for (size_t i = 0; i < partitions->n; i++)
		(void)space_free(partitions->items[i].space);
	free(partitions->items);
	partitions->items = NULL;
	partitions->n = 0;
}

/* ---- allocating --------------------------------------------------------- */

/* What several partitions said, as if they were one. */
static int combine(int outcome, int other)
{
	/* the closest to success counts */
	static const int rank[] = {
		[SPACE_E_INVALID] = 1,	  [SPACE_E_TOO_LARGE] = 2,
		[SPACE_E_FULL] = 3,	  [SPACE_E_FRAGMENTED] = 4,
		[SPACE_E_CONSTRAINT] = 5,
	};

	return !outcome || rank[other] > rank[outcome] ? other : outcome;
}

int partitions_alloc(struct partitions *partitions,
		     const struct credentials *who,
		     const struct space_request *request, struct run *runp,
		     struct space_refusal *refusal)
{
	struct space_refusal all = {.free_bytes = 0};
	int outcome = 0;

	for (size_t i = 0; i < partitions->n; i++) {
		const struct partition *item = &partitions->items[i];
		struct space_refusal one = {.free_bytes = 0};
		int r;

		if (!partition_is_open(item, who))
			continue;
		r = space_alloc(item->space, request, runp, &one);
		if (r == 0)
			return 0;
		outcome = combine(outcome, r);
		all.constraints |= one.constraints;
		all.free_bytes += one.free_bytes;
		if (one.largest_free_bytes > all.largest_free_bytes)
			all.largest_free_bytes = one.largest_free_bytes;
	}
	if (!outcome) /* everything is reserved for others */
		outcome = SPACE_E_TOO_LARGE;
	if (outcome == SPACE_E_FULL && all.free_bytes >= request->tail_bytes &&
	    all.free_bytes - request->tail_bytes >= request->size_bytes)
		outcome = SPACE_E_FRAGMENTED;
	if (refusal)
		*refusal = all;
	return outcome;
}

/* ---- all partitions as one ---------------------------------------------- */

const struct partition *partitions_find(const struct partitions *partitions,
					const struct run *run, struct run *partp)
{
	for (size_t i = 0; i < partitions->n; i++) {
		const struct partition *item = &partitions->items[i];
		uint64_t left = space_bytes_from(item->space, run->phys);

		if (left == 0)
			continue;
		*partp = *run;
		if (left < run->size_bytes)
			partp->size_bytes = left;
		return item;
	}
	return NULL;
}

void partitions_release(struct partitions *partitions, const struct run *run)
{
	struct run left = *run;

	while (left.size_bytes > 0) {
		struct run part;
		const struct partition *item =
			partitions_find(partitions, &left, &part);

		if (!item)
			broken("released 0x%" PRIx64 "+0x%" PRIx64
			       " is not of this region",
			       run->phys, run->size_bytes);
		space_release(item->space, &part);
		left.phys += part.size_bytes;
		left.size_bytes -= part.size_bytes;
	}
}

int partitions_claim(struct partitions *partitions, const struct run *run)
{
	struct run left = *run;
	uint64_t last;

	if (run->size_bytes == 0 ||
	    __builtin_add_overflow(run->phys, run->size_bytes - 1, &last))
		return -ERANGE;
	while (left.size_bytes > 0) {
		const struct run taken = {run->phys, left.phys - run->phys};
		struct run part;
		const struct partition *item =
			partitions_find(partitions, &left, &part);
		int r = item ? space_claim(item->space, &part) : -ERANGE;

		if (r < 0) {
			if (taken.size_bytes > 0)
				partitions_release(partitions, &taken);
			return r;
		}
		left.phys += part.size_bytes;
		left.size_bytes -= part.size_bytes;
	}
	return 0;
}

uint64_t partitions_granule_bytes(const struct partitions *partitions)
{
	return space_granule_bytes(partitions->items[0].space);
}

uint64_t partitions_size_bytes(const struct partitions *partitions)
{
	uint64_t size = 0;

	for (size_t i = 0; i < partitions->n; i++)
		size += space_size_bytes(partitions->items[i].space);
	return size;
}

uint64_t partitions_base(const struct partitions *partitions)
{
	uint64_t base = UINT64_MAX;

	for (size_t i = 0; i < partitions->n; i++)
		if (space_base(partitions->items[i].space) < base)
			base = space_base(partitions->items[i].space);
	return base;
}

uint64_t partitions_span_bytes(const struct partitions *partitions)
{
	uint64_t base = partitions_base(partitions), end = 0;

	for (size_t i = 0; i < partitions->n; i++) {
		const struct space *space = partitions->items[i].space;
		uint64_t span = space_span_bytes(space);
		uint64_t reach = space_base(space) - base + (span - 1);

		if (reach > end)
			end = reach;
	}
	return end == UINT64_MAX ? end : end + 1;
}

uint64_t partitions_free_bytes(const struct partitions *partitions)
{
	uint64_t free_bytes = 0;

	for (size_t i = 0; i < partitions->n; i++)
		free_bytes += space_free_bytes(partitions->items[i].space);
	return free_bytes;
}

void partitions_for_each_free(const struct partitions *partitions,
			      void (*fn)(void *data, const struct run *run),
			      void *data)
{
	for (size_t i = 0; i < partitions->n; i++)
		space_for_each_free(partitions->items[i].space, fn, data);
}
