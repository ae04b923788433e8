/* SPDX-License-Identifier: MIT */
#include "tests/bench/trace.h"

#include <string.h>

#include "tests/harness.h"

/*
 * The traces, played to peers that only note what they are asked: everything
 * that is taken comes back once, refusals are counted as what they are, and the
 * same seed makes the same requests.
 */

#define MIB	 UINT64_C(256) /* granules */
#define LIVE_MAX 4096
#define TURNS	 4000

/* Hands out places one behind the other and never takes one back into use. */
static struct {
	uint64_t n_states;
	uint64_t next;
	uint64_t n_allocs, n_frees;
	uint64_t digest;      /* of all requests */
	uint64_t least, most; /* granules of a request */
	uint64_t taken, most_taken;
	uint64_t alloc_limit; /* larger ones are refused */
	struct {
		uint64_t start, size;
		uint64_t end; /* as it was told */
	} live[LIVE_MAX];
	uint64_t n_live;
	uint64_t end; /* of what comes next; 0: nothing is told */
	uint64_t last_end;
	uint64_t n_in_time; /* given back when it was said */
} book;

static void *book_new(uint64_t granules)
{
	uint64_t limit = book.alloc_limit;

	(void)granules;
	memset(&book, 0, sizeof(book));
	book.alloc_limit = limit;
	book.least = UINT64_MAX;
	book.n_states = 1;
	return &book;
}

static void *book_destroy(void *state)
{
	if (state)
		book.n_states--;
	return NULL;
}

static uint64_t book_alloc(void *state, uint64_t size, uint64_t align)
{
	ck_assert_ptr_eq(state, &book);
	ck_assert_uint_eq(align, 1);
	book.digest = (book.digest ^ size) * UINT64_C(0x100000001b3);
	if (size < book.least)
		book.least = size;
	if (size > book.most)
		book.most = size;
	if (size > book.alloc_limit)
		return PEER_NONE;
	ck_assert_uint_lt(book.n_live, LIVE_MAX);
	book.live[book.n_live].start = book.next;
	book.live[book.n_live].end = book.end;
	book.live[book.n_live++].size = size;
	book.next += size;
	book.n_allocs++;
	book.taken += size;
	if (book.taken > book.most_taken)
		book.most_taken = book.taken;
	return book.next - size;
}

static void book_expect_end(void *state, uint64_t turn)
{
	ck_assert_ptr_eq(state, &book);
	book.end = turn;
}

/* Lives end in the order that was told; those behind the last turn end with it. */
static void look_at_end(uint64_t end)
{
	if (end == 0 || end >= TURNS)
		return;
	ck_assert_uint_ge(end, book.last_end);
	book.last_end = end;
	book.n_in_time++;
}

static void book_free(void *state, uint64_t start, uint64_t size)
{
	ck_assert_ptr_eq(state, &book);
	for (uint64_t i = 0; i < book.n_live; i++)
		if (book.live[i].start == start) {
			ck_assert_uint_eq(book.live[i].size, size);
			look_at_end(book.live[i].end);
			book.live[i] = book.live[--book.n_live];
			book.n_frees++;
			book.taken -= size;
			return;
		}
	ck_abort_msg("given back without having been taken");
}

static const struct peer book_keeper = {
	.name = "book keeper",
	.new = book_new,
	.destroy = book_destroy,
	.alloc = book_alloc,
	.free = book_free,
};

static struct trace_outcome play_to(const struct peer *peer,
				    const struct trace *trace)
{
	struct trace_outcome outcome;

	ck_assert(trace_run(trace, peer, &outcome));
	ck_assert_uint_eq(book.n_states, 0);
	ck_assert_uint_eq(book.n_live, 0);
	ck_assert_uint_eq(book.n_allocs, book.n_frees);
	ck_assert_uint_le(book.most_taken, trace->granules);
	return outcome;
}

static struct trace_outcome play(const struct trace *trace)
{
	return play_to(&book_keeper, trace);
}

/* Whether streams and whether callers ask again, by the loop. */
static struct trace some_trace(int i)
{
	book.alloc_limit = UINT64_MAX;
	return (struct trace){
		.granules = 1024 * MIB,
		.percent = 90,
		.sizes = TRACE_CAMERA,
		.streams = i & 1,
		.asks_again = i & 2,
		.turns = TURNS,
		.seed = 7,
	};
}

/* Who finds room everywhere never refuses; what is lacking is no refusal. */
START_TEST(everything_comes_back)
{
	struct trace trace = some_trace(_i);
	struct trace_outcome outcome = play(&trace);

	ck_assert_uint_gt(outcome.requests, 2000);
	ck_assert_uint_eq(outcome.refused, 0);
	ck_assert_double_ge(outcome.occupancy, 0.7);
	ck_assert_double_le(outcome.occupancy, 0.95);
	ck_assert_double_eq(trace_refused_percent(&outcome), 0);
}
END_TEST

START_TEST(seed_makes_the_trace)
{
	struct trace trace = some_trace(_i);
	uint64_t digest;

	(void)play(&trace);
	digest = book.digest;
	(void)play(&trace);
	ck_assert_uint_eq(book.digest, digest);
	trace.seed++;
	(void)play(&trace);
	ck_assert_uint_ne(book.digest, digest);
}
END_TEST

/* Nobody is served: every request is a refusal, and whoever asks again is
 * counted no more. */
START_TEST(refused)
{
	struct trace trace = some_trace(_i);
	struct trace_outcome outcome;

	book.alloc_limit = 0;
	outcome = play(&trace);
	ck_assert_double_eq(outcome.occupancy, 0);
	if (trace.asks_again) {
		ck_assert_uint_eq(outcome.requests, 0);
		ck_assert_double_eq(trace_refused_percent(&outcome), 0);
	} else {
		ck_assert_uint_eq(outcome.refused, outcome.requests);
		ck_assert_uint_eq(outcome.lacking, 0);
		ck_assert_double_eq(trace_refused_percent(&outcome), 100);
	}
}
END_TEST

/* In a region that is smaller than what is asked for, the memory is lacking. */
START_TEST(lacking)
{
	struct trace trace = some_trace(_i);
	struct trace_outcome outcome;

	trace.granules = MIB;
	outcome = play(&trace);
	ck_assert_uint_eq(outcome.refused, 0);
	ck_assert_uint_eq(outcome.lacking, outcome.requests);
	ck_assert_uint_eq(book.n_allocs, 0);
}
END_TEST

/* Every life ends when it was foretold, also of one who waited for it; to be told
 * changes nothing. */
START_TEST(foretold)
{
	struct trace trace = some_trace(_i);
	struct peer told = book_keeper;
	uint64_t digest;

	told.expect_end = book_expect_end;
	book.alloc_limit = 5000;
	(void)play(&trace);
	digest = book.digest;
	(void)play_to(&told, &trace);
	ck_assert_uint_gt(book.n_in_time, 500);
	ck_assert_uint_eq(book.digest, digest);
}
END_TEST

START_TEST(sizes)
{
	struct trace trace = some_trace(0);

	(void)play(&trace);
	ck_assert_uint_eq(book.least, 338); /* 1280x720 NV12 */
	ck_assert_uint_eq(book.most, 8100); /* 3840x2160 RGBA */
	trace.sizes = TRACE_MIXED;
	(void)play(&trace);
	ck_assert_uint_eq(book.least, 1);
	ck_assert_uint_gt(book.most, 8000);
	ck_assert_uint_lt(book.most, 8192);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");
	TCase *tcase = harness_case(suite, "trace");

	tcase_add_loop_test(tcase, everything_comes_back, 0, 4);
	tcase_add_loop_test(tcase, seed_makes_the_trace, 0, 4);
	tcase_add_loop_test(tcase, refused, 0, 4);
	tcase_add_loop_test(tcase, lacking, 0, 4);
	tcase_add_loop_test(tcase, foretold, 0, 4);
	tcase_add_test(tcase, sizes);
	return harness_run(suite);
}
