/* SPDX-License-Identifier: MIT */
#include "daemon/extent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/btree.h"
#include "daemon/offers.h"
#include "daemon/reach.h"
#include "util/broken.h"
#include "util/cleanup.h"

/*
 * Every free run is in three orders, each a B+-tree or several, each run one
 * word in each: by address, to find what a returning run touches; by (length,
 * address), whose order is best fit; and by what it offers to constraints
 * (offers.c).  Taking and giving back change a few words in each: O(log k) for
 * k free runs.  As soon as it is known which, the memory of all of them is asked
 * for, so that what is waited for is the slowest, not the sum.
 *
 * The first run of sufficient length is the best fit, and a few behind it are
 * looked at: of those hardly longer, the lowest is taken.  What is left over
 * then is hardly more, and memory fills from below, so that more comes together
 * above: with small runs among large ones, a third fewer requests are refused
 * for want of a long one than by best fit alone (tests/bench/fragmentation).
 * With constraints the best fit is mostly among those few; then come runs so
 * long that they have a place wherever they begin; and only then offers.c is
 * asked, which knows for sure.
 *
 * A run in one word: its place, in granules from the lowest, and its length
 * less one.  Both need fewer bits than the 64 of a word, in spaces of up to
 * 16 TiB of 4 KiB granules in one piece, and of any size with larger granules.
 *
 * The trees' nodes are set aside as address space for the worst case (every
 * second granule free), as giving back must not fail.
 */

struct extents {
	struct extents_bounds bounds;
	unsigned int granule_shift;
	unsigned int place_bits;
	struct reach reach;
	struct btree_pool *pool; /* of the two trees */
	struct btree by_phys;	 /* place, length */
	struct btree by_size;	 /* length, place */
	struct offers *offers;
	uint64_t tail_bytes; /* that offers expects */
	size_t n_runs;
};

/* A free run in granules, its place counted from the lowest. */
struct hole {
	uint64_t place, length;
};

static unsigned int bits_of(uint64_t value)
{
	return value ? 64 - (unsigned int)__builtin_clzll(value) : 0;
}

DEFINE_CLEANUP(struct extents *, extents_free)

int extents_new(struct extents **extentsp, const struct extents_bounds *bounds)
{
	_cleanup_(extents_freep) struct extents *extents = NULL;
	int r;

	if (bounds->max_runs == 0)
		return -EINVAL;
	extents = calloc(1, sizeof(*extents));
	if (!extents)
		return -ENOMEM;
	extents->bounds = *bounds;
	extents->granule_shift =
		(unsigned int)__builtin_ctzll(bounds->granule_bytes);
	extents->place_bits = bits_of((bounds->last_phys - bounds->first_phys) >>
				      extents->granule_shift);
	extents->reach.base = bounds->first_phys >> extents->granule_shift;
	extents->reach.length_bits =
		bits_of((bounds->longest_bytes >> extents->granule_shift) - 1);
	if (extents->place_bits + extents->reach.length_bits > 64 ||
	    extents->place_bits > 63)
		return -EOVERFLOW;
	if (bounds->max_runs > UINT64_MAX / 2)
		return -ENOMEM;
	r = btree_pool_new(&extents->pool, 2 * bounds->max_runs, 2, 0,
			   &extents->reach);
	if (r == 0)
		r = offers_new(&extents->offers, &extents->reach,
			       extents->place_bits, bounds->granule_bytes,
			       bounds->max_runs);
	if (r < 0)
		return r;
	btree_init(&extents->by_phys, extents->pool, 0);
	btree_init(&extents->by_size, extents->pool, 0);
	*extentsp = TAKE_PTR(extents);
	return 0;
}

struct extents *extents_free(struct extents *extents)
{
	if (!extents)
		return NULL;
	offers_free(extents->offers);
	btree_pool_free(extents->pool);
	free(extents);
	return NULL;
}

/* ---- runs, holes and words ---------------------------------------------- */

static struct hole hole_from_run(const struct extents *extents,
				 const struct run *run)
{
	return (struct hole){
		.place = (run->phys - extents->bounds.first_phys) >>
			 extents->granule_shift,
		.length = run->size_bytes >> extents->granule_shift,
	};
}

static struct run run_from_hole(const struct extents *extents,
				const struct hole *hole)
{
	return (struct run){
		.phys = extents->bounds.first_phys +
			(hole->place << extents->granule_shift),
		.size_bytes = hole->length << extents->granule_shift,
	};
}

static uint64_t phys_word(const struct extents *extents, struct hole hole)
{
	return reach_word(&extents->reach, hole.place, hole.length);
}

static uint64_t size_word(const struct extents *extents, struct hole hole)
{
	return (hole.length - 1) << extents->place_bits | hole.place;
}

static struct hole hole_by_phys(const struct extents *extents,
				const struct btree_cursor *cursor)
{
	uint64_t word = btree_word(&extents->by_phys, cursor);

	return (struct hole){reach_place(&extents->reach, word),
			     reach_length(&extents->reach, word)};
}

static struct hole hole_from_size(const struct extents *extents, uint64_t word)
{
	uint64_t mask = (UINT64_C(1) << extents->place_bits) - 1;

	return (struct hole){word & mask, (word >> extents->place_bits) + 1};
}

static struct hole hole_by_size(const struct extents *extents,
				const struct btree_cursor *cursor)
{
	return hole_from_size(extents, btree_word(&extents->by_size, cursor));
}

/* ---- changing ----------------------------------------------------------- */

/* Holes that go and holes that come in their place. */
struct change {
	struct hole gone[2], come[2];
	unsigned int n_gone, n_come;
};

/* Where a hole is or will be in the orders but that by address. */
struct spot {
	struct btree_cursor by_size;
	struct offers_spot offers;
};

/* Those of a change: of what goes, then of what comes. */
struct spots {
	struct spot of[4];
};

static void approach(const struct extents *extents, struct hole hole,
		     struct spot *spot)
{
	btree_approach(&extents->by_size, size_word(extents, hole),
		       &spot->by_size);
	offers_approach(extents->offers, phys_word(extents, hole),
			&spot->offers);
}

/* Asks for all memory that rank() will need. */
static void approach_all(const struct extents *extents,
			 const struct change *change, struct spots *spots)
{
	struct spot *spot = spots->of;

	for (unsigned int i = 0; i < change->n_gone; i++)
		approach(extents, change->gone[i], spot++);
	for (unsigned int i = 0; i < change->n_come; i++)
		approach(extents, change->come[i], spot++);
}

/* Makes a change to all orders but that by address. */
static void rank(struct extents *extents, const struct change *change,
		 struct spots *spots)
{
	struct spot *spot = spots->of;

	for (unsigned int i = 0; i < change->n_gone; i++, spot++) {
		btree_remove_there(&extents->by_size, &spot->by_size,
				   size_word(extents, change->gone[i]));
		offers_drop(extents->offers, &spot->offers);
	}
	for (unsigned int i = 0; i < change->n_come; i++, spot++) {
		btree_insert_there(&extents->by_size, &spot->by_size,
				   size_word(extents, change->come[i]));
		offers_add(extents->offers, &spot->offers);
	}
	extents->n_runs += change->n_come;
	extents->n_runs -= change->n_gone;
	if (extents->n_runs > extents->bounds.max_runs)
		broken("more than %" PRIu64 " free runs",
		       extents->bounds.max_runs);
}

/* Adds all holes to offers, or drops them. */
static void offer_all(struct extents *extents,
		      void (*change)(struct offers *offers,
				     struct offers_spot *spot))
{
	struct btree_cursor cursor;
	bool is_there = btree_seek(&extents->by_phys, 0, &cursor);

	while (is_there) {
		struct offers_spot spot;

		offers_approach(extents->offers,
				btree_word(&extents->by_phys, &cursor), &spot);
		change(extents->offers, &spot);
		is_there = btree_next(&extents->by_phys, &cursor);
	}
}

void extents_expect_tail(struct extents *extents, uint64_t tail_bytes)
{
	offer_all(extents, offers_drop);
	offers_expect_tail(extents->offers,
			   tail_bytes >> extents->granule_shift);
	extents->tail_bytes = tail_bytes;
	offer_all(extents, offers_add);
}

/* The first hole that begins at place or above, and the last below it; false
 * where there is none. */
static void neighbours(struct extents *extents, uint64_t place,
		       struct btree_cursor *below, bool *is_belowp,
		       struct btree_cursor *above, bool *is_abovep)
{
	struct hole least = {place, 1};

	*is_abovep = btree_seek(&extents->by_phys, phys_word(extents, least),
				above);
	*below = *above;
	*is_belowp = btree_previous(&extents->by_phys, below);
}

void extents_insert(struct extents *extents, const struct run *run)
{
	struct hole hole = hole_from_run(extents, run), joint = hole;
	struct change change = {.n_come = 1};
	struct btree_cursor below, above;
	bool is_below, is_above;
	struct spots spots;

	neighbours(extents, hole.place, &below, &is_below, &above, &is_above);
	if (is_below) {
		struct hole low = hole_by_phys(extents, &below);

		if (low.place + low.length > hole.place)
			goto overlap;
		is_below = low.place + low.length == hole.place;
		if (is_below) {
			joint.place = low.place;
			joint.length += low.length;
			change.gone[change.n_gone++] = low;
		}
	}
	if (is_above) {
		struct hole high = hole_by_phys(extents, &above);

		if (hole.place + hole.length > high.place)
			goto overlap;
		is_above = hole.place + hole.length == high.place;
		if (is_above) {
			joint.length += high.length;
			change.gone[change.n_gone++] = high;
		}
	}
	change.come[0] = joint;
	approach_all(extents, &change, &spots);
	if (is_below || is_above)
		btree_replace_at(&extents->by_phys, is_below ? &below : &above,
				 phys_word(extents, joint));
	else
		btree_insert(&extents->by_phys, phys_word(extents, joint));
	if (is_below && is_above) /* the word above is where it was */
		btree_remove_at(&extents->by_phys, &above);
	rank(extents, &change, &spots);
	return;
overlap:
	broken("run 0x%" PRIx64 "+0x%" PRIx64 " is free already", run->phys,
	       run->size_bytes);
}

/* What becomes of a hole when a part of it is taken. */
static struct change change_by_taking(struct hole hole, struct hole part)
{
	struct hole before = {hole.place, part.place - hole.place}, after;
	struct change change = {.gone = {hole}, .n_gone = 1};

	after.place = part.place + part.length;
	after.length = hole.place + hole.length - after.place;
	if (before.length)
		change.come[change.n_come++] = before;
	if (after.length)
		change.come[change.n_come++] = after;
	return change;
}

/* The same in the order by address; the cursor is at what goes. */
static void replace(struct extents *extents, struct btree_cursor *cursor,
		    const struct change *change)
{
	if (change->n_come == 0)
		btree_remove_at(&extents->by_phys, cursor);
	else
		btree_replace_at(&extents->by_phys, cursor,
				 phys_word(extents, change->come[0]));
	if (change->n_come == 2)
		btree_insert(&extents->by_phys,
			     phys_word(extents, change->come[1]));
}

void extents_remove(struct extents *extents, const struct run *run)
{
	struct hole part = hole_from_run(extents, run), hole;
	struct btree_cursor below, above;
	bool is_below, is_above;
	struct change change;
	struct spots spots;

	neighbours(extents, part.place, &below, &is_below, &above, &is_above);
	if (is_above && hole_by_phys(extents, &above).place == part.place)
		below = above;
	else if (!is_below)
		goto missing;
	hole = hole_by_phys(extents, &below);
	if (part.place + part.length > hole.place + hole.length)
		goto missing;
	change = change_by_taking(hole, part);
	approach_all(extents, &change, &spots);
	replace(extents, &below, &change);
	rank(extents, &change, &spots);
	return;
missing:
	broken("run 0x%" PRIx64 "+0x%" PRIx64 " is not in the index", run->phys,
	       run->size_bytes);
}

void extents_take(struct extents *extents, const struct run *from,
		  const struct run *run)
{
	struct hole hole = hole_from_run(extents, from);
	struct change change =
		change_by_taking(hole, hole_from_run(extents, run));
	uint64_t word = phys_word(extents, hole);
	struct btree_cursor cursor;
	struct spots spots;

	btree_approach(&extents->by_phys, word, &cursor);
	approach_all(extents, &change, &spots);
	if (!btree_arrive(&extents->by_phys, &cursor, word))
		broken("a free run is found by size and not by address");
	replace(extents, &cursor, &change);
	rank(extents, &change, &spots);
}

/* ---- finding ------------------------------------------------------------ */

/* Of the holes from a length on, in order of size, the first that has a place,
 * or of those near to it the lowest; at most so many are looked at, which are
 * at most EXTENTS_TRIED. */
static bool find_by_size(const struct extents *extents, uint64_t length,
			 unsigned int most, const struct fit *fit,
			 struct hole *holep, uint64_t *physp)
{
	uint64_t near = EXTENTS_NEAR_BYTES >> extents->granule_shift;
	uint64_t words[EXTENTS_TRIED], longest = UINT64_MAX;
	struct hole least = {0, length};
	struct btree_cursor cursor;
	bool found = false;
	unsigned int n;

	if (length > extents->bounds.longest_bytes >> extents->granule_shift ||
	    !btree_seek(&extents->by_size, size_word(extents, least), &cursor))
		return false;
	n = btree_copy(&extents->by_size, &cursor, words, most);
	for (unsigned int i = 0; i < n; i++) {
		struct hole hole = hole_from_size(extents, words[i]);
		struct run run;

		if (hole.length > longest)
			break;
		if (found && hole.place > holep->place)
			continue;
		run = run_from_hole(extents, &hole);
		if (!fit_place(fit, &run, physp))
			continue;
		if (!found)
			longest = hole.length + near;
		*holep = hole;
		found = true;
	}
	return found;
}

/* The granules of a run that has a place wherever it begins: what it may lose
 * to the next multiple of the alignment, or else, where it is cut by the
 * boundary too early, of the boundary. */
static uint64_t ample_length(const struct extents *extents,
			     const struct fit *fit)
{
	uint64_t granule = extents->bounds.granule_bytes, mask, lost;

	mask = fit->align_bytes - 1;
	lost = fit->boundary_bytes ? (fit->size_bytes + mask) & ~mask
				   : fit->align_bytes;
	/* where it is 0, it was 2^64 */
	if (__builtin_add_overflow(fit_bytes(fit), lost - granule, &lost))
		return UINT64_MAX;
	return lost >> extents->granule_shift;
}

/* For a tail that was not expected. */
static bool find_one_by_one(const struct extents *extents,
			    const struct fit *fit, struct hole *holep,
			    uint64_t *physp)
{
	struct btree_cursor cursor;
	bool is_there = btree_seek(&extents->by_phys, 0, &cursor);

	while (is_there) {
		struct run run;

		*holep = hole_by_phys(extents, &cursor);
		run = run_from_hole(extents, holep);
		if (fit_place(fit, &run, physp))
			return true;
		is_there = btree_next(&extents->by_phys, &cursor);
	}
	return false;
}

static bool find(const struct extents *extents, const struct fit *fit,
		 struct hole *holep, uint64_t *physp)
{
	uint64_t length = fit_bytes(fit) >> extents->granule_shift, word;

	if (find_by_size(extents, length, EXTENTS_TRIED, fit, holep, physp))
		return true;
	if (fit->max_phys == UINT64_MAX &&
	    find_by_size(extents, ample_length(extents, fit), 1, fit, holep,
			 physp))
		return true;
	if (extents_largest_bytes(extents) < fit_bytes(fit))
		return false;
	if (fit->tail_bytes != extents->tail_bytes)
		return find_one_by_one(extents, fit, holep, physp);
	if (!offers_find(extents->offers, fit, &word, physp))
		return false;
	holep->place = reach_place(&extents->reach, word);
	holep->length = reach_length(&extents->reach, word);
	return true;
}

bool extents_find(const struct extents *extents, const struct fit *fit,
		  struct run *fromp, uint64_t *physp)
{
	struct hole hole;

	if (!find(extents, fit, &hole, physp))
		return false;
	*fromp = run_from_hole(extents, &hole);
	return true;
}

size_t extents_count(const struct extents *extents)
{
	return extents->n_runs;
}

uint64_t extents_largest_bytes(const struct extents *extents)
{
	struct btree_cursor cursor;

	if (!btree_last(&extents->by_size, &cursor))
		return 0;
	return hole_by_size(extents, &cursor).length << extents->granule_shift;
}

void extents_for_each(const struct extents *extents,
		      void (*fn)(void *data, const struct run *run), void *data)
{
	struct btree_cursor cursor;
	bool is_there = btree_seek(&extents->by_phys, 0, &cursor);

	while (is_there) {
		struct hole hole = hole_by_phys(extents, &cursor);
		struct run run = run_from_hole(extents, &hole);

		fn(data, &run);
		is_there = btree_next(&extents->by_phys, &cursor);
	}
}

static void verify_hole(const struct extents *extents, struct hole hole)
{
	struct run run = run_from_hole(extents, &hole);
	uint64_t word = size_word(extents, hole);
	struct btree_cursor cursor;

	if (!btree_seek(&extents->by_size, word, &cursor) ||
	    btree_word(&extents->by_size, &cursor) != word)
		broken("free run 0x%" PRIx64 " is not found by size", run.phys);
	if (!offers_has(extents->offers, phys_word(extents, hole)))
		broken("free run 0x%" PRIx64 " is not on offer", run.phys);
}

void extents_verify(const struct extents *extents)
{
	struct btree_cursor cursor;
	bool is_there = btree_seek(&extents->by_phys, 0, &cursor);
	uint64_t next = 0; /* the least place that is not too near */
	size_t n_on_offer = 0;

	while (is_there) {
		struct hole hole = hole_by_phys(extents, &cursor);

		if (hole.place < next)
			broken("free runs meet at 0x%" PRIx64,
			       run_from_hole(extents, &hole).phys);
		verify_hole(extents, hole);
		n_on_offer += hole.length << extents->granule_shift >
			      extents->tail_bytes;
		next = hole.place + hole.length + 1;
		is_there = btree_next(&extents->by_phys, &cursor);
	}
	if (btree_verify(&extents->by_phys) != extents->n_runs ||
	    btree_verify(&extents->by_size) != extents->n_runs ||
	    offers_verify(extents->offers) != n_on_offer)
		broken("not every order has %zu free runs", extents->n_runs);
}
