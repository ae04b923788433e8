/* SPDX-License-Identifier: MIT */
#include "tests/bench/adversary.h"

#include <err.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/space.h"
#include "tests/bench/linear.h"
#include "tests/bench/record.h"
#include "tests/bench/ticks.h"

/*
 * The worst single call.  A layout is a row of free runs, PERIOD granules
 * apart, and a request that all of them nearly satisfy.  At first none does,
 * and the refusal is timed, with the search for its reason.  Then the last free
 * run, or where the highest address is in the way the first, becomes one that
 * fits: the request is timed, and the return of what it got.
 *
 * Each call is repeated with everything as it was before and its least time
 * counts, so that an interruption is not taken for the allocator; of all
 * different calls on all layouts the longest is the figure.  Before every
 * repetition the caches are filled with something else, as a daemon that was
 * busy with other things would find them; one more figure is with caches warm.
 *
 * Beside it a linear search of the bitmap, as the kernel's CMA does it, looks
 * for the same where it can express it: size and alignment.
 */

#define GRANULE	     4096
#define PERIOD	     64
#define REPEAT	     9
#define REPEAT_QUICK 2
#define TARGET_NS    10000
#define FIGURE_HOLES (UINT64_C(1) << 17)
#define CACHE_BYTES  (4 << 20) /* more than one core has of its own */

struct layout {
	const char *name;
	unsigned int period; /* granules from one free run to the next */
	/* Where the free run of period i begins, from its start, and how many
	 * granules it has. */
	uint64_t (*offset)(uint64_t i);
	uint64_t (*length)(uint64_t i);
	uint64_t size, align, boundary, tail; /* of the request, in granules */
	bool low; /* the last byte must be below the last of the free runs */
	/* The last free run instead, offset and length, that fits; 0: none. */
	uint64_t fit_offset, fit_length;
};

static uint64_t zero(uint64_t i)
{
	(void)i;
	return 0;
}

static uint64_t one(uint64_t i)
{
	(void)i;
	return 1;
}

static uint64_t eight(uint64_t i)
{
	(void)i;
	return 8;
}

static uint64_t sixteen(uint64_t i)
{
	(void)i;
	return 16;
}

/* Across the start of the next period, which is some power of two. */
static uint64_t across(uint64_t i)
{
	(void)i;
	return PERIOD - 8;
}

/* One behind the multiple, by turns with across a boundary. */
static uint64_t either(uint64_t i)
{
	return i % 2 ? 1 : 8 + 3;
}

/* The first one behind the others of its kind by one. */
static uint64_t across_but_first(uint64_t i)
{
	return i > 0 ? PERIOD - 8 : PERIOD - 7;
}

static uint64_t twelve_but_first(uint64_t i)
{
	return i > 0 ? 12 : 23;
}

static uint64_t hash(uint64_t i)
{
	return (i * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
}

/* Any odd place. */
static uint64_t odd(uint64_t i)
{
	return hash(i) % 16 | 1;
}

/* Any length up to just too short. */
static uint64_t any_below(uint64_t i)
{
	return 1 + hash(i) % 15;
}

static uint64_t any_near(uint64_t i)
{
	return 16 + hash(i) % 15;
}

/* So that any start behind a multiple of 16 misses 16 of them. */
static uint64_t odd_near(uint64_t i)
{
	return 31 - any_near(i);
}

static const struct layout layouts[] = {
	{"every second granule free", 2, zero, one, .size = 2},
	{"every second granule free, aligned", 2, one, one, .size = 1,
	 .align = 2},
	{"misses the alignment by one", 32, one, sixteen, .size = 16,
	 .align = 16, .fit_offset = 0, .fit_length = 16},
	{"misses the alignment, all sizes", PERIOD, odd_near, any_near,
	 .size = 16, .align = 32, .fit_offset = 0, .fit_length = 16},
	{"all sizes, all too short", PERIOD, odd, any_below, .size = 16,
	 .fit_offset = 0, .fit_length = 16},
	{"crosses a boundary", PERIOD, across, sixteen, .size = 16,
	 .boundary = 64, .fit_offset = 0, .fit_length = 16},
	{"crosses a boundary, guarded", PERIOD, across, sixteen, .size = 8,
	 .boundary = 64, .tail = 9, .fit_offset = 0, .fit_length = 32},
	{"room before a boundary, none for the guard", PERIOD,
	 across_but_first, twelve_but_first, .size = 8, .boundary = 64,
	 .tail = 9, .fit_offset = 0, .fit_length = 17},
	{"crosses or misses", 32, either, eight, .size = 6, .align = 4,
	 .boundary = 16, .fit_offset = 0, .fit_length = 6},
	{"crosses, across all multiples", PERIOD, across, sixteen, .size = 12,
	 .align = 4, .boundary = 64, .fit_offset = 0, .fit_length = 16},
	{"above the highest address", 32, zero, sixteen, .size = 16,
	 .low = true},
	{"misses, or above the highest address", 32, one, sixteen, .size = 16,
	 .align = 16, .low = true},
	{"crosses, or above the highest address", PERIOD, across, sixteen,
	 .size = 12, .align = 4, .boundary = 64, .low = true},
};

#define N_LAYOUTS (sizeof(layouts) / sizeof(*layouts))

struct stage {
	const struct layout *layout;
	uint64_t n_holes;
	struct space *space;
	struct linear *linear; /* the same bits */
	uint64_t granules;
	bool warm;
};

struct worst {
	double ns;
	char text[120];
};

static volatile unsigned char cache[CACHE_BYTES];

static void fill_caches(const struct stage *stage)
{
	if (!stage->warm)
		for (size_t i = 0; i < sizeof(cache); i += 64)
			cache[i]++;
}

static struct run run_of(const struct layout *layout, uint64_t i)
{
	return (struct run){
		.phys = (i * layout->period + layout->offset(i)) * GRANULE,
		.size_bytes = layout->length(i) * GRANULE,
	};
}

static void give(struct stage *stage, const struct run *run)
{
	space_release(stage->space, run);
	linear_clear(stage->linear, run->phys / GRANULE,
		     run->size_bytes / GRANULE);
}

static void stage_init(struct stage *stage, const struct layout *layout,
		       uint64_t n_holes, bool warm)
{
	struct run all;

	*stage = (struct stage){
		.layout = layout,
		.n_holes = n_holes,
		.granules = n_holes * layout->period + PERIOD,
		.warm = warm,
	};
	all = (struct run){.size_bytes = stage->granules * GRANULE};
	stage->linear = linear_new(stage->granules);
	if (!stage->linear ||
	    space_new(&stage->space, GRANULE, &all, 1, NULL) < 0 ||
	    space_claim(stage->space, &all) < 0)
		errx(EXIT_FAILURE, "no memory for %s", layout->name);
	space_expect_tail(stage->space, layout->tail * GRANULE);
	linear_set(stage->linear, 0, stage->granules);
	for (uint64_t i = 0; i < n_holes; i++) {
		struct run run = run_of(layout, i);

		give(stage, &run);
	}
}

static void stage_deinit(struct stage *stage)
{
	space_free(stage->space);
	linear_free(stage->linear);
}

static void note(struct worst *worst, const struct stage *stage,
		 const char *what, double ns)
{
	if (ns <= worst->ns)
		return;
	worst->ns = ns;
	(void)snprintf(worst->text, sizeof(worst->text), "%s, %s",
		       stage->layout->name, what);
}

static double least(double a, double b)
{
	return b < a ? b : a;
}

static struct space_request request_of(const struct stage *stage)
{
	const struct layout *layout = stage->layout;
	struct run last = run_of(layout, stage->n_holes - 1);

	return (struct space_request){
		.size_bytes = layout->size * GRANULE,
		.align_bytes = layout->align * GRANULE,
		.boundary_bytes = layout->boundary * GRANULE,
		.tail_bytes = layout->tail * GRANULE,
		.max_phys = layout->low ? layout->length(0) * GRANULE - 2
					: last.phys + UINT64_C(0xffffffff) * 2,
	};
}

static int repeat(void)
{
	return record_is_quick() ? REPEAT_QUICK : REPEAT;
}

static void time_refusal(const struct stage *stage,
			 const struct space_request *request,
			 struct worst *worst)
{
	struct space_refusal refusal;
	struct run run;
	double ns = INFINITY;

	for (int i = 0; i < repeat(); i++) {
		uint64_t begin;
		int outcome;

		fill_caches(stage);
		begin = ticks_now();
		outcome = space_alloc(stage->space, request, &run, &refusal);
		ns = least(ns, ticks_ns(begin, ticks_now()));
		if (outcome != SPACE_E_FRAGMENTED &&
		    outcome != SPACE_E_CONSTRAINT)
			errx(EXIT_FAILURE, "%s: outcome %d and no refusal",
			     stage->layout->name, outcome);
	}
	note(worst, stage, "refused", ns);
}

/* A request that finds its place, and the way back. */
static void time_pair(const struct stage *stage,
		      const struct space_request *request, struct worst *worst)
{
	double alloc_ns = INFINITY, release_ns = INFINITY;

	for (int i = 0; i < repeat(); i++) {
		struct run run;
		uint64_t begin;

		fill_caches(stage);
		begin = ticks_now();
		if (space_alloc(stage->space, request, &run, NULL))
			errx(EXIT_FAILURE, "%s: refused", stage->layout->name);
		alloc_ns = least(alloc_ns, ticks_ns(begin, ticks_now()));
		fill_caches(stage);
		begin = ticks_now();
		space_release(stage->space, &run);
		release_ns = least(release_ns, ticks_ns(begin, ticks_now()));
	}
	note(worst, stage, "found", alloc_ns);
	note(worst, stage, "released", release_ns);
}

/* What is between two free runs goes and comes back: two become one, one
 * becomes two. */
static void time_joint(const struct stage *stage, uint64_t i,
		       struct worst *worst)
{
	struct run below = run_of(stage->layout, i);
	struct run above = run_of(stage->layout, i + 1), joint;
	double release_ns = INFINITY, claim_ns = INFINITY;

	joint.phys = run_last(&below) + 1;
	joint.size_bytes = above.phys - joint.phys;
	for (int n = 0; n < repeat(); n++) {
		uint64_t begin;

		fill_caches(stage);
		begin = ticks_now();
		space_release(stage->space, &joint);
		release_ns = least(release_ns, ticks_ns(begin, ticks_now()));
		fill_caches(stage);
		begin = ticks_now();
		(void)space_claim(stage->space, &joint);
		claim_ns = least(claim_ns, ticks_ns(begin, ticks_now()));
	}
	note(worst, stage, "joined", release_ns);
	note(worst, stage, "split", claim_ns);
}

static double time_linear(const struct stage *stage)
{
	const struct layout *layout = stage->layout;
	double ns = INFINITY;

	for (int i = 0; i < 3; i++) {
		uint64_t begin;

		fill_caches(stage);
		begin = ticks_now();
		(void)linear_find_area(stage->linear, 0, layout->size,
				       layout->align ? layout->align : 1);
		ns = least(ns, ticks_ns(begin, ticks_now()));
	}
	return ns;
}

static void run_layout(const struct layout *layout, uint64_t n_holes, bool warm,
		       struct worst *worst, double *linear_nsp)
{
	const struct space_request any = {.size_bytes = 1,
					  .max_phys = UINT64_MAX};
	struct space_request request;
	struct stage stage;
	double linear_ns;

	stage_init(&stage, layout, n_holes, warm);
	request = request_of(&stage);
	time_refusal(&stage, &request, worst);
	if (!layout->boundary && !layout->low) {
		linear_ns = time_linear(&stage);
		if (linear_ns > *linear_nsp)
			*linear_nsp = linear_ns;
	}
	time_pair(&stage, &any, worst);
	for (uint64_t i = 1; i < 32; i++)
		time_joint(&stage, n_holes / 32 * i - 1, worst);
	if (layout->fit_length) {
		struct run fit = {
			.phys = (n_holes * layout->period + PERIOD - 1) /
				PERIOD * PERIOD * GRANULE,
			.size_bytes = layout->fit_length * GRANULE,
		};
		struct run last = run_of(layout, n_holes - 1);

		/* Where it does not touch the last one. */
		if (run_last(&last) + 1 < fit.phys) {
			space_release(stage.space, &fit);
			time_pair(&stage, &request, worst);
		}
	}
	stage_deinit(&stage);
}

static void record_worst(const char *name, const struct worst *worst,
			 double linear_ns)
{
	record_figure(&(struct bench_figure){
		.group = "allocator",
		.name = name,
		.value = worst->ns / 1e3,
		.unit = "µs",
		.target = TARGET_NS / 1e3,
		.peer = "first fit",
		.peer_value = linear_ns / 1e3,
	});
	(void)fprintf(stderr, "%s: %s\n", name, worst->text);
}

static void run_holes(uint64_t n_holes)
{
	struct worst cold = {.ns = 0}, warm = {.ns = 0};
	double linear_ns = 0, ignored_ns = 0;

	for (size_t i = 0; i < N_LAYOUTS; i++) {
		struct worst before = cold, own = {.ns = 0};

		run_layout(&layouts[i], n_holes, false, &own, &linear_ns);
		cold = own.ns > before.ns ? own : before;
		if (n_holes == FIGURE_HOLES) {
			(void)fprintf(stderr, "%8.0f ns  %s\n", own.ns,
				      own.text);
			run_layout(&layouts[i], n_holes, true, &warm,
				   &ignored_ns);
		}
	}
	record_point(&(struct bench_point){"allocator-worst", "contigd",
					   (double)n_holes, cold.ns});
	record_point(&(struct bench_point){"allocator-worst", "first fit",
					   (double)n_holes, linear_ns});
	if (n_holes != FIGURE_HOLES)
		return;
	record_worst("worst call, 131072 free runs, caches cold", &cold,
		     linear_ns);
	record_worst("worst call, 131072 free runs", &warm, ignored_ns);
}

void adversary_run(void)
{
	uint64_t most = record_is_quick() ? 1 << 12 : 1 << 20;

	for (uint64_t n = 1 << 10; n <= most; n *= 2)
		if (n == FIGURE_HOLES || __builtin_ctzll(n) % 2 == 0)
			run_holes(n);
	if (record_is_quick())
		run_holes(FIGURE_HOLES);
}
