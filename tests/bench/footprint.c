/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <err.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/process.h"
#include "tests/bench/record.h"
#include "tests/bench/samples.h"
#include "util/fd.h"

/*
 * What contigd costs while nobody uses it, and how soon one can.
 *
 * Memory is what the kernel counts, the median of several daemons, some seconds
 * after the start and after a client has come and gone.  The peer is
 * tests/bench/bare, which links the same libraries and only loops.  From the
 * private anonymous memory (heap, stacks, and pages of libraries that were
 * written to) one bit a granule is taken off, as that grows with the region and
 * not with the daemon.
 *
 * Starts are timed from the exec of the program, which loads its libraries, to
 * the moment at which connect() succeeds, and, at other starts, at which HELLO
 * is answered.  The client asks without pause, on another processor where there
 * is one.  Regions are simulated, where clean memory is what the kernel gives:
 * how start-up does without zeroing pools shows on the board.
 *
 * A wake-up is any time that any thread of the daemon ran.  The systemd
 * watchdog asks for a sign of life in half its interval and is no part of this:
 * with the 30 s of contigd.service it is one every 15 s.
 */

#define PEER	    "tests/bench/bare"
#define DAEMON	    "./contigd"
#define REGION_MIB  64
#define GRANULE_KIB 4
#define N_PROCESSES 41 /* of each, whose median counts */
#define START_LIMIT UINT64_C(10000000000)

struct place {
	char directory[40];
	char socket[64];
};

static void place_make(struct place *place)
{
	(void)strcpy(place->directory, "/tmp/contigd-footprint-XXXXXX");
	if (!mkdtemp(place->directory))
		err(EXIT_FAILURE, "mkdtemp");
	process_own(place->directory);
	(void)snprintf(place->socket, sizeof(place->socket), "%s/socket",
		       place->directory);
}

static void place_remove(const struct place *place)
{
	(void)unlink(place->socket);
	(void)rmdir(place->directory);
}

static void start_daemon(struct process *daemon, const struct place *place,
			 uint64_t region_mib)
{
	const char *program = getenv("CONTIGD");
	char memory[64];
	const char *argv[] = {
		program ? program : DAEMON,
		"--config",
		"/dev/null",
		"--socket",
		place->socket,
		"--simulate",
		memory,
		NULL,
	};

	(void)snprintf(memory, sizeof(memory), "idle=%lluM,granule=%dK",
		       (unsigned long long)region_mib, GRANULE_KIB);
	process_start(daemon, argv);
}

static uint64_t must_be_soon(const struct process *daemon)
{
	uint64_t now = process_now_ns();

	if (now - daemon->exec_ns > START_LIMIT)
		errx(EXIT_FAILURE, "contigd does not serve (BENCH_VERBOSE=1 "
				   "shows what it says)");
	return now;
}

/* Both return the time from the exec in ns. */
static uint64_t until_connected(const struct process *daemon,
				const struct place *place)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t now;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)strcpy(address.sun_path, place->socket);
	while (connect(fd, (const struct sockaddr *)&address,
		       sizeof(address)) != 0) {
		(void)must_be_soon(daemon);
		(void)sched_yield();
	}
	now = process_now_ns();
	(void)fd_close(fd);
	return now - daemon->exec_ns;
}

static uint64_t until_answered(const struct process *daemon,
			       const struct place *place)
{
	struct contig *contig;
	uint64_t now;

	while (contig_open(&contig, place->socket) != 0) {
		(void)must_be_soon(daemon);
		(void)sched_yield();
	}
	now = process_now_ns();
	(void)contig_close(contig);
	return now - daemon->exec_ns;
}

typedef uint64_t until(const struct process *daemon, const struct place *place);

/* The median of many starts, in ns. */
static double start_ns(until *moment, uint64_t region_mib, size_t n)
{
	struct samples samples;
	double median;

	samples_init(&samples, n);
	for (size_t i = 0; i < n; i++) {
		struct process daemon;
		struct place place;

		place_make(&place);
		start_daemon(&daemon, &place, region_mib);
		samples_add(&samples, (double)moment(&daemon, &place));
		process_stop(&daemon);
		place_remove(&place);
	}
	median = samples_quantile(&samples, 0.5);
	samples_deinit(&samples);
	return median;
}

static void tell(const char *name, double value, const char *unit, double target)
{
	record_figure(&(struct bench_figure){
		.group = "footprint",
		.name = name,
		.value = value,
		.unit = unit,
		.target = target,
	});
}

static void measure_starts(size_t n)
{
	static const uint64_t sizes_mib[] = {64, 1 << 10, 1 << 14, 1 << 18,
					     1 << 20};

	tell("from exec to connect()",
	     start_ns(until_connected, REGION_MIB, n) / 1e6, "ms", 5);
	for (size_t i = 0; i < sizeof(sizes_mib) / sizeof(sizes_mib[0]); i++) {
		double ns = start_ns(until_answered, sizes_mib[i], n);

		record_point(&(struct bench_point){
			"start", "contigd", (double)(sizes_mib[i] << 20), ns});
		if (sizes_mib[i] == REGION_MIB)
			tell("from exec to the answer to HELLO", ns / 1e6, "ms",
			     5);
		if (sizes_mib[i] == 1 << 20)
			tell("the same with a region of 1 TiB", ns / 1e6, "ms",
			     5);
	}
}

/* Several at a time: where libraries are put, which chance decides, changes
 * what the kernel maps around a page that is touched.  rss and anonymous are in
 * bytes. */
static void sample_memory(const struct process *processes, size_t n,
			  double *rss, double *anonymous)
{
	struct samples all, private;

	samples_init(&all, n);
	samples_init(&private, n);
	for (size_t i = 0; i < n; i++) {
		samples_add(&all, (double)process_kib(&processes[i], "Rss"));
		samples_add(&private,
			    (double)process_kib(&processes[i], "Anonymous"));
	}
	*rss = samples_quantile(&all, 0.5) * 1024;
	*anonymous = samples_quantile(&private, 0.5) * 1024;
	samples_deinit(&all);
	samples_deinit(&private);
}

static void tell_memory(const struct process *daemons,
			const struct process *peers)
{
	const double bitmap_bytes =
		REGION_MIB * 1024.0 / GRANULE_KIB / 8; /* one bit each */
	double rss, anonymous, peer_rss, peer_anonymous;

	sample_memory(daemons, N_PROCESSES, &rss, &anonymous);
	sample_memory(peers, N_PROCESSES, &peer_rss, &peer_anonymous);
	record_figure(&(struct bench_figure){
		.group = "footprint",
		.name = "resident memory when idle",
		.value = rss / 1e6,
		.unit = "MB",
		.target = 1.25 * peer_rss / 1e6,
		.peer = "same libraries, only looping",
		.peer_value = peer_rss / 1e6,
	});
	tell("private anonymous memory without the bitmap",
	     (anonymous - bitmap_bytes) / 1e6, "MB", 0.4);
}

static void measure_idle(unsigned int settle_s, unsigned int seconds)
{
	const char *const peer[] = {PEER, NULL};
	struct process daemons[N_PROCESSES], peers[N_PROCESSES];
	struct place places[N_PROCESSES];
	uint64_t before;

	for (size_t i = 0; i < N_PROCESSES; i++) {
		place_make(&places[i]);
		start_daemon(&daemons[i], &places[i], REGION_MIB);
		(void)until_answered(&daemons[i], &places[i]);
		process_start(&peers[i], peer);
	}
	(void)sleep(settle_s);
	tell_memory(daemons, peers);
	before = process_switches(&daemons[0]);
	(void)sleep(seconds);
	tell("wake-ups in 10 s, nothing lent",
	     (double)(process_switches(&daemons[0]) - before) * 10 / seconds,
	     "", 0);
	for (size_t i = 0; i < N_PROCESSES; i++) {
		process_stop(&daemons[i]);
		process_stop(&peers[i]);
		place_remove(&places[i]);
	}
}

/* What a sanitizer adds is many times what is measured. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

int main(void)
{
	bool quick = record_is_quick();

	if (IS_SANITIZED) {
		fprintf(stderr, "a sanitizer's memory and time are not "
				"contigd's\n");
		return 77;
	}
	measure_idle(quick ? 1 : 3, quick ? 1 : 10);
	measure_starts(quick ? 3 : 101);
	return EXIT_SUCCESS;
}
