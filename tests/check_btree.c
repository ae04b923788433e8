/* SPDX-License-Identifier: MIT */
#include "daemon/btree.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "daemon/reach.h"
#include "tests/harness.h"
#include "util/cleanup.h"

/* Words whose place is far below 2^32, and each of which has a multiple of
 * 2^CLASS in it. */
#define LENGTH_BITS 8
#define CLASS	    6
#define MOST_LEAD   63u
#define MOST_ROOM   189u /* as it is measured: less one */
#define N_WORDS	    6000

DEFINE_CLEANUP(struct btree_pool *, btree_pool_free)
#define _cleanup_pool_ _cleanup_(btree_pool_freep)

static const struct reach reach = {.base = 5, .length_bits = LENGTH_BITS};

static struct btree_pool *make_pool(uint64_t max_words, unsigned int n_measures)
{
	struct btree_pool *pool = NULL;

	ck_assert_int_eq(btree_pool_new(&pool, max_words, 2, n_measures, &reach),
			 0);
	return pool;
}

/* Not ck_assert(), which notes down every call. */
#define EXPECT(condition)                          \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(#condition);  \
	} while (0)

static uint64_t draw(uint64_t *chance, uint64_t below)
{
	*chance ^= *chance >> 12;
	*chance ^= *chance << 25;
	*chance ^= *chance >> 27;
	return (*chance * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

/* The first set that is not less, or N_WORDS. */
static size_t next_set(const bool *set, size_t from)
{
	while (from < N_WORDS && !set[from])
		from++;
	return from;
}

/* A word for each number, in order; its measures vary. */
static uint64_t word_of(size_t i)
{
	uint32_t room = (uint32_t)((i * 2654435761u >> 7) % (MOST_ROOM + 1));
	uint32_t lead = reach_lead_at(&reach, reach_word(&reach, i * 7, 1),
				      CLASS);

	return reach_word(&reach, i * 7, lead + room + 1);
}

static void expect_same(const struct btree *tree, const bool *set)
{
	struct btree_cursor cursor;
	size_t n = 0, i = next_set(set, 0);
	bool is_there = btree_seek(tree, 0, &cursor);

	for (; i < N_WORDS; i = next_set(set, i + 1), n++) {
		EXPECT(is_there && btree_word(tree, &cursor) == word_of(i));
		is_there = btree_next(tree, &cursor);
	}
	EXPECT(!is_there);
	EXPECT(btree_verify(tree) == n);
	is_there = btree_last(tree, &cursor);
	for (i = N_WORDS; i-- > 0;)
		if (set[i]) {
			EXPECT(is_there);
			EXPECT(btree_word(tree, &cursor) == word_of(i));
			is_there = btree_previous(tree, &cursor);
		}
	EXPECT(!is_there);
}

/* From one of them on, some within a leaf, across leaves, and up to the end. */
static void expect_copied(const struct btree *tree, const bool *set,
			  size_t from, unsigned int most)
{
	static uint64_t words[N_WORDS + 1];
	struct btree_cursor cursor;
	size_t i = next_set(set, from);
	unsigned int n = 0;

	if (!btree_seek(tree, word_of(from), &cursor)) {
		EXPECT(i == N_WORDS);
		return;
	}
	words[most] = UINT64_MAX;
	n = btree_copy(tree, &cursor, words, most);
	EXPECT(n <= most && words[most] == UINT64_MAX);
	for (unsigned int k = 0; k < n; k++, i = next_set(set, i + 1))
		EXPECT(i < N_WORDS && words[k] == word_of(i));
	EXPECT(n == most || i == N_WORDS);
}

static void expect_found(const struct btree *tree, const bool *set,
			 uint64_t *chance)
{
	size_t from = draw(chance, N_WORDS), first = next_set(set, from);
	struct btree_cursor cursor;
	unsigned int measure;
	uint32_t least;
	uint64_t word;

	EXPECT(btree_seek(tree, word_of(from), &cursor) == (first < N_WORDS));
	if (first < N_WORDS)
		EXPECT(btree_word(tree, &cursor) == word_of(first));
	EXPECT(btree_seek(tree, word_of(from) + 1, &cursor) ==
	       (next_set(set, from + 1) < N_WORDS));
	if (!tree->n_measures)
		return;
	measure = (unsigned int)draw(chance, tree->n_measures);
	least = measure + 1 == tree->n_measures ? MOST_LEAD : MOST_ROOM;
	least -= (uint32_t)draw(chance, 2) * least / 4;
	while (first < N_WORDS &&
	       reach_measure(&reach, word_of(first), measure,
			     tree->n_measures) < least)
		first = next_set(set, first + 1);
	EXPECT(btree_first(tree, word_of(from), measure, least, &word) ==
	       (first < N_WORDS));
	if (first < N_WORDS)
		EXPECT(word == word_of(first));
}

/* Grows and empties a tree again and again beside an array. */
static void run_model(unsigned int n_measures, uint64_t chance)
{
	static bool set[N_WORDS];
	_cleanup_pool_ struct btree_pool *pool = make_pool(N_WORDS, n_measures);
	struct btree tree;
	uint64_t share = 50;

	for (size_t i = 0; i < N_WORDS; i++)
		set[i] = false;
	btree_init(&tree, pool, n_measures);
	for (int op = 0; op < 300000; op++) {
		size_t i = draw(&chance, N_WORDS);

		if (op % 20000 == 0) {
			share = draw(&chance, 3) * 50; /* 0, 50, 100 % */
			expect_same(&tree, set);
		}
		if (!set[i] && draw(&chance, 100) < share)
			btree_insert(&tree, word_of(i));
		else if (set[i] && draw(&chance, 100) >= share)
			btree_remove(&tree, word_of(i));
		else
			continue;
		set[i] = !set[i];
		if (op % 16 == 0)
			expect_found(&tree, set, &chance);
		if (op % 64 == 0)
			expect_copied(&tree, set, draw(&chance, N_WORDS),
				      1 + (unsigned int)draw(&chance, 200));
	}
	expect_same(&tree, set);
	expect_copied(&tree, set, 0, N_WORDS);
}

START_TEST(model)
{
	run_model(0, 1);
}
END_TEST

START_TEST(model_with_maxima)
{
	run_model(REACH_N(CLASS), 2);
}
END_TEST

START_TEST(empty)
{
	_cleanup_pool_ struct btree_pool *pool = make_pool(1, 2);
	struct btree_cursor cursor;
	struct btree tree;
	uint64_t word;

	btree_init(&tree, pool, 2);
	ck_assert_uint_eq(btree_verify(&tree), 0);
	ck_assert(!btree_seek(&tree, 0, &cursor));
	ck_assert(!btree_previous(&tree, &cursor));
	ck_assert(!btree_last(&tree, &cursor));
	ck_assert(!btree_first(&tree, 0, 0, 0, &word));
	ck_assert(!btree_first(&tree, 0, 1, 1, &word));
	btree_insert(&tree, UINT64_MAX);
	btree_insert(&tree, 0);
	ck_assert(btree_seek(&tree, 1, &cursor));
	ck_assert_uint_eq(btree_word(&tree, &cursor), UINT64_MAX);
	btree_remove_at(&tree, &cursor);
	btree_remove(&tree, 0);
	ck_assert_uint_eq(btree_verify(&tree), 0);
}
END_TEST

/* In order, from either end: the most nodes, and separators at the very edge.
 * There is room for exactly what was promised. */
START_TEST(in_order)
{
	const uint64_t n = 100000;
	_cleanup_pool_ struct btree_pool *pool = make_pool(2 * n, 0);
	struct btree up, down;

	btree_init(&up, pool, 0);
	btree_init(&down, pool, 0);
	for (uint64_t i = 0; i < n; i++) {
		btree_insert(&up, i);
		btree_insert(&down, UINT64_MAX - i);
	}
	ck_assert_uint_eq(btree_verify(&up), n);
	ck_assert_uint_eq(btree_verify(&down), n);
	for (uint64_t i = 0; i < n; i++) {
		btree_remove(&up, i);
		btree_remove(&down, UINT64_MAX - i);
	}
	ck_assert_uint_eq(btree_verify(&up), 0);
	ck_assert_uint_eq(btree_verify(&down), 0);
}
END_TEST

/* A word may change within the room between its neighbours, also where it is
 * the first of its leaf. */
START_TEST(replacing)
{
	const uint64_t n = 5000;
	_cleanup_pool_ struct btree_pool *pool = make_pool(n, 0);
	struct btree_cursor cursor;
	struct btree tree;

	btree_init(&tree, pool, 0);
	for (uint64_t i = 1; i <= n; i++)
		btree_insert(&tree, i * 10);
	for (uint64_t i = 1; i <= n; i++) {
		ck_assert(btree_seek(&tree, i * 10, &cursor));
		btree_replace_at(&tree, &cursor, i * 10 - 5);
	}
	ck_assert_uint_eq(btree_verify(&tree), n);
	for (uint64_t i = 1; i <= n; i++)
		btree_remove(&tree, i * 10 - 5);
	ck_assert_uint_eq(btree_verify(&tree), 0);
}
END_TEST

/* Words go up and down between their neighbours while others come and go, so
 * that what separates leaves is older than what is in them. */
START_TEST(drifting)
{
	const uint64_t n = 20000;
	_cleanup_pool_ struct btree_pool *pool = make_pool(n, 0);
	struct btree_cursor cursor, next;
	uint64_t chance = 3, n_words = 0;
	struct btree tree;

	btree_init(&tree, pool, 0);
	for (uint64_t i = 0; i < 400000; i++) {
		uint64_t at = draw(&chance, UINT64_C(1) << 40), low, high;
		bool is_there = btree_seek(&tree, at, &cursor);

		if (n_words < draw(&chance, n)) {
			if (is_there && btree_word(&tree, &cursor) == at)
				continue;
			btree_insert(&tree, at);
			n_words++;
		} else if (is_there && i % 2) {
			btree_remove_at(&tree, &cursor);
			n_words--;
		} else if (is_there) {
			next = cursor;
			high = btree_next(&tree, &next)
				       ? btree_word(&tree, &next)
				       : UINT64_C(1) << 40;
			next = cursor;
			low = btree_previous(&tree, &next)
				      ? btree_word(&tree, &next) + 1
				      : 0;
			btree_replace_at(&tree, &cursor,
					 i % 4 ? high - 1 : low);
		}
		if (i % 1000 == 0)
			EXPECT(btree_verify(&tree) == n_words);
	}
	EXPECT(btree_verify(&tree) == n_words);
}
END_TEST

/* Words that were approached together are found whatever the ones before them
 * did to the leaves: all of a portion go to one leaf, which splits, or leave it,
 * and it joins another. */
START_TEST(approaching)
{
	const uint64_t n = 4000, portion = 200;
	_cleanup_pool_ struct btree_pool *pool = make_pool(n, 2);
	struct btree_cursor cursors[200];
	struct btree tree;

	btree_init(&tree, pool, 2);
	for (uint64_t i = 0; i < n; i += portion) {
		for (uint64_t k = 0; k < portion; k++)
			btree_approach(&tree, (i + k) * 10, &cursors[k]);
		for (uint64_t k = 0; k < portion; k++)
			btree_insert_there(&tree, &cursors[k], (i + k) * 10);
	}
	ck_assert_uint_eq(btree_verify(&tree), n);
	for (uint64_t i = 0; i < n; i += portion) {
		for (uint64_t k = 0; k < portion; k++)
			btree_approach(&tree, (i + k) * 10, &cursors[k]);
		for (uint64_t k = 0; k < portion; k++) {
			EXPECT(!btree_arrive(&tree, &cursors[k],
					     (i + k) * 10 + 1));
			EXPECT(btree_arrive(&tree, &cursors[k], (i + k) * 10));
			btree_remove_there(&tree, &cursors[k], (i + k) * 10);
		}
	}
	ck_assert_uint_eq(btree_verify(&tree), 0);
}
END_TEST

START_TEST(no_memory)
{
	struct btree_pool *pool = NULL;

	ck_assert_int_eq(btree_pool_new(&pool, UINT64_MAX, 1, 0, &reach),
			 -ENOMEM);
	ck_assert_ptr_null(pool);
}
END_TEST

START_TEST(insert_twice)
{
	struct btree tree;

	btree_init(&tree, make_pool(9, 0), 0);
	btree_insert(&tree, 4);
	btree_insert(&tree, 4);
}
END_TEST

START_TEST(remove_missing)
{
	struct btree tree;

	btree_init(&tree, make_pool(9, 0), 0);
	btree_insert(&tree, 4);
	btree_remove(&tree, 5);
}
END_TEST

START_TEST(too_many)
{
	struct btree tree;

	btree_init(&tree, make_pool(9, 0), 0);
	for (uint64_t i = 0; i < 100000; i++)
		btree_insert(&tree, i);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("btree");
	TCase *tcase = harness_case(suite, "btree");

	tcase_add_test(tcase, empty);
	tcase_add_test(tcase, model);
	tcase_add_test(tcase, model_with_maxima);
	tcase_add_test(tcase, in_order);
	tcase_add_test(tcase, replacing);
	tcase_add_test(tcase, drifting);
	tcase_add_test(tcase, approaching);
	tcase_add_test(tcase, no_memory);
	tcase_add_test_raise_signal(tcase, insert_twice, SIGABRT);
	tcase_add_test_raise_signal(tcase, remove_missing, SIGABRT);
	tcase_add_test_raise_signal(tcase, too_many, SIGABRT);
	return harness_run(suite);
}
