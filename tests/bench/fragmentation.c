/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/peer.h"
#include "tests/bench/record.h"
#include "tests/bench/trace.h"

/*
 * How often a request is refused although enough is free in total, for want of
 * one run that is long enough: contigd and its peers on the same traces, with
 * fixed seeds, so that every run prints the same.  Nothing here depends on time.
 *
 * The summary tree stands for first fit: it finds the very places that a search
 * along the bitmap finds (check_peers holds both to it), and 64 GiB do not take
 * minutes.  Next fit is left out where callers ask again, as every search of
 * its that fails goes along all bits, and there most do.
 *
 * Where there is a target, one that knows the future stands beside them: what
 * even that refuses, no placement that does not know it is expected to avoid.
 *
 * The sizes of region go from what a small board has to far beyond any; turns
 * are so many that each client has had several before counting begins.  At 4 GiB
 * and 90 % the standard deviation between seeds is 25 % of the figure, and 30 when
 * callers ask again, so where there is a target there are more seeds.
 */

#define MIB	       UINT64_C(256) /* granules */
#define GIB	       (1024 * MIB)
#define N_SEEDS	       5
#define N_TARGET_SEEDS 40
#define TURNS	       12000
#define TURNS_PER_GIB  1500 /* where that is more */
#define USUAL_REGION   (4 * GIB)
#define USUAL_PERCENT  90
#define SPARSE_PERCENT 80 /* up to here nothing should be refused */

static const struct {
	const struct peer *peer;
	const char *name;
} compared[] = {
	{&peer_contigd, "contigd"},
	{&peer_summary, "first fit"},
	{&peer_tlsf, "TLSF"},
	{&peer_next_fit, "next fit"}, /* last, as it may be left out */
};

#define N_COMPARED (sizeof(compared) / sizeof(*compared))

/* What is asked for, and how. */
struct kind {
	const char *name;
	enum trace_sizes sizes;
	bool streams;
	bool asks_again;
	double target; /* percent, of the usual region at the usual occupancy */
	const char *over_occupancy, *over_region; /* plots */
};

static const struct kind kinds[] = {
	{"camera", TRACE_CAMERA, false, false, 0.5, "refused", "refused-region"},
	{"camera, asking again", TRACE_CAMERA, false, true, 1, "refused-again",
	 "refused-region-again"},
	{"streams", TRACE_CAMERA, true, false, NAN, "refused-streams",
	 "refused-region-streams"},
	{"streams, asking again", TRACE_CAMERA, true, true, NAN,
	 "refused-streams-again", "refused-region-streams-again"},
	{"mixed", TRACE_MIXED, false, false, NAN, "refused-mixed",
	 "refused-region-mixed"},
	{"mixed, asking again", TRACE_MIXED, false, true, NAN,
	 "refused-mixed-again", "refused-region-mixed-again"},
};

#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

static const unsigned int percents[] = {50, 60, 70, 80, 85, 90, 95, 98};

static const struct {
	const char *name;
	uint64_t granules;
} regions[] = {
	{"64 MiB", 64 * MIB}, {"256 MiB", 256 * MIB}, {"1 GiB", GIB},
	{"4 GiB", 4 * GIB},   {"16 GiB", 16 * GIB},   {"64 GiB", 64 * GIB},
};

#define N_PERCENTS (sizeof(percents) / sizeof(*percents))
#define N_REGIONS  (sizeof(regions) / sizeof(*regions))

/* Refused percent of those that are compared; of the last, maybe NAN. */
struct result {
	double refused[N_COMPARED];
};

static double measure_one(const struct kind *kind, uint64_t granules,
			  unsigned int percent, const struct peer *peer)
{
	uint64_t turns = TURNS_PER_GIB * (granules / GIB);
	struct trace trace = {
		.granules = granules,
		.percent = percent,
		.sizes = kind->sizes,
		.streams = kind->streams,
		.asks_again = kind->asks_again,
		.turns = turns > TURNS ? turns : TURNS,
	};
	bool has_target = granules == USUAL_REGION && !isnan(kind->target);
	uint64_t n_seeds = has_target ? N_TARGET_SEEDS : N_SEEDS;
	struct trace_outcome sum = {0}, one;

	if (record_is_quick()) {
		trace.turns = 400;
		n_seeds = 1;
	}
	for (trace.seed = 1; trace.seed <= n_seeds; trace.seed++) {
		if (!trace_run(&trace, peer, &one)) {
			(void)fprintf(stderr, "no memory for a trace\n");
			exit(1);
		}
		sum.requests += one.requests;
		sum.refused += one.refused;
	}
	return trace_refused_percent(&sum);
}

static struct result measure(const struct kind *kind, uint64_t granules,
			     unsigned int percent)
{
	struct result result;

	for (size_t i = 0; i < N_COMPARED; i++)
		result.refused[i] =
			kind->asks_again && compared[i].peer == &peer_next_fit
				? NAN
				: measure_one(kind, granules, percent,
					      compared[i].peer);
	return result;
}

/* What even a placement refuses that knows when each buffer goes. */
static void record_foreseen(const struct kind *kind)
{
	for (size_t i = 0; i < N_PERCENTS; i++) {
		double refused = measure_one(kind, USUAL_REGION, percents[i],
					     &peer_clairvoyant);
		char name[96];

		record_point(&(struct bench_point){
			.plot = kind->over_occupancy,
			.series = peer_clairvoyant.name,
			.x = percents[i],
			.y = refused,
		});
		if (percents[i] != SPARSE_PERCENT && percents[i] != USUAL_PERCENT)
			continue;
		(void)snprintf(name, sizeof(name),
			       "refused, %s, 4 GiB at %u %%, by one that %s",
			       kind->name, percents[i], peer_clairvoyant.name);
		record_figure(&(struct bench_figure){
			.group = "fragmentation",
			.name = name,
			.value = refused,
			.unit = "%",
			.target = NAN,
		});
	}
}

static void record_points(const char *plot, double x,
			  const struct result *result)
{
	for (size_t i = 0; i < N_COMPARED; i++)
		if (!isnan(result->refused[i]))
			record_point(&(struct bench_point){
				.plot = plot,
				.series = compared[i].name,
				.x = x,
				.y = result->refused[i],
			});
}

static void keep_worst(struct result *worst, const struct result *result)
{
	for (size_t i = 0; i < N_COMPARED; i++)
		if (!(result->refused[i] <= worst->refused[i]))
			worst->refused[i] = result->refused[i];
}

/* Beside the best of the peers; one that was left out compares as false. */
static void record_refused(const struct kind *kind, const char *where,
			   double target, const struct result *result)
{
	char name[96];
	size_t best = 1;

	for (size_t i = 2; i < N_COMPARED; i++)
		if (result->refused[i] < result->refused[best])
			best = i;
	(void)snprintf(name, sizeof(name), "refused, %s, %s", kind->name, where);
	record_figure(&(struct bench_figure){
		.group = "fragmentation",
		.name = name,
		.value = result->refused[0],
		.unit = "%",
		.target = target,
		.peer = compared[best].name,
		.peer_value = result->refused[best],
	});
}

static void go_over_occupancy(const struct kind *kind)
{
	struct result worst = {{0}};

	for (size_t i = 0; i < N_PERCENTS; i++) {
		struct result result = measure(kind, USUAL_REGION, percents[i]);

		record_points(kind->over_occupancy, percents[i], &result);
		if (percents[i] <= SPARSE_PERCENT)
			keep_worst(&worst, &result);
	}
	record_refused(kind, "4 GiB up to 80 %",
		       kind->sizes == TRACE_CAMERA && !kind->streams &&
				       !kind->asks_again
			       ? 0
			       : NAN,
		       &worst);
}

static void go_over_regions(const struct kind *kind)
{
	char where[32];

	for (size_t i = 0; i < N_REGIONS; i++) {
		struct result result =
			measure(kind, regions[i].granules, USUAL_PERCENT);

		record_points(kind->over_region,
			      (double)(regions[i].granules * PEER_GRANULE_BYTES),
			      &result);
		(void)snprintf(where, sizeof(where), "%s at 90 %%",
			       regions[i].name);
		record_refused(kind, where,
			       regions[i].granules == USUAL_REGION ? kind->target
								   : NAN,
			       &result);
	}
}

int main(void)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		(void)fprintf(stderr, "fragmentation: %s\n", kinds[i].name);
		go_over_occupancy(&kinds[i]);
		go_over_regions(&kinds[i]);
		if (!isnan(kinds[i].target))
			record_foreseen(&kinds[i]);
	}
	return 0;
}
