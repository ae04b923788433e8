/* SPDX-License-Identifier: MIT */
#include "tests/bench/peer.h"

#include <stdbool.h>
#include <string.h>

#include "tests/harness.h"

/*
 * The allocators that the benchmarks compare, each against an array with one
 * place a granule: what they give is aligned, was free, and is theirs until it
 * is given back; and they place as their descriptions say.  For those that take
 * the first place, the model finds that place by trying every granule.  The
 * others must serve where a run is there that is long enough for any, which for
 * two-level segregated fit is one that reaches into the next of its classes.
 */

#define GRANULES_MAX 3000
#define OPS	     12000

struct model {
	uint64_t n;
	bool taken[GRANULES_MAX];
	struct {
		uint64_t start, size;
	} live[GRANULES_MAX];
	size_t n_live;
	uint64_t random;
};

static const uint64_t region_granules[] = {1, 63, 64, 513, 2048, GRANULES_MAX};

#define N_REGIONS (sizeof(region_granules) / sizeof(*region_granules))

/* The yardstick, which is not in their table, comes last. */
static const struct peer *tested(size_t i)
{
	return i < n_peers ? peers[i] : &peer_clairvoyant;
}

#define N_TESTED ((int)n_peers + 1)

static uint64_t draw(struct model *model, uint64_t below)
{
	/* xorshift64*, good enough to look everywhere */
	model->random ^= model->random >> 12;
	model->random ^= model->random << 25;
	model->random ^= model->random >> 27;
	return (model->random * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

static bool model_is_free(const struct model *model, uint64_t start,
			  uint64_t size)
{
	return start + size <= model->n &&
	       !memchr(&model->taken[start], true, size);
}

/* The lowest place that is not below from, or PEER_NONE. */
static uint64_t model_find(const struct model *model, uint64_t from,
			   uint64_t size, uint64_t align)
{
	uint64_t at = (from + align - 1) / align * align;

	for (; at + size <= model->n; at += align)
		if (model_is_free(model, at, size))
			return at;
	return PEER_NONE;
}

static void model_take(struct model *model, uint64_t start, uint64_t size)
{
	memset(&model->taken[start], true, size);
	model->live[model->n_live].start = start;
	model->live[model->n_live++].size = size;
}

/* Gives one back, of which there is at least one. */
static void give_one(struct model *model, const struct peer *peer, void *state)
{
	size_t which = draw(model, model->n_live);
	uint64_t start = model->live[which].start;
	uint64_t size = model->live[which].size;

	peer->free(state, start, size);
	memset(&model->taken[start], false, size);
	model->live[which] = model->live[--model->n_live];
}

/* Two-level segregated fit takes any block of the next class: in a run of so
 * many granules it must find room. */
static uint64_t tlsf_suffices(uint64_t size, uint64_t align)
{
	uint64_t wanted = size + align - 1, class = 1;

	while (class * 64 <= wanted)
		class *= 2;
	return (wanted + class - 1) / class * class;
}

/* What the peer must answer, given where it began its last search. */
static void expect_place(const struct model *model, const struct peer *peer,
			 uint64_t rover, uint64_t size, uint64_t align,
			 uint64_t start)
{
	uint64_t lowest = model_find(model, 0, size, align), next;

	if (peer == &peer_first_fit || peer == &peer_summary) {
		ck_assert_uint_eq(start, lowest);
	} else if (peer == &peer_next_fit) {
		next = model_find(model, rover, size, align);
		ck_assert_uint_eq(start, next == PEER_NONE ? lowest : next);
	} else if (peer == &peer_tlsf) {
		if (model_find(model, 0, tlsf_suffices(size, align), 1) !=
		    PEER_NONE)
			ck_assert_uint_ne(start, PEER_NONE);
	} else {
		ck_assert_uint_eq(start == PEER_NONE, lowest == PEER_NONE);
	}
}

static uint64_t draw_size(struct model *model)
{
	uint64_t dice = draw(model, 10);

	if (dice < 6)
		return 1 + draw(model, 6);
	return 1 + draw(model, dice < 9 ? 1 + model->n / 8 : model->n + 1);
}

static void take_one(struct model *model, const struct peer *peer, void *state,
		     uint64_t *roverp)
{
	uint64_t size = draw_size(model), align = 1, start;

	if (draw(model, 3) == 0)
		align <<= draw(model, 7);
	start = peer->alloc(state, size, align);
	expect_place(model, peer, *roverp, size, align, start);
	if (start == PEER_NONE)
		return;
	ck_assert_uint_eq(start % align, 0);
	ck_assert(model_is_free(model, start, size));
	model_take(model, start, size);
	*roverp = start + size;
}

/* Loops over peers and sizes of region. */
START_TEST(random_requests)
{
	const struct peer *peer = tested((size_t)_i / N_REGIONS);
	static struct model model;
	uint64_t rover = 0;
	bool filling = true;
	void *state;

	memset(&model, 0, sizeof(model));
	model.n = region_granules[(size_t)_i % N_REGIONS];
	model.random = 0x9e3779b97f4a7c15 + (uint64_t)_i;
	state = peer->new (model.n);
	ck_assert_ptr_nonnull(state);
	for (int op = 0; op < OPS; op++) {
		if (draw(&model, 300) == 0)
			filling = !filling;
		if (!model.n_live || draw(&model, 10) < (filling ? 6 : 4))
			take_one(&model, peer, state, &rover);
		else
			give_one(&model, peer, state);
	}
	while (model.n_live)
		give_one(&model, peer, state);
	/* What came back in any order is one run again. */
	ck_assert_uint_ne(peer->alloc(state, model.n / 2 + 1, 1), PEER_NONE);
	ck_assert_ptr_null(peer->destroy(state));
}
END_TEST

START_TEST(whole_region)
{
	const struct peer *peer = tested((size_t)_i);
	void *state = peer->new (4096);

	ck_assert_uint_eq(peer->alloc(state, 4097, 1), PEER_NONE);
	ck_assert_uint_eq(peer->alloc(state, 4096, 1), 0);
	ck_assert_uint_eq(peer->alloc(state, 1, 1), PEER_NONE);
	peer->free(state, 0, 4096);
	ck_assert_uint_ne(peer->alloc(state, 1, 1), PEER_NONE);
	ck_assert_ptr_null(peer->destroy(state));
}
END_TEST

/* All or none of a row, and none is lost where one is missing. */
START_TEST(rows)
{
	const struct peer *peer = tested((size_t)_i);
	uint64_t starts[PEER_MAX_ROW];
	void *state = peer->new(16);

	ck_assert(peer_alloc_row(peer, state, 4, 3, starts));
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			ck_assert(starts[i] >= starts[k] + 3 ||
				  starts[k] >= starts[i] + 3);
	ck_assert(!peer_alloc_row(peer, state, 2, 3, starts));
	ck_assert(peer_alloc_row(peer, state, 4, 1, starts));
	ck_assert_uint_eq(peer->alloc(state, 1, 1), PEER_NONE);
	ck_assert_ptr_null(peer->destroy(state));
}
END_TEST

/* The one who knows puts what goes at the same time side by side. */
START_TEST(beside_who_goes_next)
{
	const struct peer *peer = &peer_clairvoyant;
	void *state = peer->new (100);

	peer->expect_end(state, 1000);
	ck_assert_uint_eq(peer->alloc(state, 30, 1), 0);
	peer->expect_end(state, 10);
	ck_assert_uint_eq(peer->alloc(state, 30, 1), 30);
	peer->free(state, 0, 30);
	peer->expect_end(state, 12);
	ck_assert_uint_eq(peer->alloc(state, 10, 1), 20);
	peer->expect_end(state, 990); /* the region itself stays */
	ck_assert_uint_eq(peer->alloc(state, 10, 1), 0);
	ck_assert_ptr_null(peer->destroy(state));
}
END_TEST

START_TEST(names_differ)
{
	for (int i = 0; i < N_TESTED; i++)
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(tested((size_t)i)->name,
					 tested((size_t)k)->name);
	ck_assert_ptr_eq(peers[0], &peer_contigd);
}
END_TEST

START_TEST(destroy_nothing)
{
	ck_assert_ptr_null(tested((size_t)_i)->destroy(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peers");
	TCase *tcase = harness_case(suite, "peers");

	tcase_add_loop_test(tcase, random_requests, 0,
			    N_TESTED * (int)N_REGIONS);
	tcase_add_loop_test(tcase, whole_region, 0, N_TESTED);
	tcase_add_loop_test(tcase, rows, 0, N_TESTED);
	tcase_add_test(tcase, beside_who_goes_next);
	tcase_add_test(tcase, names_differ);
	tcase_add_loop_test(tcase, destroy_nothing, 0, N_TESTED);
	return harness_run(suite);
}
