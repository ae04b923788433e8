/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/faults.h"
#include "tests/integration/script.h"
#include "tests/integration/supervisor.h"
#include "tests/integration/sweep.h"
#include "util/clock.h"
#include "util/fd.h"

/*
 * What a program does with libcontig, while each allocation and system call
 * that the library makes for it fails once.  One of the library's calls may
 * fail then, with an error that its header promises and never with one that
 * blames the daemon; the next one must succeed, on the same connection object.
 * What the library has of memory and descriptors must be gone at the end, and
 * the daemon must have all its memory back.
 *
 * The program is this one, which runs with the preloaded library; its daemon
 * runs without.
 */

#define LIMIT_MS 20000
#define CAPACITY (UINT64_C(8) << 20)

static const char *const arguments[] = {
	"--config",   "/dev/null",	     "--simulate", "plain=4M",
	"--simulate", "guarded=4M,guard=4K", NULL,
};
static struct faults faults;
static struct supervisor supervisor;
static struct contig *observer; /* its calls do not fail */

static void before(void)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.store_limit = 64,
	};

	supervisor_init(&supervisor, &spec);
	supervisor_start(&supervisor);
	ck_assert_int_eq(contig_open(&observer, supervisor.socket), 0);
}

static void after(void)
{
	observer = contig_close(observer);
	supervisor_stop(&supervisor);
	supervisor_deinit(&supervisor);
}

/* ---- what calls come to --------------------------------------------------- */

/* What is short may be told by any of these; the daemon is not to blame. */
static const int promised[] = {-ENOMEM, -EMFILE,     -ENFILE,
			       -ENOSPC, -ECONNRESET, 0};

/* ---- around each time ----------------------------------------------------- */

static bool is_back(struct error *why)
{
	struct contig_status status;
	int r = contig_get_status(observer, &status);

	if (r < 0)
		r = contig_get_status(observer, &status);
	ck_assert_int_eq(r, 0);
	error_write(why, "%u buffers and %u clients are left", status.buffers,
		    status.clients);
	return status.buffers == 0 && status.clients == 1 &&
	       status.free_bytes == CAPACITY && status.dirty_bytes == 0;
}

static bool judge(void *data, struct error *why)
{
	const struct timespec pause = {.tv_nsec = 500000};
	uint64_t limit = clock_ms() + LIMIT_MS;

	(void)data;
	while (!is_back(why)) {
		if (clock_ms() > limit)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

static struct sweep_measure measure(void *data)
{
	(void)data;
	return (struct sweep_measure){
		.fds = fd_count_open(),
		.blocks = faults_blocks(&faults),
	};
}

static size_t sweep(const char *name, void (*ready)(void *data),
		    enum sweep_end (*act)(void *data, struct error *why))
{
	const struct sweep what = {
		.name = name,
		.faults = &faults,
		.is_own = true,
		.ready = ready,
		.act = act,
		.judge = judge,
		.measure = measure,
	};

	return sweep_run(&what);
}

/* ---- a whole life --------------------------------------------------------- */

#define N_MANY 70 /* more than one message asks for */

static struct contig_buffer *alloc(struct script *script, struct contig *contig)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {.error = 0};
	struct contig_buffer *buffer = NULL;
	int r;

	request.size_bytes = 10000;
	request.name = "test";
	r = contig_alloc(contig, &request, &buffer, &failure);
	(void)script_note(script, "contig_alloc", r, &failure);
	return buffer;
}

static void use(struct script *script, struct contig *contig,
		struct contig_buffer *buffer)
{
	struct contig_buffer_info info;
	struct contig_buffer *again;
	void *map;
	int r;

	r = contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map);
	if (script_note(script, "contig_map", r, NULL))
		memset(map, 1, contig_size(buffer));
	(void)script_note(script, "contig_begin_cpu",
			  contig_begin_cpu(buffer, CONTIG_READ), NULL);
	(void)script_note(script, "contig_end_cpu",
			  contig_end_cpu(buffer, CONTIG_READ), NULL);
	r = contig_describe(contig, contig_fd(buffer), &info);
	(void)script_note(script, "contig_describe", r, NULL);
	r = contig_import(contig, contig_fd(buffer), &again);
	if (script_note(script, "contig_import", r, NULL))
		(void)contig_release(again);
}

static enum sweep_end live(void *data, struct error *why)
{
	struct script script = {.promised = promised, .why = why};
	struct contig *contig = script_open(&script, supervisor.socket);
	struct contig_buffer *buffer;

	(void)data;
	if (!contig)
		return SWEEP_WRONG;
	buffer = alloc(&script, contig);
	if (buffer)
		use(&script, contig, buffer);
	(void)contig_release(buffer);
	(void)contig_close(contig);
	return script_end(&script);
}

START_TEST(in_a_whole_life)
{
	ck_assert_uint_eq(sweep("a life", NULL, live), 0);
}
END_TEST

/* ---- many buffers, now and later ------------------------------------------ */

struct arrival {
	int told;
	int result;
};

static void on_arrival(void *data, int result,
		       struct contig_buffer *const *buffers, size_t count,
		       const struct contig_failure *failure)
{
	struct arrival *arrival = data;

	arrival->told++;
	arrival->result = result;
	if (result < 0 && (failure->error != result || !failure->text[0]))
		arrival->told = -1;
	for (size_t i = 0; result == 0 && i < count; i++)
		(void)contig_release(buffers[i]);
}

static void alloc_later(struct script *script, struct contig *contig)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct arrival arrival = {.told = 0};
	struct pollfd pollfd = {.fd = contig_poll_fd(contig), .events = POLLIN};
	int r;

	request.size_bytes = 1;
	r = contig_alloc_start(contig, &request, 3, on_arrival, &arrival);
	if (!script_note(script, "contig_alloc_start", r, NULL))
		return;
	while (arrival.told == 0) {
		(void)poll(&pollfd, 1, LIMIT_MS);
		(void)contig_dispatch(contig);
	}
	if (arrival.told != 1) {
		error_write(script->why, "told %d times", arrival.told);
		script->is_wrong = true;
	}
	(void)script_note(script, "the callback's result", arrival.result, NULL);
}

static void alloc_many(struct script *script, struct contig *contig)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {.error = 0};
	struct contig_buffer *buffers[N_MANY];
	int r;

	request.size_bytes = 1;
	request.region = "guarded";
	r = contig_alloc_many(contig, &request, N_MANY, buffers, &failure);
	if (!script_note(script, "contig_alloc_many", r, &failure))
		return;
	for (size_t i = 0; i < N_MANY; i++)
		(void)contig_release(buffers[i]);
}

static enum sweep_end take_many(void *data, struct error *why)
{
	struct script script = {.promised = promised, .why = why};
	struct contig *contig = script_open(&script, supervisor.socket);

	(void)data;
	if (!contig)
		return SWEEP_WRONG;
	alloc_many(&script, contig);
	alloc_later(&script, contig);
	(void)contig_close(contig);
	return script_end(&script);
}

START_TEST(with_many_buffers)
{
	ck_assert_uint_eq(sweep("many buffers", NULL, take_many), 0);
}
END_TEST

/* ---- asking --------------------------------------------------------------- */

static enum sweep_end ask(void *data, struct error *why)
{
	struct script script = {.promised = promised, .why = why};
	struct contig *contig = script_open(&script, supervisor.socket);
	struct contig_damage *damages = NULL;
	struct contig_check_result result;
	struct contig_buffer *buffer;
	struct contig_cell cells[10];
	size_t n = 10;

	(void)data;
	if (!contig)
		return SWEEP_WRONG;
	buffer = alloc(&script, contig);
	script_list_all(&script, contig);
	(void)script_note(&script, "contig_occupancy",
			  contig_occupancy(contig, "plain", cells, &n, NULL),
			  NULL);
	(void)script_note(&script, "contig_check",
			  contig_check(contig, NULL, &result, &damages, &n),
			  NULL);
	free(damages);
	(void)contig_release(buffer);
	(void)contig_close(contig);
	return script_end(&script);
}

START_TEST(while_it_asks)
{
	ck_assert_uint_eq(sweep("asking", NULL, ask), 0);
}
END_TEST

/* ---- another daemon ------------------------------------------------------- */

static struct contig *lasting;
static struct contig_buffer *kept;

static void restart(void *data)
{
	struct contig_request request = CONTIG_REQUEST_INIT;

	(void)data;
	ck_assert_int_eq(contig_open(&lasting, supervisor.socket), 0);
	request.size_bytes = 1;
	ck_assert_int_eq(contig_alloc(lasting, &request, &kept, NULL), 0);
	supervisor_kill(&supervisor);
	supervisor_start(&supervisor);
}

static enum sweep_end go_on(void *data, struct error *why)
{
	struct script script = {.promised = promised, .why = why};
	struct contig_buffer *buffer = alloc(&script, lasting);

	(void)data;
	use(&script, lasting, kept);
	(void)contig_release(buffer);
	kept = contig_release(kept);
	lasting = contig_close(lasting);
	return script_end(&script);
}

START_TEST(when_the_daemon_was_restarted)
{
	ck_assert_uint_eq(sweep("another daemon", restart, go_on), 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("faults_library");
	TCase *tcase = harness_case(suite, "faults_library");

	(void)argc;
	faults_preload_self(&faults, argv);
	tcase_set_timeout(tcase, 1200);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, in_a_whole_life);
	tcase_add_test(tcase, with_many_buffers);
	tcase_add_test(tcase, while_it_asks);
	tcase_add_test(tcase, when_the_daemon_was_restarted);
	return harness_run(suite);
}
