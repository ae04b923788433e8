/* SPDX-License-Identifier: MIT */

/*
 * What lent buffers cost while nothing happens: borrows many small ones, waits
 * until the daemon has settled, and says how much CPU time the daemon took in
 * the seconds after that, as percent of a core, and how often it woke up.
 *
 *	idle [-n BUFFERS] [-r REGION] [-w SETTLE_SECONDS] [-t SECONDS]
 *
 * The daemon is one that runs, found as libcontig finds it.  Its CPU time is
 * read from /proc, by the scheduler's nanoseconds where the kernel counts them.
 */
#include <contig.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"

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

static void report(const char *when, const struct usage *from,
		   const struct usage *to)
{
	double ms = (double)(to->at_ms - from->at_ms);

	printf("  %-28s %8.3f %% of a core %8.1f wake-ups a second\n", when,
	       (double)(to->cpu_ns - from->cpu_ns) / 1e4 / ms,
	       (double)(to->wakes - from->wakes) * 1e3 / ms);
}

static void measure(pid_t pid, const char *when, unsigned int seconds)
{
	struct usage from = usage_of(pid), to;

	(void)sleep(seconds);
	to = usage_of(pid);
	report(when, &from, &to);
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
	printf("%zu buffers lent, %s:\n", options->buffers,
	       options->region ? options->region : "default region");
	measure(status.pid, "nothing lent", 1);
	r = borrow(contig, options, buffers);
	if (r < 0) {
		free(buffers);
		return fail("borrowing", r);
	}
	measure(status.pid, "while settling", options->settle);
	measure(status.pid, "idle", options->seconds);
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

int main(int argc, char **argv)
{
	struct options options = {.buffers = 10000, .settle = 2, .seconds = 5};
	struct contig *contig;
	int option, r;

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
	r = contig_open(&contig, NULL);
	if (r < 0)
		return fail("contigd does not answer", r);
	r = run(contig, &options);
	(void)contig_close(contig);
	return r;
}
