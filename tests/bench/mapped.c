/* SPDX-License-Identifier: MIT */

/*
 * From wanting memory to writing to it: how long until a zeroed buffer is
 * mapped and every page of it is there.
 *
 * The peer is what a program does without contigd: a memfd, sized, sealed,
 * mapped and zeroed, which faults it in; it is done in the same process, in
 * turns with contigd.  What is asked of contigd is one contig_alloc() and one
 * contig_map().  That all of it is zero is looked at outside the time, and that
 * neither this nor writing to all of it faults is counted (ru_minflt).
 *
 * With rests between, clean memory is ready.  Under churn, each buffer is
 * written from end to end and given back, and the next one asked for at once,
 * so that memory has to be zeroed as fast as it is used.
 *
 * By default a buffer of less than 2 MiB has pages of 4 KiB.  What it takes
 * where the system's owner lets it have large ones is measured as well, by
 * root, who can say so for the moment.
 */
#include <contig.h>

#include <err.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/daemon.h"
#include "tests/bench/large_pages.h"
#include "tests/bench/record.h"
#include "tests/bench/samples.h"
#include "util/clock.h"

#define MIB	     (UINT64_C(1) << 20)
#define REST_NS_A_MB 4000000

struct bench {
	struct contig *contig;
	size_t size_bytes;
	struct samples peer;
	struct samples ours;
	uint64_t faults; /* in what contigd gave */
	bool churn;
	const char *pages; /* part of a figure's name: what is special */
};

static double us_since(uint64_t ns)
{
	return (double)(clock_ns() - ns) / 1e3;
}

static uint64_t count_faults(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}

static void expect_zeroes(const char *map, size_t size_bytes)
{
	if (map[0] != 0 || memcmp(map, map + 1, size_bytes - 1) != 0)
		errx(EXIT_FAILURE, "a buffer was not zero");
}

static void try_peer(struct bench *bench)
{
	size_t size = bench->size_bytes;
	uint64_t start = clock_ns();
	int fd = memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *map;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		err(EXIT_FAILURE, "memfd");
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	memset(map, 0, size);
	/* or the compiler might think that nobody reads it */
	__asm__ volatile("" : : "r"(map) : "memory");
	samples_add(&bench->peer, us_since(start));
	memset(map, 0xa5, size);
	(void)munmap(map, size);
	(void)close(fd);
}

static void try_contigd(struct bench *bench)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {0};
	struct contig_buffer *buffer;
	uint64_t faults, start;
	void *map;
	int r;

	request.size_bytes = bench->size_bytes;
	request.name = "frame";
	start = clock_ns();
	r = contig_alloc(bench->contig, &request, &buffer, &failure);
	if (r < 0)
		errx(EXIT_FAILURE, "no buffer: %s", failure.text);
	r = contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map);
	if (r < 0)
		errx(EXIT_FAILURE, "cannot map a buffer: %s", strerror(-r));
	samples_add(&bench->ours, us_since(start));
	faults = count_faults();
	if (!bench->churn)
		expect_zeroes(map, bench->size_bytes);
	memset(map, 0xa5, bench->size_bytes);
	bench->faults += count_faults() - faults;
	(void)contig_release(buffer);
}

static void rest(const struct bench *bench)
{
	const uint64_t ns = REST_NS_A_MB * (bench->size_bytes / MIB);
	const struct timespec time = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};

	(void)nanosleep(&time, NULL);
}

static void report(struct bench *bench, const char *what, double part,
		   double limit)
{
	double peer = samples_quantile(&bench->peer, part);
	char name[96];

	(void)snprintf(name, sizeof(name), "%zu MiB%s, %s, %s",
		       bench->size_bytes / (size_t)MIB, bench->pages, what,
		       part > 0.5 ? "99th percentile" : "median");
	record_figure(&(struct bench_figure){
		.group = "mapped buffer",
		.name = name,
		.value = samples_quantile(&bench->ours, part),
		.unit = "us",
		.target = peer * limit,
		.peer = "memfd, faulted in and zeroed",
		.peer_value = peer,
	});
}

static void report_faults(const struct bench *bench)
{
	char name[96];

	(void)snprintf(name, sizeof(name),
		       "%zu MiB%s, faults in a mapped buffer",
		       bench->size_bytes / (size_t)MIB, bench->pages);
	record_figure(&(struct bench_figure){
		.group = "mapped buffer",
		.name = name,
		.value = (double)bench->faults / (double)bench->ours.n,
		.unit = "",
		.target = 0,
	});
}

static void begin(struct bench *bench, size_t rounds)
{
	samples_init(&bench->peer, rounds);
	samples_init(&bench->ours, rounds);
	bench->faults = 0;
}

static void end(struct bench *bench)
{
	samples_deinit(&bench->peer);
	samples_deinit(&bench->ours);
}

static void with_rests(struct bench *bench, size_t rounds)
{
	bench->churn = false;
	try_contigd(bench); /* a size seen before */
	begin(bench, rounds);
	for (size_t i = 0; i < rounds; i++) {
		try_peer(bench);
		rest(bench);
		try_contigd(bench);
		rest(bench);
	}
	report(bench, "clean memory ready", 0.5, 1.0 / 8);
	report(bench, "clean memory ready", 0.99, NAN);
	report_faults(bench);
	end(bench);
}

/* In batches, for what one leaves behind would be the other's burden. */
static void under_churn(struct bench *bench, size_t batches)
{
	const size_t batch = 20;

	bench->churn = true;
	begin(bench, batches * batch);
	for (size_t i = 0; i < batches; i++) {
		for (size_t n = 0; n < batch; n++)
			try_contigd(bench);
		rest(bench);
		for (size_t n = 0; n < batch; n++)
			try_peer(bench);
		rest(bench);
	}
	report(bench, "churn", 0.5, 1);
	report(bench, "churn", 0.99, 1);
	end(bench);
}

static void measure(struct bench *bench, size_t size_mb, const char *pages)
{
	size_t rounds = record_is_quick() ? 3 : 1000 / size_mb;

	bench->size_bytes = size_mb * (size_t)MIB;
	bench->pages = pages;
	with_rests(bench, rounds);
	under_churn(bench, record_is_quick() ? 1 : rounds / 10 + 1);
}

/* A daemon of its own, which has tried nothing before that it may not try again
 * at once. */
static void measure_all(const size_t *sizes_mb, const char *pages)
{
	static const char *const options[] = {
		"--simulate",
		"frames=256M,granule=4K",
		NULL,
	};
	struct bench_daemon daemon;
	struct bench bench = {.contig = NULL};

	bench_daemon_start(&daemon, options, &bench.contig);
	for (; *sizes_mb; sizes_mb++)
		measure(&bench, *sizes_mb, pages);
	(void)contig_close(bench.contig);
	bench_daemon_stop(&daemon);
}

int main(void)
{
	static const size_t usual_mb[] = {1, 8, 32, 0};
	static const size_t less_than_huge_mb[] = {1, 0};

	measure_all(usual_mb, "");
	/* a run that counts for nothing changes nothing */
	if (!record_is_quick() && large_pages_allow())
		measure_all(less_than_huge_mb, " of large pages");
	return EXIT_SUCCESS;
}
