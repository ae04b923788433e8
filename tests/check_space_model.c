/* SPDX-License-Identifier: MIT */
#include "daemon/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/extent.h"
#include "tests/harness.h"
#include "util/cleanup.h"

/*
 * The allocator against a model so simple that it is plainly right: an array
 * of granules, each with its address and whether it is taken.  Granules belong
 * together where their addresses follow one another, so the model knows no
 * segments; a place is found by trying every granule, and why there is none by
 * counting.  Both are given the same random requests, and every answer must be
 * the same: outcome, what is free, which constraints stood in the way; and the
 * address, but where constraints let the space choose another (see extent.h).
 *
 * CONTIG_MODEL_OPS is the number of operations over all geometries together,
 * CONTIG_MODEL_SEED makes a run repeatable; the seed is printed.
 */

#define OPS_BY_DEFAULT	10200000
#define GRANULES_MAX	512
#define VERIFY_INTERVAL 512
#define TOP(bytes)	(UINT64_MAX - (bytes) + 1) /* so many below 2^64 */

struct geometry {
	const char *name;
	uint64_t granule_bytes;
	struct run segments[40]; /* up to the first that is empty */
};

static const struct geometry geometries[] = {
	{"one segment", 4096, {{UINT64_C(1) << 32, 128 * 4096}}},
	{"tiny granule", 1, {{3, 61}, {70, 1}, {72, 30}}},
	{"odd bases and gaps",
	 4096,
	 {{0x12345000, 37 * 4096},
	  {0x1236b000, 64 * 4096}, /* a gap of one granule */
	  {0x20001000, 4096},
	  {0xfffff000, 5 * 4096}}},
	{"both ends of the address space",
	 65536,
	 {{0, 9 * 65536}, {TOP(83 * 65536), 83 * 65536}}},
	{"segments that touch",
	 2 << 20,
	 {{UINT64_C(7) << 21, 3 << 21},
	  {UINT64_C(10) << 21, 5 << 21},
	  {UINT64_C(15) << 21, 1 << 21},
	  {UINT64_C(17) << 21, 40 << 21}}},
	{"crumbs",
	 16384,
	 {{1 << 14, 1 << 14},
	  {3 << 14, 2 << 14},
	  {6 << 14, 3 << 14},
	  {10 << 14, 1 << 14},
	  {12 << 14, 1 << 14},
	  {14 << 14, 4 << 14},
	  {20 << 14, 2 << 14},
	  {24 << 14, 8 << 14},
	  {33 << 14, 7 << 14},
	  {48 << 14, 1 << 14},
	  {50 << 14, 2 << 14},
	  {60 << 14, 5 << 14},
	  {100 << 14, 9 << 14},
	  {120 << 14, 3 << 14},
	  {124 << 14, 8 << 14}}},
	{"more granules", 4096, {{0x7ff00000, 330 * 4096}}},
	{"most granules", 64, {{0x12340, 512 * 64}}},
};

#define N_GEOMETRIES ((int)(sizeof(geometries) / sizeof(*geometries)))

struct model {
	uint64_t granule_bytes;
	size_t n;
	uint64_t phys[GRANULES_MAX]; /* of each granule, ascending */
	bool taken[GRANULES_MAX];

	struct {
		size_t first, count;
	} live[GRANULES_MAX]; /* runs that were given out, in no order */
	size_t n_live;
};

/* What is checked, and what to say where it is wrong. */
struct trial {
	const struct geometry *geometry;
	struct space *space;
	struct model model;
	uint64_t tail_bytes; /* that the space expects */
	uint64_t seed;
	uint64_t random;
	uint64_t op;
	bool filling;
	uint64_t outcomes[SPACE_E_INVALID + 1]; /* how often each was seen */
};

/* Not ck_assert(), which notes down every call: there are millions. */
#define EXPECT(trial, condition)                                             \
	do {                                                                 \
		if (!(condition))                                            \
			ck_abort_msg("%s, seed %" PRIu64                     \
				     ", operation %" PRIu64 ": " #condition, \
				     (trial)->geometry->name, (trial)->seed, \
				     (trial)->op);                           \
	} while (0)

/* The model. */

static void model_init(struct model *model, const struct geometry *geometry)
{
	memset(model, 0, sizeof(*model));
	model->granule_bytes = geometry->granule_bytes;
	for (const struct run *s = geometry->segments; s->size_bytes; s++)
		for (uint64_t at = 0; at < s->size_bytes;
		     at += model->granule_bytes)
			model->phys[model->n++] = s->phys + at;
	ck_assert_uint_le(model->n, GRANULES_MAX);
}

/* The granules from first on that belong together; only free ones, or all. */
static size_t model_stretch(const struct model *model, size_t first,
			    bool only_free)
{
	size_t last = first;

	if (only_free && model->taken[first])
		return 0;
	while (last + 1 < model->n &&
	       model->phys[last + 1] == model->phys[last] + model->granule_bytes &&
	       !(only_free && model->taken[last + 1]))
		last++;
	return last - first + 1;
}

static size_t model_longest(const struct model *model, bool only_free)
{
	size_t longest = 0, length;

	for (size_t i = 0; i < model->n; i += length ? length : 1) {
		length = model_stretch(model, i, only_free);
		if (length > longest)
			longest = length;
	}
	return longest;
}

static size_t model_count_free(const struct model *model)
{
	size_t n = 0;

	for (size_t i = 0; i < model->n; i++)
		n += !model->taken[i];
	return n;
}

static bool admissible(const struct space_request *request, uint64_t phys,
		       uint64_t size_bytes)
{
	uint64_t last = phys + size_bytes - 1;

	return (!request->align_bytes || phys % request->align_bytes == 0) &&
	       last <= request->max_phys &&
	       (!request->boundary_bytes ||
		phys / request->boundary_bytes == last / request->boundary_bytes);
}

/* The first granule of the lowest place for count granules and the tail within
 * the free run of length granules that begins at i; -1. */
static int model_place(const struct model *model,
		       const struct space_request *request, size_t i,
		       size_t length, size_t count)
{
	size_t taken = count + request->tail_bytes / model->granule_bytes;

	for (size_t at = i; at + taken <= i + length; at++)
		if (admissible(request, model->phys[at],
			       count * model->granule_bytes))
			return (int)at;
	return -1;
}

/* The best place: in the smallest free run that has one, of several the lowest.
 * The first granule, or -1. */
static int model_find(const struct model *model,
		      const struct space_request *request, size_t count)
{
	size_t tail = request->tail_bytes / model->granule_bytes;
	size_t best_length = SIZE_MAX, length;
	int best = -1, at;

	for (size_t i = 0; i < model->n; i += length ? length : 1) {
		length = model_stretch(model, i, true);
		if (length < count + tail || length >= best_length)
			continue;
		at = model_place(model, request, i, length, count);
		if (at >= 0) {
			best = at;
			best_length = length;
		}
	}
	return best;
}

static size_t model_run_start(const struct model *model, size_t at)
{
	while (at > 0 && !model->taken[at - 1] &&
	       model->phys[at - 1] + model->granule_bytes == model->phys[at])
		at--;
	return at;
}

/* A free run, in granules. */
struct stretch {
	size_t start, length;
};

/* The shortest free runs of at least count granules, at most EXTENTS_TRIED, in
 * order of length and then of address; returns how many. */
static size_t model_shortest(const struct model *model, size_t count,
			     struct stretch shortest[EXTENTS_TRIED])
{
	size_t n = 0, length, k;

	for (size_t i = 0; i < model->n; i += length ? length : 1) {
		length = model_stretch(model, i, true);
		if (length < count || length == 0)
			continue;
		for (k = n; k > 0 && shortest[k - 1].length > length; k--)
			if (k < EXTENTS_TRIED)
				shortest[k] = shortest[k - 1];
		if (k < EXTENTS_TRIED)
			shortest[k] = (struct stretch){i, length};
		n += n < EXTENTS_TRIED;
	}
	return n;
}

/* Among those the place that the space takes: of the first that has one, and
 * those near to it, the lowest; -1 where none has. */
static int model_near(const struct model *model,
		      const struct space_request *request, size_t count)
{
	size_t tail = request->tail_bytes / model->granule_bytes;
	struct stretch shortest[EXTENTS_TRIED];
	size_t n = model_shortest(model, count + tail, shortest);
	uint64_t longest = UINT64_MAX;
	int best = -1, at;

	for (size_t i = 0; i < n && shortest[i].length <= longest; i++) {
		at = model_place(model, request, shortest[i].start,
				 shortest[i].length, count);
		if (at < 0)
			continue;
		if (best < 0)
			longest = shortest[i].length +
				  EXTENTS_NEAR_BYTES / model->granule_bytes;
		if (best < 0 || at < best)
			best = at;
	}
	return best;
}

/* True where the request may get the place from at on: that one, or where there
 * is none such the lowest in any free run. */
static bool model_allows(const struct model *model,
			 const struct space_request *request, size_t count,
			 size_t at)
{
	size_t start = model_run_start(model, at);
	int near = model_near(model, request, count);

	if (near >= 0)
		return at == (size_t)near;
	return model_place(model, request, start,
			   model_stretch(model, start, true), count) == (int)at;
}

/* The granule at an address. */
static size_t model_granule(const struct model *model, uint64_t phys)
{
	size_t at = 0;

	while (at < model->n && model->phys[at] != phys)
		at++;
	return at;
}

static bool model_helps(const struct model *model,
			const struct space_request *request, size_t count,
			unsigned int dropped)
{
	struct space_request rest = *request;

	if (dropped & SPACE_ALIGN)
		rest.align_bytes = 0;
	if (dropped & SPACE_MAX_PHYS)
		rest.max_phys = UINT64_MAX;
	if (dropped & SPACE_BOUNDARY)
		rest.boundary_bytes = 0;
	return model_find(model, &rest, count) >= 0;
}

/* Of single constraints, or else of pairs, or else all: those that help. */
static unsigned int model_constraints(const struct model *model,
				      const struct space_request *request,
				      size_t count)
{
	static const unsigned int sets[] = {1, 2, 4, 0, 3, 5, 6, 0, 7, 0};
	unsigned int helping = 0;

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		if (sets[i] && model_helps(model, request, count, sets[i]))
			helping |= sets[i];
		if (!sets[i] && helping)
			break;
	}
	return helping;
}

/* 0, or why there is no place at *atp. */
static int model_alloc(const struct model *model,
		       const struct space_request *request, size_t *countp,
		       int *atp)
{
	uint64_t g = model->granule_bytes, tail = request->tail_bytes / g;
	uint64_t count =
		request->size_bytes / g + (request->size_bytes % g != 0);

	if (count == 0 || __builtin_popcountll(request->align_bytes) > 1 ||
	    __builtin_popcountll(request->boundary_bytes) > 1)
		return SPACE_E_INVALID;
	if (request->boundary_bytes &&
	    request->boundary_bytes < (unsigned __int128)count * g)
		return SPACE_E_INVALID;
	if (count > model->n || count + tail > model_longest(model, false))
		return SPACE_E_TOO_LARGE;
	*countp = (size_t)count;
	*atp = model_find(model, request, *countp);
	count += tail;
	if (*atp >= 0)
		return 0;
	if (count > model_count_free(model))
		return SPACE_E_FULL;
	if (count > model_longest(model, true))
		return SPACE_E_FRAGMENTED;
	return SPACE_E_CONSTRAINT;
}

static void model_take(struct model *model, size_t first, size_t count)
{
	memset(&model->taken[first], true, count);
	model->live[model->n_live].first = first;
	model->live[model->n_live++].count = count;
}

/* Random choices. */

static uint64_t draw(struct trial *trial, uint64_t below)
{
	/* xorshift64*, good enough to look everywhere */
	trial->random ^= trial->random >> 12;
	trial->random ^= trial->random << 25;
	trial->random ^= trial->random >> 27;
	return (trial->random * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

static uint64_t draw_size(struct trial *trial)
{
	const struct model *model = &trial->model;
	uint64_t g = model->granule_bytes, dice = draw(trial, 100), count;

	if (dice == 0)
		return draw(trial, 2) ? 0 : UINT64_MAX - draw(trial, 2 * g);
	if (dice < 60)
		count = 1 + draw(trial, 4);
	else if (dice < 92)
		count = 1 + draw(trial, model->n / 6);
	else
		count = 1 + draw(trial, model->n + 2);
	return count * g - (draw(trial, 3) ? 0 : draw(trial, g));
}

/* A power of two around the granule; rarely any, rarely none. */
static uint64_t draw_power(struct trial *trial, unsigned int shift)
{
	uint64_t dice = draw(trial, 200);

	if (dice == 0)
		return draw(trial, UINT64_C(1) << 40);
	if (dice == 1)
		return UINT64_C(1) << draw(trial, 64);
	return trial->model.granule_bytes << draw(trial, shift);
}

static struct space_request draw_request(struct trial *trial)
{
	const struct model *model = &trial->model;
	struct space_request request = {
		.size_bytes = draw_size(trial),
		.max_phys = UINT64_MAX,
	};

	if (draw(trial, 2))
		request.align_bytes = draw_power(trial, 7);
	if (draw(trial, 3) == 0)
		request.max_phys = model->phys[draw(trial, model->n)] +
				   draw(trial, 2 * model->granule_bytes) - 1;
	if (draw(trial, 3) == 0)
		request.boundary_bytes = draw_power(trial, 9);
	if (draw(trial, 4) == 0)
		request.tail_bytes = draw(trial, 4) * model->granule_bytes;
	else
		request.tail_bytes = trial->tail_bytes;
	return request;
}

/* One operation each, on both. */

static void try_alloc(struct trial *trial)
{
	struct space_request request = draw_request(trial);
	struct model *model = &trial->model;
	struct space_refusal refusal;
	struct run run = {0, 0};
	size_t count = 0, granule;
	int at = -1;
	int expected = model_alloc(model, &request, &count, &at);
	int outcome = space_alloc(trial->space, &request, &run, &refusal);

	EXPECT(trial, outcome == expected);
	trial->outcomes[outcome]++;
	if (outcome == 0) {
		count += request.tail_bytes / model->granule_bytes;
		granule = model_granule(model, run.phys);
		EXPECT(trial, granule < model->n);
		EXPECT(trial, model_allows(model, &request,
					   count - request.tail_bytes /
							   model->granule_bytes,
					   granule));
		EXPECT(trial, run.size_bytes == count * model->granule_bytes);
		model_take(model, granule, count);
		return;
	}
	EXPECT(trial, refusal.free_bytes ==
			      model_count_free(model) * model->granule_bytes);
	EXPECT(trial, refusal.largest_free_bytes ==
			      model_longest(model, true) * model->granule_bytes);
	EXPECT(trial,
	       refusal.constraints ==
		       (outcome == SPACE_E_CONSTRAINT
				? model_constraints(model, &request, count)
				: 0));
}

/* A whole run, or a part of one from its start, its end or its middle. */
static void try_release(struct trial *trial)
{
	struct model *model = &trial->model;
	size_t which, first, count, from, n;
	struct run run;

	if (model->n_live == 0) {
		try_alloc(trial);
		return;
	}
	which = draw(trial, model->n_live);
	first = model->live[which].first;
	count = model->live[which].count;
	from = first;
	n = count;
	if (draw(trial, 3) == 0) {
		from = first + draw(trial, count);
		n = 1 + draw(trial, first + count - from);
	}
	run.phys = model->phys[from];
	run.size_bytes = n * model->granule_bytes;
	space_release(trial->space, &run);
	memset(&model->taken[from], false, n);

	model->live[which] = model->live[--model->n_live];
	if (from > first)
		model_take(model, first, from - first);
	if (from + n < first + count)
		model_take(model, from + n, first + count - from - n);
}

static void try_claim(struct trial *trial)
{
	struct model *model = &trial->model;
	size_t first = draw(trial, model->n), count = 1 + draw(trial, 5);
	struct run run = {
		.phys = model->phys[first],
		.size_bytes = count * model->granule_bytes,
	};
	int expected = 0;

	if (model_stretch(model, first, false) < count)
		expected = -ERANGE;
	else if (model_stretch(model, first, true) < count)
		expected = -EBUSY;
	EXPECT(trial, space_claim(trial->space, &run) == expected);
	if (expected == 0)
		model_take(model, first, count);
}

/* Goes through the free runs of the model beside those of the space. */
struct walk {
	struct trial *trial;
	size_t at;
	size_t n_runs;
};

static void compare_run(void *data, const struct run *run)
{
	struct walk *walk = data;
	const struct model *model = &walk->trial->model;
	size_t length = 0;

	while (walk->at < model->n &&
	       !(length = model_stretch(model, walk->at, true)))
		walk->at++;
	EXPECT(walk->trial, walk->at < model->n);
	EXPECT(walk->trial, run->phys == model->phys[walk->at]);
	EXPECT(walk->trial, run->size_bytes == length * model->granule_bytes);
	walk->at += length;
	walk->n_runs++;
}

static void compare_all(struct trial *trial)
{
	struct walk walk = {.trial = trial};

	space_verify(trial->space);
	space_for_each_free(trial->space, compare_run, &walk);
	while (walk.at < trial->model.n)
		EXPECT(trial, trial->model.taken[walk.at++]);
	EXPECT(trial, space_count_free_runs(trial->space) == walk.n_runs);
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void trial_run(struct trial *trial, uint64_t n_ops)
{
	for (trial->op = 0; trial->op < n_ops; trial->op++) {
		uint64_t dice = draw(trial, 100);

		if (draw(trial, 150) == 0) /* from nearly empty to full */
			trial->filling = !trial->filling;
		if (dice < 4)
			try_claim(trial);
		else if (dice < (trial->filling ? 66 : 40))
			try_alloc(trial);
		else
			try_release(trial);
		if (trial->op % VERIFY_INTERVAL == 0) {
			compare_all(trial);
			trial->tail_bytes =
				draw(trial, 4) * trial->model.granule_bytes;
			space_expect_tail(trial->space, trial->tail_bytes);
		}
	}
	compare_all(trial);
}

/* All comes back in the end, and is what it was. */
static void trial_end(struct trial *trial)
{
	size_t n;

	while (trial->model.n_live)
		try_release(trial);
	compare_all(trial);
	/* A run of some length that never saw one of the outcomes is blind. */
	for (int i = 0; i <= SPACE_E_INVALID; i++)
		EXPECT(trial, trial->outcomes[i] || trial->op < 100000);
	(void)space_segments(trial->space, &n);
	EXPECT(trial, space_count_free_runs(trial->space) == n);
	EXPECT(trial, space_free_bytes(trial->space) ==
			      space_size_bytes(trial->space));
	trial->space = space_free(trial->space);
}

static uint64_t seed;

START_TEST(model)
{
	struct trial trial = {
		.geometry = &geometries[_i],
		.seed = seed,
		.random = (seed + (uint64_t)_i * 0x9e3779b97f4a7c15) | 1,
	};
	uint64_t n_ops =
		number_from_environment("CONTIG_MODEL_OPS", OPS_BY_DEFAULT) /
		N_GEOMETRIES;
	clock_t begin = clock();
	double seconds;
	size_t n = 0;

	while (trial.geometry->segments[n].size_bytes)
		n++;
	model_init(&trial.model, trial.geometry);
	ck_assert_int_eq(space_new(&trial.space, trial.geometry->granule_bytes,
				   trial.geometry->segments, n, NULL),
			 0);
	trial_run(&trial, n_ops);
	trial_end(&trial);
	seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
	printf("%-32s %" PRIu64 " operations, %.0f a second\n",
	       trial.geometry->name, n_ops,
	       seconds > 0 ? (double)n_ops / seconds : 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("space_model");
	TCase *tcase = harness_case(suite, "space_model");

	seed = number_from_environment("CONTIG_MODEL_SEED",
				       (uint64_t)time(NULL));
	printf("CONTIG_MODEL_SEED=%" PRIu64 "\n", seed);
	(void)fflush(stdout);
	tcase_add_loop_test(tcase, model, 0, N_GEOMETRIES);
	return harness_run(suite);
}
