/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * Round trips of several threads over one connection: answers in any order, a
 * dispatcher beside callers, a socket that is full, an end in the middle.
 */

#define THREADS 8
#define ROUNDS	200

static struct fake fake;
static struct contig *contig;
static struct contig_request request;

static void with(fake_script *script, void *data)
{
	request = (struct contig_request)CONTIG_REQUEST_INIT;
	request.size_bytes = 4096;
	fake_start(&fake, script, data);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
}

static void done(void)
{
	contig_close(contig);
	fake_stop(&fake);
}

static void run_threads(void *(*body)(void *))
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, body, NULL),
				 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static void *allocate_and_release(void *data)
{
	struct contig_buffer_info info;
	struct contig_buffer *buffer;

	for (int i = 0; i < ROUNDS; i++) {
		struct contig_request mine = CONTIG_REQUEST_INIT;

		mine.size_bytes = (uint64_t)(i % 5 + 1) * 4096;
		ck_assert_int_eq(contig_alloc(contig, &mine, &buffer, NULL), 0);
		contig_info(buffer, &info);
		ck_assert_uint_eq(info.size_bytes, mine.size_bytes);
		contig_release(buffer);
	}
	return data;
}

START_TEST(each_thread_gets_its_own_answer)
{
	with(fake_serve, NULL);
	run_threads(allocate_and_release);
	done();
}
END_TEST

/* Collects one request of each thread, then answers the last one first. */
static void answer_backwards(struct fake *f, int fd, unsigned int n)
{
	union message waiting[THREADS];
	unsigned int n_waiting = 0;

	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		ck_assert_uint_eq(f->in.header.opcode, CONTIG_MSG_STATUS);
		fake_prepare(f, &waiting[n_waiting], 0);
		waiting[n_waiting].status_reply.allocations =
			f->in.header.serial;
		if (++n_waiting == THREADS)
			while (n_waiting)
				fake_send(fd, &waiting[--n_waiting], NULL, 0);
	}
}

static void *ask_status(void *data)
{
	uint64_t last = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct contig_status status;

		ck_assert_int_eq(contig_get_status(contig, &status), 0);
		/* Serial numbers of one thread ascend. */
		ck_assert_uint_gt(status.allocations, last);
		last = status.allocations;
	}
	return data;
}

START_TEST(answers_may_come_in_any_order)
{
	with(answer_backwards, NULL);
	run_threads(ask_status);
	done();
}
END_TEST

/* ---- a dispatcher beside callers ---------------------------------------- */

static atomic_int called_back;

static void count_and_release(void *data, int result,
			      struct contig_buffer *const *buffers,
			      size_t count, const struct contig_failure *why)
{
	(void)data;
	(void)why;
	ck_assert_int_eq(result, 0);
	for (size_t i = 0; i < count; i++)
		contig_release(buffers[i]);
	atomic_fetch_add(&called_back, 1);
}

static void *start_and_ask(void *data)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct contig_status status;

		ck_assert_int_eq(contig_alloc_start(contig, &request, 1,
						    count_and_release, NULL),
				 0);
		ck_assert_int_eq(contig_get_status(contig, &status), 0);
	}
	return data;
}

static void *dispatch_all(void *data)
{
	struct pollfd readable = {.fd = contig_poll_fd(contig),
				  .events = POLLIN};

	while (atomic_load(&called_back) < THREADS * ROUNDS) {
		/* Readable or not: the other threads may empty it first. */
		ck_assert_int_ge(poll(&readable, 1, 10), 0);
		ck_assert_int_ge(contig_dispatch(contig), 0);
	}
	return data;
}

START_TEST(callers_and_a_dispatcher_share_a_connection)
{
	pthread_t dispatcher;

	with(fake_serve, NULL);
	atomic_store(&called_back, 0);
	ck_assert_int_eq(pthread_create(&dispatcher, NULL, dispatch_all, NULL),
			 0);
	run_threads(start_and_ask);
	ck_assert_int_eq(pthread_join(dispatcher, NULL), 0);
	ck_assert_int_eq(atomic_load(&called_back), THREADS * ROUNDS);
	done();
}
END_TEST

/* ---- no room, and no daemon --------------------------------------------- */

/* More than the socket buffers of both sides take, about 280 each, and fewer
 * than an ordinary user may have open, 1024. */
#define FLOOD 700

/* Reads nothing before the other end is full, and no faster than it answers. */
static void serve_a_flood(struct fake *f, int fd, unsigned int n)
{
	struct pollfd full = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&full, 1, -1), 1);
	fake_serve(f, fd, n);
}

START_TEST(a_full_socket_is_waited_for_while_answers_are_read)
{
	struct pollfd readable = {.events = POLLIN};

	with(serve_a_flood, NULL);
	atomic_store(&called_back, 0);
	for (int i = 0; i < FLOOD; i++)
		ck_assert_int_eq(contig_alloc_start(contig, &request, 1,
						    count_and_release, NULL),
				 0);
	readable.fd = contig_poll_fd(contig);
	while (atomic_load(&called_back) < FLOOD) {
		ck_assert_int_eq(poll(&readable, 1, -1), 1);
		contig_dispatch(contig);
	}
	done();
}
END_TEST

static void leave_when_all_wait(struct fake *f, int fd, unsigned int n)
{
	fake_greet(f, fd);
	for (int i = 0; i < (n == 0 ? THREADS : 0); i++)
		fake_expect(f, fd, CONTIG_MSG_STATUS);
	while (n > 0 && fake_receive(f, fd))
		fake_answer_plain(f, fd);
}

static void *lose_then_ask(void *data)
{
	struct contig_status status;

	ck_assert_int_eq(contig_get_status(contig, &status), -ECONNRESET);
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	return data;
}

START_TEST(an_end_reaches_every_caller_and_all_share_the_next_session)
{
	with(leave_when_all_wait, NULL);
	run_threads(lose_then_ask);
	done();
}
END_TEST

/* An unasked-for answer ends the session, once the asked-for one was given. */
static void answer_twice(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		fake_answer_plain(f, fd);
		fake_answer_plain(f, fd);
	}
}

START_TEST(an_answer_that_nobody_asked_for_ends_only_the_session)
{
	struct contig_status status;

	with(answer_twice, NULL);
	for (int i = 0; i < 5; i++) {
		int r = contig_get_status(contig, &status);

		ck_assert(r == 0 || r == -EPROTO);
		ck_assert(i > 0 || r == 0);
	}
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig call");
	TCase *tcase = harness_case(suite, "threads");

	tcase_add_test(tcase, each_thread_gets_its_own_answer);
	tcase_add_test(tcase, answers_may_come_in_any_order);
	tcase_add_test(tcase, callers_and_a_dispatcher_share_a_connection);

	tcase = harness_case(suite, "socket");
	tcase_add_test(tcase,
		       a_full_socket_is_waited_for_while_answers_are_read);
	tcase_add_test(
		tcase,
		an_end_reaches_every_caller_and_all_share_the_next_session);
	tcase_add_test(tcase,
		       an_answer_that_nobody_asked_for_ends_only_the_session);
	return harness_run(suite);
}
