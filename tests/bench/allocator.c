/* SPDX-License-Identifier: MIT */

/*
 * What taking and giving back memory costs, without a socket between.
 *
 *	churn	A region is filled to an occupancy and kept there: buffers
 *		picked at random go, others come, until nothing is left of the
 *		order in which it was filled.  Then each call is timed by
 *		itself; the mean of alloc+free is the sum of both means.
 *		Refusals, which are faster, do not count.  Sizes are log-uniform
 *		in whole granules, so that hardly two free runs are of equal
 *		size: nothing that repeats helps.  Peers live through the same
 *		with the same seed.
 *	worst	tests/bench/adversary.c: layouts that are made to hurt
 *
 * One read of the clock is taken off each time (tests/bench/ticks.h).  It runs
 * on the processor that it began on.
 */
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/adversary.h"
#include "tests/bench/peer.h"
#include "tests/bench/record.h"
#include "tests/bench/samples.h"
#include "tests/bench/ticks.h"
#include "util/clock.h"

#define MIB		(UINT64_C(1) << 20)
#define GIB		(UINT64_C(1) << 30)
#define N_TIMED		200000
#define N_QUICK		2000
#define PATIENCE_NS	2000000000 /* how long a peer may fill a region */
#define MEAN_TARGET_NS	700
#define P99_TARGET_NS	1000
#define TIB_TARGET_MIB	50
#define BUDGET_BITS	1.5 /* a granule */
#define BUDGET_BYTES	64  /* and those a live run */

struct sizes {
	const char *name;
	double least_bytes, most_bytes;
};

static const struct sizes all_sizes[] = {
	{"camera", 1.3 * (double)MIB, 32.0 * (double)MIB},
	{"mixed", 4096, 32.0 * (double)MIB},
};

static const unsigned int occupancies[] = {50, 90, 98};

struct live {
	uint32_t start, size;
};

struct churn {
	const struct peer *peer;
	void *state;
	const struct sizes *sizes;
	uint64_t target; /* granules that shall be taken */
	uint64_t taken;
	struct live *live;
	size_t n_live, room;
	uint64_t chance;
	struct samples allocs, frees;
};

struct outcome {
	double mean_ns, p99_ns, held_bytes;
	size_t n_live;
};

static uint64_t roll(struct churn *churn)
{
	uint64_t z = (churn->chance += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint32_t draw_size(struct churn *churn)
{
	const struct sizes *sizes = churn->sizes;
	double part = (double)(roll(churn) >> 11) * 0x1p-53;
	double bytes = sizes->least_bytes *
		       pow(sizes->most_bytes / sizes->least_bytes, part);

	return (uint32_t)ceil(bytes / PEER_GRANULE_BYTES);
}

static void free_one(struct churn *churn)
{
	size_t at = (size_t)(roll(churn) % churn->n_live);
	struct live live = churn->live[at];
	uint64_t begin = ticks_now();

	churn->peer->free(churn->state, live.start, live.size);
	samples_add(&churn->frees, ticks_ns(begin, ticks_now()));
	churn->live[at] = churn->live[--churn->n_live];
	churn->taken -= live.size;
}

/* One buffer comes, and as many go as it takes to make room in total; perhaps
 * no single run has it. */
static bool step(struct churn *churn)
{
	uint32_t size = draw_size(churn);
	uint64_t begin, end, start;

	while (churn->n_live && (churn->taken + size > churn->target ||
				 churn->n_live == churn->room))
		free_one(churn);
	begin = ticks_now();
	start = churn->peer->alloc(churn->state, size, 1);
	end = ticks_now();
	if (start == PEER_NONE) {
		/* or it might be refused for ever */
		if (churn->n_live)
			free_one(churn);
		return false;
	}
	samples_add(&churn->allocs, ticks_ns(begin, end));
	churn->live[churn->n_live++] = (struct live){(uint32_t)start, size};
	churn->taken += size;
	return true;
}

/* False where the peer takes too long for it. */
static bool fill(struct churn *churn)
{
	uint64_t begin_ns = clock_ns();
	size_t n_settled = 0;

	churn->allocs.room = churn->frees.room = 0; /* not what is measured */
	while (churn->taken + churn->sizes->most_bytes / PEER_GRANULE_BYTES <
	       churn->target) {
		if (clock_ns() - begin_ns > PATIENCE_NS)
			return false;
		if (!step(churn))
			break;
	}
	while (n_settled++ < 2 * churn->n_live) {
		if (clock_ns() - begin_ns > PATIENCE_NS)
			return churn->peer == &peer_contigd;
		(void)step(churn);
	}
	return true;
}

/* Without what is of files: the first peer that runs a function brings the
 * pages of it, and they are nobody's books.  What malloc() keeps of a peer that
 * is gone would be the next one's for nothing. */
static double resident_bytes(void)
{
	unsigned long total, resident, of_files;
	FILE *file;
	int n;

	(void)malloc_trim(0);
	file = fopen("/proc/self/statm", "re");
	n = file ? fscanf(file, "%lu %lu %lu", &total, &resident, &of_files) : 0;
	if (file)
		(void)fclose(file);
	return n == 3 ? (double)(resident - of_files) *
				(double)sysconf(_SC_PAGESIZE)
		      : NAN;
}

static double mean_of(const struct samples *samples)
{
	double sum = 0;

	for (size_t i = 0; i < samples->n; i++)
		sum += samples->values[i];
	return samples->n ? sum / (double)samples->n : NAN;
}

static bool run_peer(struct churn *churn, const struct peer *peer,
		     uint64_t granules, struct outcome *outcome)
{
	size_t n_timed = record_is_quick() ? N_QUICK : N_TIMED;
	double before_bytes;
	bool in_time;

	churn->peer = peer;
	churn->taken = churn->n_live = 0;
	churn->chance = 4;
	churn->allocs.n = churn->frees.n = 0;
	/* touched now, so that only the peer's own books grow */
	memset(churn->live, 1, churn->room * sizeof(*churn->live));
	before_bytes = resident_bytes();
	churn->state = peer->new(granules);
	if (!churn->state) {
		(void)fprintf(stderr, "%s: out of memory\n", peer->name);
		return false;
	}
	in_time = fill(churn);
	churn->allocs.room = churn->frees.room = n_timed;
	while (in_time && churn->allocs.n < n_timed)
		(void)step(churn);
	outcome->held_bytes = resident_bytes() - before_bytes;
	churn->state = peer->destroy(churn->state);
	outcome->mean_ns = mean_of(&churn->allocs) + mean_of(&churn->frees);
	outcome->p99_ns = samples_quantile(&churn->allocs, 0.99);
	outcome->n_live = churn->n_live;
	return in_time;
}

static const char *text_of(char text[80], const char *what, uint64_t gib,
			   unsigned int occupancy, const struct sizes *sizes)
{
	(void)snprintf(text, 80, "%s, %u %s, %u %%, %s", what,
		       (unsigned int)(gib < 1024 ? gib : gib / 1024),
		       gib < 1024 ? "GiB" : "TiB", occupancy, sizes->name);
	return text;
}

static void record_times(uint64_t gib, unsigned int occupancy,
			 const struct sizes *sizes, const struct outcome *ours,
			 const struct outcome *tlsf)
{
	struct bench_figure figure = {
		.group = "allocator",
		.unit = "ns",
		.peer = "TLSF",
	};
	char text[80];

	figure.name = text_of(text, "alloc+free, mean", gib, occupancy, sizes);
	figure.value = ours->mean_ns;
	figure.target = MEAN_TARGET_NS;
	figure.peer_value = tlsf->mean_ns;
	record_figure(&figure);
	figure.name = text_of(text, "alloc, 99th percentile", gib, occupancy,
			      sizes);
	figure.value = ours->p99_ns;
	figure.target = P99_TARGET_NS;
	figure.peer_value = tlsf->p99_ns;
	record_figure(&figure);
}

static void record_metadata(uint64_t gib, unsigned int occupancy,
			    const struct sizes *sizes,
			    const struct outcome *ours,
			    const struct outcome *tlsf)
{
	double granules = (double)(gib * GIB / PEER_GRANULE_BYTES);
	double budget = granules * BUDGET_BITS / 8 +
			BUDGET_BYTES * (double)ours->n_live;
	char text[80];
	struct bench_figure figure = {
		.group = "metadata",
		.name = text_of(text, "share of the budget", gib, occupancy,
				sizes),
		.value = ours->held_bytes / budget,
		.unit = "",
		.target = 1,
		.peer = "TLSF",
		.peer_value = tlsf->held_bytes / budget,
	};

	record_figure(&figure);
	if (gib != 1024)
		return;
	figure.name = text_of(text, "resident", gib, occupancy, sizes);
	figure.value = ours->held_bytes / (double)MIB;
	figure.unit = "MiB";
	figure.target = TIB_TARGET_MIB;
	figure.peer_value = tlsf->held_bytes / (double)MIB;
	record_figure(&figure);
}

static void record_points(const char *series, uint64_t gib,
			  unsigned int occupancy, const struct outcome *outcome)
{
	struct bench_point point = {.series = series, .y = outcome->mean_ns};

	point.plot = "allocator-size";
	point.x = (double)(gib * GIB);
	if (occupancy == 90)
		record_point(&point);
	point.plot = "allocator-occupancy";
	point.x = occupancy;
	if (gib == 64)
		record_point(&point);
}

static void measure(uint64_t gib, unsigned int occupancy,
		    const struct sizes *sizes)
{
	uint64_t granules = gib * GIB / PEER_GRANULE_BYTES;
	struct outcome ours = {.n_live = 0}, tlsf = {.n_live = 0}, other;
	bool is_mixed = sizes == &all_sizes[1];
	size_t n_timed = record_is_quick() ? N_QUICK : N_TIMED;
	struct churn churn = {
		.sizes = sizes,
		.target = granules / 100 * occupancy,
		/* the mean of the sizes is 3.5 MiB and more */
		.room = (size_t)(gib * GIB / MIB),
	};

	churn.live = calloc(churn.room, sizeof(*churn.live));
	if (!churn.live) {
		(void)fprintf(stderr, "out of memory\n");
		exit(EXIT_FAILURE);
	}
	samples_init(&churn.allocs, n_timed);
	samples_init(&churn.frees, n_timed);
	(void)fprintf(stderr, "%" PRIu64 " GiB, %u %%, %s\n", gib, occupancy,
		      sizes->name);
	(void)run_peer(&churn, &peer_contigd, granules, &ours);
	if (!run_peer(&churn, &peer_tlsf, granules, &tlsf))
		tlsf.mean_ns = tlsf.p99_ns = tlsf.held_bytes = NAN;
	record_times(gib, occupancy, sizes, &ours, &tlsf);
	record_metadata(gib, occupancy, sizes, &ours, &tlsf);
	if (is_mixed) {
		record_points(peer_contigd.name, gib, occupancy, &ours);
		for (size_t i = 1; i < n_peers; i++)
			if (run_peer(&churn, peers[i], granules, &other))
				record_points(peers[i]->name, gib, occupancy,
					      &other);
	}
	samples_deinit(&churn.allocs);
	samples_deinit(&churn.frees);
	free(churn.live);
}

static void stay_here(void)
{
	cpu_set_t here;
	int cpu = sched_getcpu();

	CPU_ZERO(&here);
	if (cpu >= 0) {
		CPU_SET(cpu, &here);
		(void)sched_setaffinity(0, sizeof(here), &here);
	}
}

int main(void)
{
	static const uint64_t gibs[] = {4, 64, 1024};
	size_t n_gibs = record_is_quick() ? 1 : 3;

	stay_here();
	ticks_calibrate();
	for (size_t g = 0; g < n_gibs; g++)
		for (size_t o = 0; o < 3; o++)
			for (size_t s = 0; s < 2; s++)
				measure(gibs[g], occupancies[o], &all_sizes[s]);
	adversary_run();
	return EXIT_SUCCESS;
}
