/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/countdown.h"
#include "tests/integration/daemon.h"
#include "tests/integration/supervisor.h"

/*
 * The daemon is killed at each of its system calls in turn: once while it
 * starts and finds what an earlier one lent, and once while it lends memory,
 * sees it come back and tidies up.  After each death the next daemon must know
 * the buffer that was lent all the while, and have everything else free.
 *
 * The steps in the second run of each are single instructions behind the call,
 * for what is written to shared memory between two of them.
 *
 * CONTIG_STRIDE leaves out all but every so-manieth call; 1 leaves out none.
 */

#define MIB	     (UINT64_C(1) << 20)
#define CAPACITY     (64 * MIB)
#define N_BUFFERS    12 /* so many that a shelf is tidied */
#define MAX_STEPS    1500
#define STRIDE	     10
#define STEPS_STRIDE 3 /* of it, in the second run of each */

static const char *const arguments[] = {
	"--config", "/dev/null", "--simulate", "test=64M", NULL,
};
static struct countdown countdown;
static struct supervisor supervisor;
static struct contig *contig;
static struct contig_buffer *kept;

static struct contig_buffer *try_alloc(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	int r;

	request.size_bytes = MIB;
	r = contig_alloc(contig, &request, &buffer, NULL);
	ck_assert_msg(r == 0 || r == -ECONNRESET, "allocation: %s",
		      strerror(-r));
	return r == 0 ? buffer : NULL;
}

static void before(void)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.environment = countdown.preload.environment,
		.store_limit = 64,
		.restart = true,
	};
	void *map;

	supervisor_init(&supervisor, &spec);
	countdown_init(&countdown, supervisor.directory);
	supervisor_start(&supervisor);
	ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
	kept = try_alloc();
	ck_assert_ptr_nonnull(kept);
	ck_assert_int_eq(contig_map(kept, CONTIG_READ | CONTIG_WRITE, &map), 0);
	memset(map, 0x5a, MIB);
}

static void after(void)
{
	kept = contig_release(kept);
	contig = contig_close(contig);
	while (!supervisor_wait_ready(&supervisor)) /* it may just have died */
		;
	supervisor_stop(&supervisor);
	countdown_deinit(&countdown);
	supervisor_deinit(&supervisor);
}

/* What is true as soon as the daemon has looked who holds what. */
static int only_the_kept_is_lent(void *data)
{
	struct contig_status status;
	int r = contig_get_status(contig, &status);

	(void)data;
	if (r == -ECONNRESET)
		return 0;
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(status.quarantined_bytes, 0);
	ck_assert_uint_ge(status.buffers, 1);
	return status.buffers == 1 && status.lent_bytes == MIB &&
	       status.dirty_bytes == 0 && status.free_bytes == CAPACITY - MIB;
}

/* A death that was set, some instructions on, may still be to come: one. */
static void list_buffers(struct contig_buffer_info **arrayp, size_t *countp)
{
	int r = contig_list_buffers(contig, arrayp, countp);

	if (r == -ECONNRESET)
		r = contig_list_buffers(contig, arrayp, countp);
	ck_assert_int_eq(r, 0);
}

static void check_kept(void)
{
	struct contig_buffer_info *array, info;
	const unsigned char *bytes;
	size_t count;
	void *map;

	daemon_wait(only_the_kept_is_lent, NULL, 60000);
	contig_info(kept, &info);
	list_buffers(&array, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(array[0].id, info.id);
	ck_assert_uint_eq(array[0].owner_uid, info.owner_uid);
	ck_assert_int_eq(array[0].draining, 0);
	free(array);
	ck_assert_int_eq(contig_map(kept, CONTIG_READ, &map), 0);
	bytes = map;
	ck_assert_int_eq(bytes[0], 0x5a);
	ck_assert_int_eq(memcmp(bytes, bytes + 1, MIB - 1), 0);
}

static void start_anew(int64_t moments, int64_t steps)
{
	/* it must not use up what the next one is to have */
	ck_assert_int_eq(kill(supervisor_pid(&supervisor), SIGSTOP), 0);
	countdown_set(&countdown, moments, steps);
	supervisor_kill(&supervisor);
	ck_assert(supervisor_launch(&supervisor));
	while (!supervisor_wait_ready(&supervisor))
		;
}

/* Buffers one by one and together, passed through a whole life. */
static void lend_and_get_back(int64_t moments, int64_t steps)
{
	struct contig_buffer *buffers[N_BUFFERS];

	countdown_set(&countdown, moments, steps);
	for (int i = 0; i < N_BUFFERS; i++)
		buffers[i] = try_alloc();
	for (int i = 0; i < N_BUFFERS; i++)
		buffers[i] = contig_release(buffers[i]);
	daemon_wait(only_the_kept_is_lent, NULL, 60000);
}

static int64_t choose_stride(void)
{
	const char *text = getenv("CONTIG_STRIDE");
	int64_t stride = text ? strtoll(text, NULL, 10) : STRIDE;

	return stride > 0 ? stride : 1;
}

/* The moments of doing it, until there are no more. */
static void sweep(void (*life)(int64_t moments, int64_t steps), bool steps)
{
	int64_t stride = choose_stride() * (steps ? STEPS_STRIDE : 1);
	int64_t moments = stride;

	for (;;) {
		life(moments, steps ? 1 + moments * 131 % MAX_STEPS : 0);
		if (countdown_stop(&countdown))
			break;
		check_kept();
		moments += stride;
	}
	check_kept();
	(void)fprintf(stderr, "every %" PRId64 ". of %" PRId64 " moments\n",
		      stride, moments);
}

START_TEST(at_every_moment_of_starting)
{
	sweep(start_anew, _i);
}
END_TEST

START_TEST(at_every_moment_of_lending)
{
	sweep(lend_and_get_back, _i);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("windows");
	TCase *tcase = harness_case(suite, "windows");

	countdown_require();
	tcase_set_timeout(tcase, 1200);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_loop_test(tcase, at_every_moment_of_starting, 0, 2);
	tcase_add_loop_test(tcase, at_every_moment_of_lending, 0, 2);
	return harness_run(suite);
}
