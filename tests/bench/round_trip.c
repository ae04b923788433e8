/* SPDX-License-Identifier: MIT */

/*
 * What asking for memory costs beside what talking to any process costs.
 *
 * The floor is a libevent echo that answers with one descriptor (echo.c);
 * contigd is a daemon of its own with simulated memory, asked through libcontig
 * as programs do.  A time runs from the request until the descriptor is there.
 * Both are asked in turns within one run, so that whatever else the machine does
 * meets both, and both close what they got.  Nothing is pinned to a processor.
 *
 * Either sends a descriptor of an open file of its own each time, that was
 * opened before.  What it would be with the same one again and again is in the
 * table as well: a floor that nobody who lends anything can reach.
 *
 *	warm		16 requests one after the other, then 16 to the floor; what
 *			was lent is released behind them.  The first of each 16
 *			finds cold caches and does not count
 *	paced		one every few milliseconds, as cameras ask, the floor and
 *			contigd in turns; the one before is released after each.
 *			All of them find cold caches
 *	cycle		release, evidence, zeroing and allocation of 64 KiB again,
 *			each buffer written from end to end before (that is not in
 *			the time), after it was found to be zero.  Once from a
 *			region with room for many, once from one with room for a
 *			single buffer, where each allocation has to wait for the
 *			return of the one before; in both, what is lent is counted
 *			now and then, and with room what was released is back
 *			before a quarter of it is taken.  The floor is asked in
 *			turns with it, and finds the caches as it does: behind
 *			the same use of the same buffer
 *	16 at once	one request for 16 buffers, for each of them
 */
#include <contig.h>

#include <err.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/daemon.h"
#include "tests/bench/echo.h"
#include "tests/bench/record.h"
#include "tests/bench/samples.h"
#include "util/clock.h"

#define SIZE_BYTES 65536
#define BURST	   16
#define USED	   0xa5
#define MOST_LENT  256
/* Half of it is not in step with the pauses of the daemon: whoever wakes up a
 * processor just before the other asks would help him. */
#define PACE_NS	   5000000

struct bench {
	struct echo echo;
	struct contig *contig;
	struct samples floor;
	struct samples same; /* the floor with one file */
	struct samples ours;
	size_t rounds;
};

static double us_since(uint64_t ns)
{
	return (double)(clock_ns() - ns) / 1e3;
}

static void ask_floor(struct bench *bench)
{
	uint64_t start = clock_ns();
	int fd = echo_call(&bench->echo);

	samples_add(&bench->floor, us_since(start));
	(void)close(fd);
}

static void ask_same(struct bench *bench)
{
	uint64_t start = clock_ns();
	int fd = echo_call_same(&bench->echo);

	samples_add(&bench->same, us_since(start));
	(void)close(fd);
}

static void check(int r, const struct contig_failure *failure)
{
	if (r < 0)
		errx(EXIT_FAILURE, "no buffer: %s", failure->text);
}

static struct contig_buffer *allocate(struct bench *bench, const char *region)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {0};
	struct contig_buffer *buffer;

	request.size_bytes = SIZE_BYTES;
	request.region = region;
	request.name = "frame";
	check(contig_alloc(bench->contig, &request, &buffer, &failure),
	      &failure);
	return buffer;
}

static struct contig_buffer *ask(struct bench *bench)
{
	uint64_t start = clock_ns();
	struct contig_buffer *buffer = allocate(bench, "many");

	samples_add(&bench->ours, us_since(start));
	return buffer;
}

static void rest(uint64_t ns)
{
	const struct timespec time = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};

	(void)nanosleep(&time, NULL);
}

static void begin(struct bench *bench, size_t rounds, size_t warm_up)
{
	bench->rounds = rounds + warm_up;
	samples_init(&bench->floor, bench->rounds * BURST);
	samples_init(&bench->same, bench->rounds * BURST);
	samples_init(&bench->ours, bench->rounds * BURST);
}

static void end(struct bench *bench)
{
	samples_deinit(&bench->floor);
	samples_deinit(&bench->same);
	samples_deinit(&bench->ours);
}

/* Nothing before this counts. */
static void forget(struct bench *bench)
{
	bench->floor.n = 0;
	bench->same.n = 0;
	bench->ours.n = 0;
}

/* Both at one quantile; limit is how many floors it may take, or NAN. */
static void report(struct bench *bench, const char *name, double part,
		   double limit)
{
	double floor = samples_quantile(&bench->floor, part);

	record_figure(&(struct bench_figure){
		.group = "round trip",
		.name = name,
		.value = samples_quantile(&bench->ours, part),
		.unit = "us",
		.target = limit * floor,
		.peer = "libevent echo",
		.peer_value = floor,
	});
}

/* What the kernel takes for an open file that it has not just sent. */
static void report_same(struct bench *bench)
{
	record_figure(&(struct bench_figure){
		.group = "round trip",
		.name = "echo, warm, median",
		.value = samples_quantile(&bench->floor, 0.5),
		.unit = "us",
		.target = NAN,
		.peer = "the same open file",
		.peer_value = samples_quantile(&bench->same, 0.5),
	});
}

static void warm(struct bench *bench, size_t rounds)
{
	struct contig_buffer *buffers[BURST];

	begin(bench, rounds, rounds / 10 + 1);
	for (size_t i = 0; i < bench->rounds; i++) {
		if (i == rounds / 10 + 1)
			forget(bench);
		buffers[0] = allocate(bench, "many");
		for (size_t n = 1; n < BURST; n++)
			buffers[n] = ask(bench);
		for (size_t n = 0; n < BURST; n++)
			(void)contig_release(buffers[n]);
		rest(PACE_NS / 2);
		(void)close(echo_call(&bench->echo));
		for (size_t n = 1; n < BURST; n++)
			ask_floor(bench);
		echo_prepare(&bench->echo);
		rest(PACE_NS / 2);
		(void)close(echo_call_same(&bench->echo));
		for (size_t n = 1; n < BURST; n++)
			ask_same(bench);
		rest(PACE_NS / 2);
	}
	report(bench, "allocate, warm, median", 0.5, 1.25);
	report(bench, "allocate, warm, 99th percentile", 0.99, 1.25);
	report_same(bench);
	end(bench);
}

static void paced(struct bench *bench, size_t rounds)
{
	struct contig_buffer *last = NULL, *buffer;

	begin(bench, rounds, rounds / 10 + 1);
	for (size_t i = 0; i < bench->rounds; i++) {
		if (i == rounds / 10 + 1)
			forget(bench);
		rest(PACE_NS / 2);
		buffer = ask(bench);
		(void)contig_release(last);
		last = buffer;
		rest(PACE_NS / 2);
		ask_floor(bench);
		echo_prepare(&bench->echo);
	}
	(void)contig_release(last);
	report(bench, "allocate, paced, median", 0.5, 1.25);
	report(bench, "allocate, paced, 99th percentile", 0.99, 1.25);
	end(bench);
}

/* What its user does with it; before is what every byte must be. */
static void use(struct contig_buffer *buffer, unsigned char before)
{
	const unsigned char *bytes;
	void *map;
	int r = contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map);

	if (r < 0)
		errx(EXIT_FAILURE, "cannot map a buffer: %s", strerror(-r));
	bytes = map;
	if (bytes[0] != before || memcmp(bytes, bytes + 1, SIZE_BYTES - 1) != 0)
		errx(EXIT_FAILURE, "a buffer was not zeroed");
	memset(map, USED, SIZE_BYTES);
	contig_unmap(buffer);
}

/* How many are lent, at most, at any moment: those that were released within a
 * few ms may not have come back where there is room for others. */
static void expect_lent(struct bench *bench, uint64_t most)
{
	struct contig_status status;
	int r = contig_get_status(bench->contig, &status);

	if (r < 0)
		errx(EXIT_FAILURE, "no status: %s", strerror(-r));
	if (status.buffers > most)
		errx(EXIT_FAILURE,
		     "%u buffers are lent, and no more than "
		     "%u should be",
		     (unsigned int)status.buffers, (unsigned int)most);
}

static void cycle(struct bench *bench, const char *region, size_t rounds)
{
	struct contig_buffer *buffer = allocate(bench, region);
	bool is_one = strcmp(region, "one") == 0;
	char name[64];

	begin(bench, rounds, rounds / 10 + 1);
	for (size_t i = 0; i < bench->rounds; i++) {
		uint64_t start;

		if (i == rounds / 10 + 1)
			forget(bench);
		use(buffer, i == 0 ? 0 : USED);
		start = clock_ns();
		(void)contig_release(buffer);
		buffer = allocate(bench, region);
		samples_add(&bench->ours, us_since(start));
		if (i % BURST == 0)
			expect_lent(bench, is_one ? 1 : MOST_LENT);
		use(buffer, 0);
		ask_floor(bench);
		if (i % BURST == 0)
			echo_prepare(&bench->echo);
	}
	(void)contig_release(buffer);
	(void)snprintf(name, sizeof(name), "cycle of 64 KiB, %s, median",
		       is_one ? "room for one" : "room");
	report(bench, name, 0.5, 2);
	(void)snprintf(name, sizeof(name),
		       "cycle of 64 KiB, %s, 99th percentile",
		       is_one ? "room for one" : "room");
	report(bench, name, 0.99, NAN);
	end(bench);
}

static void at_once(struct bench *bench, size_t rounds)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[BURST], *one;
	struct contig_failure failure = {0};
	struct samples many;
	uint64_t start;
	double single;

	samples_init(&many, rounds);
	begin(bench, rounds, 0);
	request.size_bytes = SIZE_BYTES;
	request.region = "many";
	request.name = "frame";
	for (size_t i = 0; i < rounds; i++) {
		start = clock_ns();
		check(contig_alloc_many(bench->contig, &request, BURST, buffers,
					&failure),
		      &failure);
		samples_add(&many, us_since(start) / BURST);
		for (size_t n = 0; n < BURST; n++)
			(void)contig_release(buffers[n]);
		rest(PACE_NS / 2);
		for (size_t n = 0; n < BURST; n++) {
			one = ask(bench);
			(void)contig_release(one);
			rest(PACE_NS / BURST);
		}
	}
	single = samples_quantile(&bench->ours, 0.5);
	record_figure(&(struct bench_figure){
		.group = "round trip",
		.name = "16 buffers in one request, each",
		.value = samples_quantile(&many, 0.5),
		.unit = "us",
		.target = 0.3 * single,
		.peer = "in a request of its own",
		.peer_value = single,
	});
	samples_deinit(&many);
	end(bench);
}

int main(void)
{
	static const char *const options[] = {
		"--simulate", "many=64M,granule=4K",
		"--simulate", "one=64K,granule=4K",
		NULL,
	};
	bool quick = record_is_quick();
	struct bench_daemon daemon;
	struct bench bench;

	echo_start(&bench.echo);
	bench_daemon_start(&daemon, options, &bench.contig);
	warm(&bench, quick ? 20 : 1000);
	paced(&bench, quick ? 50 : 2000);
	cycle(&bench, "many", quick ? 100 : 10000);
	cycle(&bench, "one", quick ? 100 : 10000);
	at_once(&bench, quick ? 20 : 500);
	(void)contig_close(bench.contig);
	bench_daemon_stop(&daemon);
	echo_stop(&bench.echo);
	return EXIT_SUCCESS;
}
