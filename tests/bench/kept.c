/* SPDX-License-Identifier: MIT */

/*
 * What it costs that buffers outlive the daemon: each allocation is entered in
 * the ledger, and its descriptor is left with the service manager before
 * anybody has it.  A manager's stand-in takes it, in a thread of this process,
 * and does less than a real one would.
 *
 * The peer is the same daemon without a store, asked in turns with it.
 */
#include <contig.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/daemon.h"
#include "tests/bench/record.h"
#include "tests/bench/samples.h"
#include "tests/integration/supervisor.h"
#include "util/clock.h"

#define BURST	16
#define REST_NS 1500000

static const char *const arguments[] = {
	"--config", "/dev/null", "--simulate", "many=64M,granule=4K", NULL,
};

static void ask(struct contig *contig, struct samples *samples)
{
	const struct timespec rest = {.tv_nsec = REST_NS};
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[BURST];

	request.size_bytes = 65536;
	request.name = "frame";
	for (size_t i = 0; i < BURST; i++) {
		uint64_t start = clock_ns();

		ck_assert_int_eq(
			contig_alloc(contig, &request, &buffers[i], NULL), 0);
		samples_add(samples, (double)(clock_ns() - start) / 1e3);
	}
	for (size_t i = 0; i < BURST; i++)
		(void)contig_release(buffers[i]);
	(void)nanosleep(&rest, NULL);
}

static void report(const char *name, double part, struct samples *kept,
		   struct samples *peer)
{
	record_figure(&(struct bench_figure){
		.group = "round trip",
		.name = name,
		.value = samples_quantile(kept, part),
		.unit = "us",
		.target = NAN,
		.peer = "not kept for a restart",
		.peer_value = samples_quantile(peer, part),
	});
}

static void measure(struct contig *keeping, struct contig *other, size_t rounds)
{
	struct samples kept, peer;

	samples_init(&kept, rounds * BURST);
	samples_init(&peer, rounds * BURST);
	for (size_t i = 0; i < rounds; i++) {
		ask(keeping, &kept);
		ask(other, &peer);
		if (i == rounds / 10) /* both are warm now */
			kept.n = peer.n = 0;
	}
	report("allocate, kept for a restart, median", 0.5, &kept, &peer);
	report("allocate, kept for a restart, 99th percentile", 0.99, &kept,
	       &peer);
	samples_deinit(&kept);
	samples_deinit(&peer);
}

START_TEST(kept_and_not)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.store_limit = 1024,
	};
	struct contig *keeping, *other;
	struct supervisor supervisor;
	struct bench_daemon daemon;

	supervisor_init(&supervisor, &spec);
	supervisor_start(&supervisor);
	ck_assert_int_eq(contig_open(&keeping, supervisor.socket), 0);
	bench_daemon_start(&daemon, arguments + 2, &other);
	measure(keeping, other, record_is_quick() ? 10 : 500);
	/* or else it was measured how nothing is kept */
	ck_assert_uint_eq(supervisor_count(&supervisor, "ledger"), 1);
	ck_assert_uint_ge(supervisor_count(&supervisor, "shelf-"), 1);
	(void)contig_close(other);
	bench_daemon_stop(&daemon);
	(void)contig_close(keeping);
	supervisor_stop(&supervisor);
	supervisor_deinit(&supervisor);
}
END_TEST

/* The stand-in asserts, which only a test may do. */
int main(void)
{
	Suite *suite = suite_create("kept");
	TCase *tcase = tcase_create("kept");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, kept_and_not);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
