/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/hostile.h"
#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "util/cleanup.h"
#include "util/fd.h"

/*
 * What a hostile neighbour, another user, costs a healthy client.  Run by
 * anybody but root both are the same user, whose connections share one turn.
 *
 * The healthy one allocates and releases without pause, and the time of each
 * allocation is taken.  Windows in which it is alone with the daemon alternate
 * with windows in which an attacker works as fast as it can, so whatever else
 * the machine does falls on both; of each kind the median over the rounds
 * counts.  The table has the 99th percentiles and their ratio, which should be
 * at most 2.
 *
 *	NEIGHBOUR_ROUNDS	windows of each kind an attack, 7
 *	NEIGHBOUR_SAMPLES	allocations a window, 4000
 *	NEIGHBOUR_ONLY		a word: only attacks whose name has it
 */

#define TARGET	   2.0
#define MAX_ROUNDS 101
#define STRANGER   65534

static struct daemon process;
static struct contig *healthy;

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t number(const char *name, size_t otherwise)
{
	const char *text = getenv(name);
	unsigned long value = text ? strtoul(text, NULL, 10) : otherwise;

	ck_assert_msg(value > 0, "%s must be a number of at least 1", name);
	return value;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t quantile(uint64_t *values, size_t n, size_t percent)
{
	size_t place = n * percent / 100;

	qsort(values, n, sizeof(*values), by_size);
	return values[place < n ? place : n - 1];
}

/* The 99th percentile of n allocations. */
static uint64_t measure(uint64_t *samples, size_t n)
{
	struct contig_request request = CONTIG_REQUEST_INIT;

	request.size_bytes = 65536;
	request.name = "healthy";
	for (size_t i = 0; i < n; i++) {
		struct contig_buffer *buffer;
		uint64_t start = now_ns();

		ck_assert_int_eq(
			contig_alloc(healthy, &request, &buffer, NULL), 0);
		samples[i] = now_ns() - start;
		(void)contig_release(buffer);
	}
	return quantile(samples, n, 99);
}

/* What a busy process takes from others by being busy is the scheduler's: the
 * attackers have the last processor to themselves, daemon and healthy client
 * the others. */
static cpu_set_t ours, theirs;

static void share_processors(void)
{
	int i = CPU_SETSIZE - 1;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(ours), &ours), 0);
	theirs = ours;
	if (CPU_COUNT(&ours) == 1) {
		printf("there is one processor only, for which all compete\n");
		return;
	}
	while (!CPU_ISSET(i, &ours))
		i--;
	CPU_ZERO(&theirs);
	CPU_SET(i, &theirs);
	CPU_CLR(i, &ours);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(ours), &ours), 0);
}

/* Its processor is the daemon's, too: a scheduler that thinks them equal lets
 * the daemon go on for milliseconds after it has answered.  So the healthy one
 * has real-time priority, as threads that handle frames mostly have. */
static void hurry(void)
{
	const struct sched_param param = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) != 0)
		printf("the healthy client has no real-time priority: %s\n",
		       strerror(errno));
}

/* Root becomes another user, as whom the attacks are made. */
static void become_stranger(void)
{
	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) != 0 || setgid(STRANGER) != 0 ||
	    setuid(STRANGER) != 0)
		_exit(1);
}

/* A process that attacks until it is killed; returns when it has begun. */
static pid_t start_attacker(const struct hostile *hostile)
{
	int began[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(began, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)setpgid(0, 0);
		(void)sched_setaffinity(0, sizeof(theirs), &theirs);
		become_stranger();
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		hostile_run(hostile, process.socket, began[1]);
		_exit(1);
	}
	(void)setpgid(pid, pid);
	(void)fd_close(began[1]);
	ck_assert_msg(read(began[0], &byte, 1) == 1,
		      "the attacker '%s' could not begin", hostile->name);
	(void)fd_close(began[0]);
	return pid;
}

static int is_quiet(void *data)
{
	struct contig_status now;

	(void)data;
	ck_assert_int_eq(contig_get_status(healthy, &now), 0);
	return now.clients == 1 && now.buffers == 0 && now.dirty_bytes == 0;
}

/* True where the target is met. */
static bool run_attack(const struct hostile *hostile, size_t rounds, size_t n)
{
	_cleanup_free_ uint64_t *samples = calloc(n, sizeof(*samples));
	uint64_t quiet[MAX_ROUNDS], attacked[MAX_ROUNDS];
	double before, during;

	ck_assert_ptr_nonnull(samples);
	(void)measure(samples, n / 10 + 1);
	for (size_t i = 0; i < rounds; i++) {
		pid_t pid;

		quiet[i] = measure(samples, n);
		pid = start_attacker(hostile);
		attacked[i] = measure(samples, n);
		(void)kill(-pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		daemon_wait(is_quiet, NULL, 60000);
	}
	before = (double)quantile(quiet, rounds, 50) / 1e3;
	during = (double)quantile(attacked, rounds, 50) / 1e3;
	printf("  %-44s %9.1f %9.1f %7.2f  %s\n", hostile->name, before, during,
	       during / before, during <= TARGET * before ? "met" : "NOT MET");
	(void)fflush(stdout);
	return during <= TARGET * before;
}

START_TEST(a_healthy_client_beside_each_attack)
{
	size_t rounds = number("NEIGHBOUR_ROUNDS", 7);
	size_t samples = number("NEIGHBOUR_SAMPLES", 4000);
	const char *only = getenv("NEIGHBOUR_ONLY");
	size_t n = 0, met = 0;

	if (geteuid() != 0)
		printf("not run by root: the neighbours are of the same user\n");
	ck_assert_uint_le(rounds, MAX_ROUNDS);
	share_processors();
	daemon_start(&process, hostile_options);
	ck_assert_int_eq(chmod(process.socket, 0666), 0);
	ck_assert_int_eq(contig_open(&healthy, process.socket), 0);
	hurry();
	printf("99th percentile of an allocation, in microseconds (median of "
	       "%zu rounds of %zu):\n"
	       "  %-44s %9s %9s %7s\n",
	       rounds, samples, "attack", "quiet", "attacked", "ratio");
	for (size_t i = 0; i < n_hostiles; i++) {
		if (only && !strstr(hostiles[i].name, only))
			continue;
		n++;
		met += run_attack(&hostiles[i], rounds, samples);
	}
	printf("%zu of %zu attacks leave it at most %.0f times the quiet "
	       "value\n",
	       met, n, TARGET);
	ck_assert_uint_gt(n, 0);
	healthy = contig_close(healthy);
	daemon_stop(&process);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("neighbour");
	TCase *tcase = harness_case(suite, "neighbour");

	tcase_set_timeout(tcase, 0);
	tcase_add_test(tcase, a_healthy_client_beside_each_attack);
	return harness_run(suite);
}
