/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/countdown.h"
#include "tests/integration/daemon.h"
#include "tests/integration/supervisor.h"
#include "tests/integration/witness.h"
#include "tests/integration/workload.h"

/*
 * The daemon is killed again and again, at moments drawn by lot over its whole
 * life, start-up and restoring included, while clients of several users keep
 * allocating, writing, passing on and releasing.  After every restart all that
 * a client holds must still be lent to it, and nothing else may have its place;
 * the clients themselves watch over what is in their buffers.
 *
 * CONTIG_KILLS sets the number of kills in all, CONTIG_SEED the seed, which is
 * printed and without which each run draws another one.
 */

#define KILLS	 100
#define CENSUS	 50  /* kills between two moments at which all hold still */
#define CELLS	 500 /* one granule each */
#define GRANULE	 UINT64_C(4096)
#define REGION	 "kills"
#define CAPACITY (CELLS * GRANULE)

static const char *const arguments[] = {
	"--config", "/dev/null", "--simulate", REGION "=2000K", NULL,
};
static struct countdown countdown;

static struct supervisor supervisor;
static struct contig *contig;
static uint64_t lot;

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

/* xorshift64* */
static uint64_t draw(uint64_t below)
{
	lot ^= lot >> 12;
	lot ^= lot << 25;
	lot ^= lot >> 27;
	return (lot * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

static uint64_t choose_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		abort();
	seed = number_from("CONTIG_SEED", seed % 1000000000) | 1;
	(void)fprintf(stderr, "CONTIG_SEED=%" PRIu64 "\n", seed);
	return seed;
}

static void before(void)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.environment = countdown.preload.environment,
		.store_limit = 512,
	};

	supervisor_init(&supervisor, &spec);
	countdown_init(&countdown, supervisor.directory);
	supervisor_start(&supervisor);
	ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
}

static void after(void)
{
	contig = contig_close(contig);
	supervisor_stop(&supervisor);
	countdown_deinit(&countdown);
	supervisor_deinit(&supervisor);
}

static int all_is_back(void *data)
{
	struct contig_status status;

	(void)data;
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	return status.buffers == 0 && status.dirty_bytes == 0 &&
	       status.quarantined_bytes == 0 && status.free_bytes == CAPACITY;
}

static void take_census(struct witness *witness)
{
	workload_pause(witness->workload);
	witness_count(witness, REGION);
	workload_resume(witness->workload);
}

/* ---- death ---------------------------------------------------------------- */

/* A third dies at a system call, a third some instructions later. */
static void set_countdown(uint64_t moments)
{
	countdown_set(&countdown, (int64_t)(1 + draw(moments)),
		      draw(2) ? (int64_t)draw(3000) : 0);
}

static void wait_a_moment(uint64_t limit_us)
{
	const struct timespec pause = {
		.tv_nsec = (long)draw(limit_us) * 1000,
	};

	(void)nanosleep(&pause, NULL);
}

/* One life: true where it came to serve. */
static bool live_and_die(struct witness *witness, uint64_t start_moments)
{
	bool early = draw(3) == 0, served;

	if (early)
		set_countdown(start_moments);
	ck_assert(supervisor_launch(&supervisor));
	served = supervisor_wait_ready(&supervisor);
	if (!early) {
		ck_assert(served);
		witness_look(witness);
		if (draw(3) == 0) {
			wait_a_moment(20000);
			supervisor_kill(&supervisor);
		} else {
			set_countdown(1000);
		}
	}
	supervisor_wait_end(&supervisor);
	(void)countdown_stop(&countdown);
	workload_check(witness->workload);
	return served;
}

static void report(const struct workload *workload, uint64_t kills,
		   uint64_t served)
{
	uint64_t steps = 0, allocations = 0, passed = 0, resets = 0, full = 0;

	for (int i = 0; i < WORKLOAD_CLIENTS; i++) {
		const struct workload_desk *desk = &workload->desks[i];

		steps += desk->steps;
		allocations += desk->allocations;
		passed += desk->passed;
		resets += desk->resets;
		full += desk->refusals;
	}
	(void)fprintf(stderr,
		      "%" PRIu64 " kills, %" PRIu64 " while serving; clients: "
		      "%" PRIu64 " steps, %" PRIu64 " buffers, %" PRIu64
		      " passed on, %" PRIu64 " calls cut, %" PRIu64
		      " refused\n",
		      kills, served, steps, allocations, passed, resets, full);
}

/* Moments that a start takes which finds something of an earlier life. */
static uint64_t count_start(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	uint64_t before;

	request.size_bytes = 1;
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), 0);
	(void)contig_release(buffer);
	daemon_wait(all_is_back, NULL, 60000);
	supervisor_kill(&supervisor);
	before = countdown_passed(&countdown);
	supervisor_start(&supervisor);
	return countdown_passed(&countdown) - before;
}

/* In the end the clients let go (0), or are killed as well (1). */
START_TEST(nothing_is_lost_by_kills)
{
	struct witness witness = {.contig = contig, .supervisor = &supervisor};
	uint64_t kills = number_from("CONTIG_KILLS", KILLS) / 2, served = 0;
	uint64_t start_moments = count_start();
	int fds;

	ck_assert_int_eq(all_is_back(NULL), 1);
	fds = supervisor_count_fds(&supervisor);
	witness.workload = workload_new(supervisor.socket, lot);
	supervisor_kill(&supervisor);
	for (uint64_t i = 0; i < kills; i++) {
		served += live_and_die(&witness, start_moments * 3 / 2);
		if (i % CENSUS == CENSUS - 1) {
			supervisor_start(&supervisor);
			take_census(&witness);
			supervisor_kill(&supervisor);
		}
	}
	supervisor_start(&supervisor);
	take_census(&witness);
	report(witness.workload, kills, served);
	workload_free(witness.workload, _i);
	daemon_wait(all_is_back, NULL, 60000);
	supervisor_wait_fds(&supervisor, fds);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kills");
	TCase *tcase = harness_case(suite, "kills");

	countdown_require();
	lot = choose_seed();
	tcase_set_timeout(tcase, 1200);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_loop_test(tcase, nothing_is_lost_by_kills, 0, 2);
	return harness_run(suite);
}
