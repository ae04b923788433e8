/* SPDX-License-Identifier: MIT */
#include "daemon/offers.h"

#include <errno.h>
#include <stdlib.h>

#include "util/broken.h"
#include "util/cleanup.h"

/*
 * Every free run contains one multiple of the largest power of two that it
 * contains any multiple of; the exponent is its class.  Classes are trees of
 * their own, in order of address, with maxima of the room at each level up to the
 * class and of the lead (see reach.h).  That makes every question to a class one about
 * a single maximum:
 *
 * - an alignment of 2^a: a run of a lower class has no multiple of it; one of
 *   this class has a place where its room at level a suffices.
 * - a boundary of 2^b above the class: no run is crossed by one, so the
 *   alignment alone decides.
 * - a boundary of 2^b up to the class (and above the alignment, or it could not
 *   be crossed): each run is, and there is a place behind the first multiple
 *   where the room at level b suffices.  Where it does not, there is only one
 *   multiple, the one of the class, and there may be a place before it, which
 *   is the lead: that ends at a multiple of the alignment, so it has a place
 *   where it is no less than the size rounded up to the alignment.
 * - a highest address: the first run by address that has a place has the
 *   lowest, and if that one is too high, so are all.
 *
 * There are as many classes as powers of two in the span, and a question is
 * O(log n) in each.  The last class contains a multiple of what exceeds the
 * span; that is one run at most, which is looked at itself.
 *
 * A tail may lie across the boundary and beyond the highest address.  All requests
 * come with the same one, and what a free run has for them is a place in what is
 * left of it without its last granules, so many as the tail has.  That is what
 * is in the trees; of a run no longer than the tail nothing is.
 */

#define NO_LEVEL 64

struct offers {
	struct reach reach;
	unsigned int granule_shift;
	unsigned int top; /* the last class */
	uint64_t tail;
	struct btree_pool *pool;
	struct btree classes[64];
};

/* A request in granules. */
struct wish {
	const struct fit *fit;
	uint64_t size;
	uint64_t lead;		     /* to fit before a multiple */
	unsigned int align_level;
	unsigned int boundary_level; /* NO_LEVEL: none is in the way */
};

int offers_new(struct offers **offersp, const struct reach *reach,
	       unsigned int place_bits, uint64_t granule_bytes,
	       uint64_t max_runs)
{
	_cleanup_free_ struct offers *offers = calloc(1, sizeof(*offers));
	int r;

	if (!offers)
		return -ENOMEM;
	offers->reach = *reach;
	offers->granule_shift = (unsigned int)__builtin_ctzll(granule_bytes);
	offers->top = place_bits;
	r = btree_pool_new(&offers->pool, max_runs, place_bits + 1,
			   place_bits ? REACH_N(place_bits - 1) : 0, reach);
	if (r < 0)
		return r;
	for (unsigned int class = 0; class <= offers->top; class++)
		btree_init(&offers->classes[class], offers->pool,
			   class < offers->top ? REACH_N(class) : 0);
	*offersp = TAKE_PTR(offers);
	return 0;
}

struct offers *offers_free(struct offers *offers)
{
	if (offers)
		btree_pool_free(offers->pool);
	free(offers);
	return NULL;
}

void offers_expect_tail(struct offers *offers, uint64_t tail)
{
	offers->tail = tail;
}

/* The exponent of the largest power of two of which a multiple is within. */
static unsigned int class_of(const struct offers *offers, uint64_t word)
{
	uint64_t first = offers->reach.base + reach_place(&offers->reach, word);
	uint64_t last = first + (reach_length(&offers->reach, word) - 1);
	/* First differs what counts the multiples up to there and before. */
	unsigned int class =
		63 - (unsigned int)__builtin_clzll((first - 1) ^ last);

	return class < offers->top ? class : offers->top;
}

/* A word with the tail's granules taken off its length, or put back on. */
static uint64_t without_tail(const struct offers *offers, uint64_t word)
{
	return word - offers->tail;
}

static uint64_t with_tail(const struct offers *offers, uint64_t word)
{
	return word + offers->tail;
}

void offers_approach(const struct offers *offers, uint64_t word,
		     struct offers_spot *spot)
{
	spot->is_in = reach_length(&offers->reach, word) > offers->tail;
	if (!spot->is_in)
		return;
	spot->word = without_tail(offers, word);
	spot->class = class_of(offers, spot->word);
	btree_approach(&offers->classes[spot->class], spot->word,
		       &spot->cursor);
}

void offers_add(struct offers *offers, struct offers_spot *spot)
{
	if (spot->is_in)
		btree_insert_there(&offers->classes[spot->class],
				   &spot->cursor, spot->word);
}

void offers_drop(struct offers *offers, struct offers_spot *spot)
{
	if (spot->is_in)
		btree_remove_there(&offers->classes[spot->class],
				   &spot->cursor, spot->word);
}

bool offers_has(const struct offers *offers, uint64_t word)
{
	struct offers_spot spot;

	offers_approach(offers, word, &spot);
	return !spot.is_in || btree_arrive(&offers->classes[spot.class],
					   &spot.cursor, spot.word);
}

/* The lowest place in what is left of a run without the tail. */
static bool try_run(const struct offers *offers, const struct fit *fit,
		    uint64_t word, uint64_t *physp)
{
	const struct reach *reach = &offers->reach;
	struct fit bare = *fit;
	struct run run = {
		.phys = (reach->base + reach_place(reach, word))
			<< offers->granule_shift,
		.size_bytes = reach_length(reach, word)
			      << offers->granule_shift,
	};

	bare.tail_bytes = 0;
	return fit_place(&bare, &run, physp);
}

/* The first run of a class of which a measure is at least so much.  It has a
 * place, which is the lowest of all; where that is too high, so are all. */
static bool find_by(const struct offers *offers, unsigned int class,
		    unsigned int measure, uint64_t least,
		    const struct wish *wish, uint64_t *wordp, uint64_t *physp)
{
	return least <= UINT32_MAX &&
	       btree_first(&offers->classes[class], 0, measure,
			   (uint32_t)least, wordp) &&
	       try_run(offers, wish->fit, *wordp, physp);
}

static bool find_in_class(const struct offers *offers, unsigned int class,
			  const struct wish *wish, uint64_t *wordp,
			  uint64_t *physp)
{
	uint64_t room = wish->size - 1; /* as it is measured */

	if (wish->align_level > class)
		return false;
	if (wish->boundary_level > class)
		return find_by(offers, class, REACH_ROOM(wish->align_level),
			       room, wish, wordp, physp);
	return find_by(offers, class, REACH_ROOM(wish->boundary_level), room,
		       wish, wordp, physp) ||
	       find_by(offers, class, REACH_LEAD(class),
		       wish->lead, wish, wordp, physp);
}

static bool find(const struct offers *offers, const struct wish *wish,
		 uint64_t *wordp, uint64_t *physp)
{
	const struct btree *last = &offers->classes[offers->top];
	struct btree_cursor cursor;

	for (unsigned int class = 0; class < offers->top; class++)
		if (find_in_class(offers, class, wish, wordp, physp))
			return true;
	if (!btree_seek(last, 0, &cursor))
		return false;
	*wordp = btree_word(last, &cursor);
	return try_run(offers, wish->fit, *wordp, physp);
}

bool offers_find(const struct offers *offers, const struct fit *fit,
		 uint64_t *wordp, uint64_t *physp)
{
	unsigned int shift = offers->granule_shift;
	uint64_t align = fit->align_bytes >> shift;
	uint64_t size = fit->size_bytes >> shift;
	struct wish wish = {
		.fit = fit,
		.size = size,
		.lead = (size + align - 1) & ~(align - 1),
		.align_level = (unsigned int)__builtin_ctzll(align),
		.boundary_level = NO_LEVEL,
	};

	if (fit->boundary_bytes && size > align)
		wish.boundary_level = (unsigned int)__builtin_ctzll(
			fit->boundary_bytes >> shift);
	if (!find(offers, &wish, wordp, physp))
		return false;
	*wordp = with_tail(offers, *wordp);
	return true;
}

size_t offers_verify(const struct offers *offers)
{
	size_t n = 0;

	for (unsigned int class = 0; class <= offers->top; class++) {
		const struct btree *tree = &offers->classes[class];
		struct btree_cursor cursor;

		n += btree_verify(tree);
		for (bool is_there = btree_seek(tree, 0, &cursor); is_there;
		     is_there = btree_next(tree, &cursor))
			if (class_of(offers, btree_word(tree, &cursor)) != class)
				broken("a free run is in the wrong class %u",
				       class);
	}
	return n;
}
