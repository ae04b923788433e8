/* SPDX-License-Identifier: MIT */

#include <contig.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/daemon.h"
#include "tests/bench/record.h"
#include "util/clock.h"

/*
 * What lent buffers cost while nothing happens: borrows many small ones, waits
 * until the daemon has settled, and says how much CPU time the daemon took in
 * the seconds after that, as percent of a core, and how often it woke up.
 *
 *	idle [-n BUFFERS] [-r REGION] [-w SETTLE_SECONDS] [-t SECONDS]
 *
 * The daemon is one of its own with simulated memory or, where a region is
 * named, the one that runs, found as libcontig finds it.  Its CPU time is read
 * from /proc, by the scheduler's nanoseconds where the kernel counts them.
 */

struct options {
	const char *region;
	size_t buffers;
	unsigned int settle;
	unsigned int seconds;
};

struct usage {
	uint64_t at_ms;
	uint64_t cpu_ns;
	uint64_t wakes;
};

static int fail(const char *what, int r)
{
	(void)fprintf(stderr, "idle: %s: %s\n", what, strerror(-r));
	return EXIT_FAILURE;
}

/* The number after key at the start of a line of the file; 0: there is none. */
static uint64_t read_number(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	uint64_t number = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0) {
			number = strtoull(line + strlen(key), NULL, 10);
			break;
		}
	if (file)
		(void)fclose(file);
	return number;
}

/* Of all threads of the daemon. */
static struct usage usage_of(pid_t pid)
{
	struct usage usage = {.at_ms = clock_ms()};
	const struct dirent *entry;
	char path[64 + NAME_MAX];
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat",
			       (int)pid, entry->d_name);
		usage.cpu_ns += read_number(path, "");
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/status",
			       (int)pid, entry->d_name);
		usage.wakes += read_number(path, "voluntary_ctxt_switches:");
	}
	if (tasks)
		(void)closedir(tasks);
	return usage;
}

static void report(const char *when, const struct options *options,
		   const char *unit, double value)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%zu lent, %s, %s", options->buffers,
		       options->region ? options->region : "simulated", when);
	record_figure(&(struct bench_figure){
		.group = options->region ? "board" : "footprint",
		.name = name,
		.value = value,
		.unit = unit,
		.target = NAN,
	});
}

static void measure(pid_t pid, const struct options *options)
{
	struct usage from, to;
	double ms;

	(void)sleep(options->settle);
	from = usage_of(pid);
	(void)sleep(options->seconds);
	to = usage_of(pid);
	ms = (double)(to.at_ms - from.at_ms);
	report("CPU time", options, "% of a core",
	       (double)(to.cpu_ns - from.cpu_ns) / 1e4 / ms);
	report("wake-ups", options, "a second",
	       (double)(to.wakes - from.wakes) * 1e3 / ms);
}

static int borrow(struct contig *contig, const struct options *options,
		  struct contig_buffer **buffers)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {0};
	int r;

	request.size_bytes = 1;
	request.region = options->region;
	request.name = "idle";
	r = contig_alloc_many(contig, &request, options->buffers, buffers,
			      &failure);
	if (r < 0)
		(void)fprintf(stderr, "idle: %s\n", failure.text);
	return r;
}

static int run(struct contig *contig, const struct options *options)
{
	struct contig_buffer **buffers;
	struct contig_status status;
	int r;

	r = contig_get_status(contig, &status);
	if (r < 0)
		return fail("the daemon's status", r);
	buffers = calloc(options->buffers, sizeof(struct contig_buffer *));
	if (!buffers)
		return fail("starting", -ENOMEM);
	r = borrow(contig, options, buffers);
	if (r < 0) {
		free(buffers);
		return fail("borrowing", r);
	}
	measure(status.pid, options);
	for (size_t i = 0; i < options->buffers; i++)
		(void)contig_release(buffers[i]);
	free(buffers);
	return EXIT_SUCCESS;
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* With room for all of them, in granules of a page. */
static int run_alone(const struct options *options)
{
	char memory[64];
	const char *const arguments[] = {"--simulate", memory, NULL};
	struct bench_daemon daemon;
	struct contig *contig;
	int status;

	(void)snprintf(memory, sizeof(memory), "files=%zuK,granule=4K",
		       options->buffers * 4);
	bench_daemon_start(&daemon, arguments, &contig);
	status = run(contig, options);
	(void)contig_close(contig);
	bench_daemon_stop(&daemon);
	return status;
}

static int run_beside(const struct options *options)
{
	struct contig *contig;
	int r = contig_open(&contig, NULL);

	if (r < 0)
		return fail("contigd does not answer", r);
	r = run(contig, options);
	(void)contig_close(contig);
	return r;
}

int main(int argc, char **argv)
{
	struct options options = {.buffers = 10000, .settle = 2, .seconds = 5};
	int option;

	if (record_is_quick())
		options = (struct options){.buffers = 100, .seconds = 1};
	while ((option = getopt(argc, argv, "n:r:w:t:")) != -1) {
		if (option == 'n')
			options.buffers = strtoul(optarg, NULL, 10);
		else if (option == 'r')
			options.region = optarg;
		else if (option == 'w')
			options.settle = (unsigned int)atoi(optarg);
		else if (option == 't')
			options.seconds = (unsigned int)atoi(optarg);
		else
			return 2;
	}
	raise_limit();
	return options.region ? run_beside(&options) : run_alone(&options);
}
