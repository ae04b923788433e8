/* SPDX-License-Identifier: MIT */
#include "daemon/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bitmap.h"
#include "daemon/extent.h"
#include "util/broken.h"
#include "util/cleanup.h"
#include "util/power.h"

/*
 * The bitmap is the record, the index is the search.  A request is answered by
 * the index alone; the bits of the run that it proposes are then checked and
 * set, and a run that comes back must have all its bits set before they are
 * cleared.  So a granule that the two disagree about is noticed before it is
 * lent twice, and the program stops (see broken()).
 *
 * Segments are sorted, and those that touch are joined.  Hence two free runs
 * of different segments never touch, and the index needs no notion of a
 * segment.  The bitmap has no bits for gaps: segment i begins at bit
 * first_bits[i].
 *
 * Why a request was refused is found out after the fact, from the cheapest
 * reason to the dearest; only when everything but the constraints is ruled out
 * are searches repeated with some of them dropped.
 */

#define N_CONSTRAINTS 3

struct space {
	uint64_t granule_bytes;
	unsigned int granule_shift;
	struct run *segments; /* sorted by address, none touches another */
	uint64_t *first_bits; /* of each segment */
	size_t n_segments;
	uint64_t size_bytes;
	uint64_t free_bytes;
	uint64_t longest_bytes; /* of a segment */
	struct bitmap *taken;
	struct extents *free;
};

static bool is_granular(const struct space *space, const struct run *run)
{
	return ((run->phys | run->size_bytes) & (space->granule_bytes - 1)) == 0;
}

static int compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->phys > y->phys) - (x->phys < y->phys);
}

static int check_segment(const struct space *space, const struct run *segment,
			 struct error *why)
{
	uint64_t last;

	if (segment->size_bytes == 0)
		return error_set(why, -EINVAL, "segment 0x%" PRIx64 " is empty",
				 segment->phys);
	if (!is_granular(space, segment))
		return error_set(why, -EINVAL,
				 "segment 0x%" PRIx64 "+0x%" PRIx64
				 " is not a multiple of the granule %" PRIu64,
				 segment->phys, segment->size_bytes,
				 space->granule_bytes);
	if (__builtin_add_overflow(segment->phys, segment->size_bytes - 1, &last))
		return error_set(why, -EINVAL,
				 "segment 0x%" PRIx64 "+0x%" PRIx64
				 " exceeds 2^64",
				 segment->phys, segment->size_bytes);
	return 0;
}

/* Sorts the segments, joins those that touch and sums them up. */
static int join_segments(struct space *space, struct error *why)
{
	struct run *segments = space->segments;
	size_t n = 0;

	qsort(segments, space->n_segments, sizeof(*segments), compare_runs);
	for (size_t i = 0; i < space->n_segments; i++) {
		if (n && segments[i].phys <= run_last(&segments[n - 1]))
			return error_set(why, -EINVAL,
					 "segments 0x%" PRIx64 " and 0x%" PRIx64
					 " overlap",
					 segments[n - 1].phys, segments[i].phys);
		if (__builtin_add_overflow(space->size_bytes,
					   segments[i].size_bytes,
					   &space->size_bytes))
			return error_set(why, -EINVAL,
					 "the segments add up to 2^64 bytes");
		if (n && segments[i].phys == run_last(&segments[n - 1]) + 1)
			segments[n - 1].size_bytes += segments[i].size_bytes;
		else
			segments[n++] = segments[i];
	}
	space->n_segments = n;
	return 0;
}

/* Makes bitmap and index for the segments, which are final, all of it free. */
static int space_fill(struct space *space)
{
	const struct run *highest = &space->segments[space->n_segments - 1];
	uint64_t n_granules = space->size_bytes / space->granule_bytes;
	uint64_t bit = 0, max_runs = 0;
	int r;

	/* At most every second granule of a segment begins a free run. */
	for (size_t i = 0; i < space->n_segments; i++) {
		uint64_t size_bytes = space->segments[i].size_bytes;
		uint64_t count = size_bytes / space->granule_bytes;

		space->first_bits[i] = bit;
		bit += count;
		max_runs += count / 2 + count % 2;
		if (size_bytes > space->longest_bytes)
			space->longest_bytes = size_bytes;
	}
	r = bitmap_new(&space->taken, n_granules);
	if (r == 0)
		r = extents_new(&space->free,
				&(struct extents_bounds){
					.granule_bytes = space->granule_bytes,
					.first_phys = space->segments[0].phys,
					.last_phys = run_last(highest),
					.longest_bytes = space->longest_bytes,
					.max_runs = max_runs,
				});
	if (r < 0)
		return r;
	for (size_t i = 0; i < space->n_segments; i++)
		extents_insert(space->free, &space->segments[i]);
	space->free_bytes = space->size_bytes;
	return 0;
}

DEFINE_CLEANUP(struct space *, space_free)

int space_new(struct space **spacep, uint64_t granule_bytes,
	      const struct run *segments, size_t n_segments, struct error *why)
{
	_cleanup_(space_freep) struct space *space = NULL;
	int r;

	if (!is_power_of_two(granule_bytes))
		return error_set(why, -EINVAL,
				 "granule %" PRIu64 " is not a power of two",
				 granule_bytes);
	if (n_segments == 0)
		return error_set(why, -EINVAL, "there is no memory in it");
	space = calloc(1, sizeof(*space));
	if (!space)
		return error_set(why, -ENOMEM, "out of memory");
	space->granule_bytes = granule_bytes;
	space->granule_shift = (unsigned int)__builtin_ctzll(granule_bytes);
	space->n_segments = n_segments;
	space->segments = calloc(n_segments, sizeof(*space->segments));
	space->first_bits = calloc(n_segments, sizeof(*space->first_bits));
	if (!space->segments || !space->first_bits)
		return error_set(why, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n_segments; i++) {
		r = check_segment(space, &segments[i], why);
		if (r < 0)
			return r;
		space->segments[i] = segments[i];
	}
	r = join_segments(space, why);
	if (r < 0)
		return r;
	r = space_fill(space);
	if (r == -EOVERFLOW)
		return error_set(why, r,
				 "too many granules of %" PRIu64
				 " bytes: larger ones are needed",
				 granule_bytes);
	if (r < 0)
		return error_set(why, r,
				 "no memory for the books of %" PRIu64
				 " granules",
				 space->size_bytes / granule_bytes);
	*spacep = TAKE_PTR(space);
	return 0;
}

struct space *space_free(struct space *space)
{
	if (!space)
		return NULL;
	bitmap_free(space->taken);
	extents_free(space->free);
	free(space->segments);
	free(space->first_bits);
	free(space);
	return NULL;
}

void space_expect_tail(struct space *space, uint64_t tail_bytes)
{
	extents_expect_tail(space->free, tail_bytes);
}

/* The segment that an address is in, or NULL. */
static const struct run *find_segment(const struct space *space, uint64_t phys)
{
	size_t low = 0, high = space->n_segments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->segments[middle].phys <= phys)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || phys > run_last(&space->segments[low - 1]))
		return NULL;
	return &space->segments[low - 1];
}

/* The bits of a run; false where it is not within one segment, not granular
 * or empty. */
static bool bits_of(const struct space *space, const struct run *run,
		    uint64_t *firstp, uint64_t *countp)
{
	const struct run *segment;
	uint64_t last;

	if (run->size_bytes == 0 || !is_granular(space, run) ||
	    __builtin_add_overflow(run->phys, run->size_bytes - 1, &last))
		return false;
	segment = find_segment(space, run->phys);
	if (!segment || last > run_last(segment))
		return false;
	*firstp = space->first_bits[segment - space->segments] +
		  ((run->phys - segment->phys) >> space->granule_shift);
	*countp = run->size_bytes >> space->granule_shift;
	return true;
}

uint64_t space_bytes_from(const struct space *space, uint64_t phys)
{
	const struct run *segment = find_segment(space, phys);

	return segment ? segment->size_bytes - (phys - segment->phys) : 0;
}

/* The request in granules; 0, SPACE_E_INVALID or SPACE_E_TOO_LARGE. */
static int fit_from_request(const struct space *space,
			    const struct space_request *request, struct fit *fit)
{
	uint64_t mask = space->granule_bytes - 1, size_bytes;

	if (request->size_bytes == 0 ||
	    (request->align_bytes && !is_power_of_two(request->align_bytes)) ||
	    (request->boundary_bytes &&
	     (!is_power_of_two(request->boundary_bytes) ||
	      request->boundary_bytes < request->size_bytes)) ||
	    request->tail_bytes & mask)
		return SPACE_E_INVALID;
	if (__builtin_add_overflow(request->size_bytes, mask, &size_bytes))
		return SPACE_E_TOO_LARGE;
	size_bytes &= ~mask;
	if (request->boundary_bytes && request->boundary_bytes < size_bytes)
		return SPACE_E_INVALID;
	if (size_bytes > space->longest_bytes ||
	    request->tail_bytes > space->longest_bytes - size_bytes)
		return SPACE_E_TOO_LARGE;
	fit->size_bytes = size_bytes;
	fit->align_bytes = request->align_bytes > space->granule_bytes
				   ? request->align_bytes
				   : space->granule_bytes;
	fit->max_phys = request->max_phys;
	fit->boundary_bytes = request->boundary_bytes;
	fit->tail_bytes = request->tail_bytes;
	return 0;
}

/* True where there is a place once the constraints in dropped are ignored. */
static bool fits_without(const struct space *space, const struct fit *fit,
			 unsigned int dropped)
{
	struct fit rest = *fit;
	struct run from;
	uint64_t phys;

	if (dropped & SPACE_ALIGN)
		rest.align_bytes = space->granule_bytes;
	if (dropped & SPACE_MAX_PHYS)
		rest.max_phys = UINT64_MAX;
	if (dropped & SPACE_BOUNDARY)
		rest.boundary_bytes = 0;
	return extents_find(space->free, &rest, &from, &phys);
}

static unsigned int stated_constraints(const struct space *space,
				       const struct fit *fit)
{
	return (fit->align_bytes > space->granule_bytes ? SPACE_ALIGN : 0) |
	       (fit->max_phys < UINT64_MAX ? SPACE_MAX_PHYS : 0) |
	       (fit->boundary_bytes ? SPACE_BOUNDARY : 0);
}

/* The smallest sets of constraints that help when dropped, all together.  Only
 * what was stated can help, and each search may be a long one. */
static unsigned int blocking_constraints(const struct space *space,
					 const struct fit *fit)
{
	unsigned int stated = stated_constraints(space, fit), helping = 0;

	for (int size = 1; size <= N_CONSTRAINTS && !helping; size++)
		for (unsigned int set = 1; set <= stated; set++)
			if ((set & ~stated) == 0 &&
			    __builtin_popcount(set) == size &&
			    fits_without(space, fit, set))
				helping |= set;
	return helping;
}

/* Why nothing was found for fit. */
static int refusal_reason(const struct space *space, const struct fit *fit)
{
	if (space->free_bytes < fit_bytes(fit))
		return SPACE_E_FULL;
	if (extents_largest_bytes(space->free) < fit_bytes(fit))
		return SPACE_E_FRAGMENTED;
	return SPACE_E_CONSTRAINT;
}

int space_alloc(struct space *space, const struct space_request *request,
		struct run *runp, struct space_refusal *refusal)
{
	struct run run, from;
	uint64_t first, count;
	struct fit fit;
	int outcome = fit_from_request(space, request, &fit);

	if (outcome == 0 &&
	    !extents_find(space->free, &fit, &from, &run.phys))
		outcome = refusal_reason(space, &fit);
	if (outcome) {
		if (!refusal)
			return outcome;
		*refusal = (struct space_refusal){
			.free_bytes = space->free_bytes,
			.largest_free_bytes = extents_largest_bytes(space->free),
		};
		if (outcome == SPACE_E_CONSTRAINT)
			refusal->constraints = blocking_constraints(space, &fit);
		return outcome;
	}
	run.size_bytes = fit_bytes(&fit);
	if (!bits_of(space, &run, &first, &count))
		goto wrong;
	bitmap_expect(space->taken, first, count);
	extents_take(space->free, &from, &run);
	if (!bitmap_set(space->taken, first, count))
		goto wrong;
	space->free_bytes -= run.size_bytes;
	*runp = run;
	return 0;
wrong:
	broken("the index offers 0x%" PRIx64 "+0x%" PRIx64
	       ", which is not free",
	       run.phys, run.size_bytes);
}

int space_claim(struct space *space, const struct run *run)
{
	uint64_t first, count;

	if (!bits_of(space, run, &first, &count))
		return -ERANGE;
	if (!bitmap_all_clear(space->taken, first, count))
		return -EBUSY;
	extents_remove(space->free, run);
	(void)bitmap_set(space->taken, first, count);
	space->free_bytes -= run->size_bytes;
	return 0;
}

void space_release(struct space *space, const struct run *run)
{
	uint64_t first, count;

	if (!bits_of(space, run, &first, &count))
		broken("released 0x%" PRIx64 "+0x%" PRIx64
		       " is not of this space",
		       run->phys, run->size_bytes);
	bitmap_expect(space->taken, first, count);
	extents_insert(space->free, run);
	if (!bitmap_clear(space->taken, first, count))
		broken("released 0x%" PRIx64 "+0x%" PRIx64 " is not taken",
		       run->phys, run->size_bytes);
	space->free_bytes += run->size_bytes;
}

uint64_t space_granule_bytes(const struct space *space)
{
	return space->granule_bytes;
}

uint64_t space_size_bytes(const struct space *space)
{
	return space->size_bytes;
}

uint64_t space_base(const struct space *space)
{
	return space->segments[0].phys;
}

uint64_t space_span_bytes(const struct space *space)
{
	const struct run *highest = &space->segments[space->n_segments - 1];
	uint64_t last_offset = run_last(highest) - space_base(space);

	return last_offset == UINT64_MAX ? UINT64_MAX : last_offset + 1;
}

uint64_t space_free_bytes(const struct space *space)
{
	return space->free_bytes;
}

uint64_t space_largest_free_bytes(const struct space *space)
{
	return extents_largest_bytes(space->free);
}

size_t space_count_free_runs(const struct space *space)
{
	return extents_count(space->free);
}

const struct run *space_segments(const struct space *space, size_t *np)
{
	*np = space->n_segments;
	return space->segments;
}

void space_for_each_free(const struct space *space,
			 void (*fn)(void *data, const struct run *run),
			 void *data)
{
	extents_for_each(space->free, fn, data);
}

/* What remains to be seen while the free runs are gone through. */
struct audit {
	const struct space *space;
	uint64_t next_bit; /* all below it agree */
	uint64_t free_bytes;
};

static void audit_taken(const struct audit *audit, uint64_t end_bit)
{
	if (!bitmap_all_set(audit->space->taken, audit->next_bit,
			    end_bit - audit->next_bit))
		broken("bits %" PRIu64 "-%" PRIu64
		       " are free and not in the index",
		       audit->next_bit, end_bit - 1);
}

static void audit_free(void *data, const struct run *run)
{
	struct audit *audit = data;
	uint64_t first, count;

	if (!bits_of(audit->space, run, &first, &count) ||
	    !bitmap_all_clear(audit->space->taken, first, count))
		broken("free run 0x%" PRIx64 "+0x%" PRIx64
		       " is taken or not of this space",
		       run->phys, run->size_bytes);
	audit_taken(audit, first);
	audit->next_bit = first + count;
	audit->free_bytes += run->size_bytes;
}

void space_verify(const struct space *space)
{
	struct audit audit = {.space = space};

	extents_verify(space->free);
	extents_for_each(space->free, audit_free, &audit);
	audit_taken(&audit, bitmap_size(space->taken));
	if (audit.free_bytes != space->free_bytes)
		broken("%" PRIu64 " bytes are free, %" PRIu64 " are counted",
		       audit.free_bytes, space->free_bytes);
}
