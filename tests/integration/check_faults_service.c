/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/channel.h"
#include "tests/harness.h"
#include "tests/integration/raw.h"
#include "tests/integration/script.h"
#include "tests/integration/stage.h"
#include "util/fd.h"

/*
 * A daemon serves, and each allocation and system call that it makes for it
 * fails once.
 */

#define MIB (UINT64_C(1) << 20)

static struct stage stage;

static void before(void)
{
	stage_init(&stage, false);
}

static void after(void)
{
	stage_deinit(&stage);
}

static void sweep(const char *name,
		  enum sweep_end (*act)(void *data, struct error *why))
{
	const struct sweep what = {
		.name = name,
		.faults = &stage.faults,
		.renew = stage_renew,
		.act = act,
		.judge = stage_judge,
		.measure = stage_measure,
		.show = stage_show,
		.data = &stage,
	};

	ck_assert_uint_eq(sweep_run(&what), 0);
}

/* ---- lending -------------------------------------------------------------- */

#define TOGETHER 3

static size_t alloc(struct script *script, struct contig *contig,
		    const char *region, size_t n, struct contig_buffer **buffers)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {.error = 0};
	int r;

	request.size_bytes = 10000;
	request.region = region;
	request.name = "test";
	r = contig_alloc_many(contig, &request, n, buffers, &failure);
	return script_note(script, "contig_alloc", r, &failure) ? n : 0;
}

static void ask_about(struct script *script, struct contig *contig,
		      struct contig_buffer *buffer)
{
	struct contig_buffer_info info;
	struct contig_buffer *again;
	int r;

	r = contig_describe(contig, contig_fd(buffer), &info);
	(void)script_note(script, "contig_describe", r, NULL);
	r = contig_import(contig, contig_fd(buffer), &again);
	if (script_note(script, "contig_import", r, NULL))
		(void)contig_release(again);
}

static void look_at(struct script *script, struct contig *contig,
		    const char *region)
{
	struct contig_damage *damages = NULL;
	struct contig_check_result result;
	struct contig_cell cells[10];
	size_t n = 10;

	(void)script_note(script, "contig_occupancy",
			  contig_occupancy(contig, region, cells, &n, NULL),
			  NULL);
	(void)script_note(script, "contig_check",
			  contig_check(contig, region, &result, &damages, &n),
			  NULL);
	free(damages);
}

static enum sweep_end lend(void *data, struct error *why)
{
	struct script script = {.promised = stage_promised, .why = why};
	struct contig_buffer *buffers[1 + TOGETHER] = {NULL};
	struct contig *contig = script_open(&script, stage.supervisor.socket);
	size_t n = 0;

	if (contig) {
		n += alloc(&script, contig, NULL, 1, buffers);
		n += alloc(&script, contig, "guarded", TOGETHER, buffers + n);
		if (n > 0)
			ask_about(&script, contig, buffers[0]);
		script_list_all(&script, contig);
		look_at(&script, contig, "guarded");
	}
	while (n > 0)
		(void)contig_release(buffers[--n]);
	(void)contig_close(contig);
	return stage_end(data, &script);
}

START_TEST(while_it_lends)
{
	sweep("lending", lend);
}
END_TEST

/* ---- sharing -------------------------------------------------------------- */

/* What outlives its owner, with somebody who holds it without a word, and is
 * told about by a second client. */
static enum sweep_end share(void *data, struct error *why)
{
	struct script script = {.promised = stage_promised, .why = why};
	struct contig *owner = script_open(&script, stage.supervisor.socket);
	struct contig *other = script_open(&script, stage.supervisor.socket);
	struct contig_buffer *buffers[TOGETHER] = {NULL}, *again = NULL;
	int fd = -1;
	size_t n;

	n = owner && other ? alloc(&script, owner, "guarded", TOGETHER, buffers)
			   : 0;
	if (n > 0) {
		fd = fcntl(contig_fd(buffers[0]), F_DUPFD_CLOEXEC, 0);
		ck_assert_int_ge(fd, 0);
	}
	while (n > 0)
		(void)contig_release(buffers[--n]);
	(void)contig_close(owner);
	if (fd >= 0 && script_note(&script, "contig_import",
				   contig_import(other, fd, &again), NULL)) {
		ask_about(&script, other, again);
		(void)contig_release(again);
	}
	(void)fd_close(fd);
	(void)contig_close(other);
	return stage_end(data, &script);
}

START_TEST(while_buffers_are_shared)
{
	sweep("sharing", share);
}
END_TEST

/* ---- refusing ------------------------------------------------------------- */

/* What cannot be had, and the error that says so; or the one of a fault. */
static void expect_refusal(struct script *script, struct contig *contig,
			   const struct contig_request *request, int expected)
{
	struct contig_failure failure = {.error = 0};
	struct contig_buffer *buffer;
	int r;

	r = contig_alloc(contig, request, &buffer, &failure);
	if (r == expected && failure.text[0])
		return;
	if (r < 0) {
		(void)script_note(script, "a refusal", r, &failure);
		return;
	}
	(void)contig_release(buffer);
	error_write(script->why, "%s was expected", strerror(-expected));
	script->is_wrong = true;
}

static void exceed_quota(struct script *script, struct contig *contig,
			 struct contig_request *request)
{
	struct contig_failure failure = {.error = 0};
	struct contig_buffer *whole;
	int r;

	request->size_bytes = 8 * MIB;
	r = contig_alloc(contig, request, &whole, &failure);
	if (!script_note(script, "contig_alloc of all", r, &failure))
		return;
	request->region = "guarded";
	request->size_bytes = 1;
	expect_refusal(script, contig, request, -EDQUOT);
	(void)contig_release(whole);
}

static enum sweep_end refuse(void *data, struct error *why)
{
	struct script script = {.promised = stage_promised, .why = why};
	struct contig *contig = script_open(&script, stage.supervisor.socket);
	struct contig_request request = CONTIG_REQUEST_INIT;

	if (contig) {
		request.region = "guarded";
		request.size_bytes = 2 * MIB;
		expect_refusal(&script, contig, &request, -EFBIG);
		request.size_bytes = 1;
		request.region = "absent";
		expect_refusal(&script, contig, &request, -ENODEV);
		request.region = "plain";
		request.require = CONTIG_DMA_BUF;
		expect_refusal(&script, contig, &request, -ENODEV);
		request.require = 0;
		request.max_phys = 4096;
		expect_refusal(&script, contig, &request, -ENOMEM);
		request.max_phys = 0;
		exceed_quota(&script, contig, &request);
	}
	(void)contig_close(contig);
	return stage_end(data, &script);
}

START_TEST(while_it_refuses)
{
	sweep("refusing", refuse);
}
END_TEST

/* ---- running short -------------------------------------------------------- */

#define CROWD 30 /* so many that what is kept for a restart is tidied */

/* All of a region is lent, and lent again while it comes back. */
static void fill_twice(struct script *script, struct contig *contig)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {.error = 0};
	struct contig_buffer *whole;

	request.size_bytes = 8 * MIB;
	request.region = "plain";
	for (int i = 0; i < 2; i++) {
		int r = contig_alloc(contig, &request, &whole, &failure);

		if (script_note(script, "contig_alloc of all", r, &failure))
			(void)contig_release(whole);
	}
}

static enum sweep_end run_short(void *data, struct error *why)
{
	struct script script = {.promised = stage_promised, .why = why};
	struct contig_buffer *buffers[CROWD];
	struct contig *contig = script_open(&script, stage.supervisor.socket);
	size_t n = 0;

	for (int i = 0; contig && i < CROWD; i++)
		n += alloc(&script, contig, "guarded", 1, buffers + n);
	while (n > 0)
		(void)contig_release(buffers[--n]);
	if (contig)
		fill_twice(&script, contig);
	(void)contig_close(contig);
	return stage_end(data, &script);
}

START_TEST(while_it_runs_short)
{
	sweep("running short", run_short);
}
END_TEST

/* ---- clients that go as they like ----------------------------------------- */

#define SETTLED_MS 10

/* Until the daemon has read what it wants of it, which is not all where nobody
 * reads its answers.  Whoever left at once would be faster on one day and slower
 * on another, and other calls would be made. */
static void wait_until_read(int fd)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int queued, before = -1, same_ms = 0;

	while (same_ms < SETTLED_MS && ioctl(fd, SIOCOUTQ, &queued) == 0 &&
	       queued > 0) {
		same_ms = queued == before ? same_ms + 1 : 0;
		before = queued;
		(void)nanosleep(&pause, NULL);
	}
}

/* Requests that nobody reads the answers of, and one that makes no sense. */
static void leave_without_a_word(uint16_t opcode, bool is_broken)
{
	int fd = channel_connect(stage.supervisor.socket);
	union message message;

	ck_assert_int_ge(fd, 0);
	raw_prepare(&message, CONTIG_MSG_HELLO, 1);
	message.hello.version_min = 1;
	message.hello.version_max = CONTIG_PROTOCOL_VERSION;
	(void)send(fd, &message, message.header.size, MSG_NOSIGNAL);
	for (uint32_t i = 0; i < 20; i++) {
		if (opcode == CONTIG_MSG_ALLOC)
			raw_prepare_alloc(&message, i + 2, 1, 2);
		else
			raw_prepare(&message, opcode, i + 2);
		if (is_broken)
			message.header.size++;
		(void)send(fd, &message, message.header.size, MSG_NOSIGNAL);
	}
	wait_until_read(fd);
	(void)fd_close(fd);
}

static enum sweep_end behave_badly(void *data, struct error *why)
{
	struct script script = {.promised = stage_promised, .why = why};

	leave_without_a_word(CONTIG_MSG_ALLOC, false);
	leave_without_a_word(CONTIG_MSG_STATUS, false);
	leave_without_a_word(CONTIG_MSG_STATUS, true);
	return stage_end(data, &script);
}

START_TEST(while_clients_go_as_they_like)
{
	sweep("rude clients", behave_badly);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults_service");
	TCase *tcase = harness_case(suite, "faults_service");

	faults_require();
	tcase_set_timeout(tcase, 1200);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, while_it_lends);
	tcase_add_test(tcase, while_buffers_are_shared);
	tcase_add_test(tcase, while_it_refuses);
	tcase_add_test(tcase, while_it_runs_short);
	tcase_add_test(tcase, while_clients_go_as_they_like);
	return harness_run(suite);
}
