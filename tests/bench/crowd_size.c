/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/bench/daemon.h"
#include "tests/bench/process.h"
#include "tests/bench/record.h"
#include "tests/bench/samples.h"

/*
 * What a request takes when a thousand clients are there with ten buffers each,
 * beside ten clients with ten buffers each, at the same rate of requests.
 *
 * Each size of crowd has a daemon of its own, both of which are there all the
 * time, so that rounds can alternate: whatever else the machine does falls on
 * both.  All clients of a crowd are connections of this process and so of one
 * user.  At each beat of a clock the next client, in an order that chance has
 * mixed, lets go of its oldest buffer and asks for another one in its place,
 * and the time until it has that is taken: no request waits for one before it.
 * Everybody asks again and again, none more than others; what lies in
 * processors' caches from the last time is what a crowd leaves there.
 *
 * Of each round the 99th percentile is taken, and of the rounds the median.
 */

#define BUFFERS	     10
#define BUFFER_BYTES 65536
#define BEAT_NS	     500000 /* 2,000 requests a second */

struct client {
	struct contig *contig;
	struct contig_buffer *buffers[BUFFERS];
	size_t oldest;
};

struct crowd_of {
	size_t n;
	struct bench_daemon daemon;
	struct contig *first; /* the one that waited for the daemon */
	struct client *clients;
	size_t *order; /* of n */
	size_t next;
	struct samples p99s, medians;
};

static void must(int r, const char *what)
{
	if (r < 0)
		errx(EXIT_FAILURE, "%s: %s", what, strerror(-r));
}

static void *room_for(size_t n, size_t size)
{
	void *room = calloc(n, size);

	if (!room)
		err(EXIT_FAILURE, "%zu clients", n);
	return room;
}

static int borrow(struct client *client, struct contig_buffer **bufferp)
{
	struct contig_request request = CONTIG_REQUEST_INIT;

	request.size_bytes = BUFFER_BYTES;
	request.name = "crowd";
	return contig_alloc(client->contig, &request, bufferp, NULL);
}

/* Fisher and Yates, from a fixed seed. */
static void mix(struct crowd_of *crowd)
{
	unsigned short seed[3] = {1, 2, 3};

	for (size_t i = 0; i < crowd->n; i++)
		crowd->order[i] = i;
	for (size_t i = crowd->n - 1; i > 0; i--) {
		size_t j = (size_t)nrand48(seed) % (i + 1);
		size_t other = crowd->order[j];

		crowd->order[j] = crowd->order[i];
		crowd->order[i] = other;
	}
}

static void gather(struct crowd_of *crowd, size_t n, size_t rounds)
{
	static const char *const options[] = {"--simulate",
					      "crowd=2G,granule=4K", NULL};

	crowd->n = n;
	bench_daemon_start(&crowd->daemon, options, &crowd->first);
	crowd->clients = room_for(n, sizeof(*crowd->clients));
	crowd->order = room_for(n, sizeof(*crowd->order));
	crowd->next = 0;
	mix(crowd);
	samples_init(&crowd->p99s, rounds);
	samples_init(&crowd->medians, rounds);
	for (size_t i = 0; i < n; i++) {
		struct client *client = &crowd->clients[i];

		must(contig_open(&client->contig, crowd->daemon.socket),
		     "connecting");
		for (size_t j = 0; j < BUFFERS; j++)
			must(borrow(client, &client->buffers[j]), "borrowing");
	}
}

static void scatter(struct crowd_of *crowd)
{
	for (size_t i = 0; i < crowd->n; i++) {
		struct client *client = &crowd->clients[i];

		for (size_t j = 0; j < BUFFERS; j++)
			(void)contig_release(client->buffers[j]);
		(void)contig_close(client->contig);
	}
	(void)contig_close(crowd->first);
	bench_daemon_stop(&crowd->daemon);
	samples_deinit(&crowd->p99s);
	samples_deinit(&crowd->medians);
	free(crowd->order);
	free(crowd->clients);
}

/* The time in ns that a client waits for a buffer. */
static double ask(struct crowd_of *crowd)
{
	struct client *client = &crowd->clients[crowd->order[crowd->next]];
	struct contig_buffer **place = &client->buffers[client->oldest];
	uint64_t start;

	crowd->next = (crowd->next + 1) % crowd->n;
	client->oldest = (client->oldest + 1) % BUFFERS;
	(void)contig_release(*place);
	start = process_now_ns();
	must(borrow(client, place), "borrowing");
	return (double)(process_now_ns() - start);
}

static void wait_until(uint64_t at_ns)
{
	const struct timespec at = {
		.tv_sec = (time_t)(at_ns / 1000000000u),
		.tv_nsec = (long)(at_ns % 1000000000u),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) ==
	       EINTR)
		;
}

static void play_round(struct crowd_of *crowd, size_t n)
{
	struct samples samples;
	uint64_t beat = process_now_ns();

	samples_init(&samples, n);
	for (size_t i = 0; i < n; i++) {
		beat += BEAT_NS;
		wait_until(beat);
		samples_add(&samples, ask(crowd));
	}
	samples_add(&crowd->p99s, samples_quantile(&samples, 0.99));
	samples_add(&crowd->medians, samples_quantile(&samples, 0.5));
	samples_deinit(&samples);
}

static void tell(const struct crowd_of *few, const struct crowd_of *many,
		 const char *what, double peer, double value, double target)
{
	char name[96], beside[64];

	(void)snprintf(name, sizeof(name), "a request of %zu clients, %s",
		       many->n, what);
	(void)snprintf(beside, sizeof(beside), "%zu clients", few->n);
	record_figure(&(struct bench_figure){
		.group = "crowd",
		.name = name,
		.value = value / 1e3,
		.unit = "us",
		.target = target / 1e3,
		.peer = beside,
		.peer_value = peer / 1e3,
	});
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(void)
{
	static const size_t all_sizes[] = {10, 100, 1000};
	static const size_t quick_sizes[] = {2, 10, 20};
	bool quick = record_is_quick();
	const size_t *sizes = quick ? quick_sizes : all_sizes;
	size_t rounds = quick ? 1 : 9, n = quick ? 50 : 2000;
	struct crowd_of crowds[3];

	raise_limit();
	(void)prctl(PR_SET_TIMERSLACK, 1);
	for (size_t i = 0; i < 3; i++)
		gather(&crowds[i], sizes[i], rounds);
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < 3; i++)
			play_round(&crowds[i], n);
	for (size_t i = 0; i < 3; i++)
		record_point(&(struct bench_point){
			"crowd", "contigd", (double)sizes[i],
			samples_quantile(&crowds[i].p99s, 0.5)});
	for (size_t i = 1; i < 3; i++) {
		double few = samples_quantile(&crowds[0].p99s, 0.5);
		double median = samples_quantile(&crowds[0].medians, 0.5);

		tell(&crowds[0], &crowds[i], "99th percentile", few,
		     samples_quantile(&crowds[i].p99s, 0.5), 1.5 * few);
		tell(&crowds[0], &crowds[i], "median", median,
		     samples_quantile(&crowds[i].medians, 0.5), NAN);
	}
	for (size_t i = 0; i < 3; i++)
		scatter(&crowds[i]);
	return EXIT_SUCCESS;
}
