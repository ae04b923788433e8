/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/channel.h"
#include "tests/descriptor_limit.h"
#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * Allocating one, many, and without waiting, from a daemon that answers
 * rightly, wrongly, late or not at all.  The harness counts descriptors, so
 * whatever a bad answer leaves behind fails its test.
 */

static struct fake fake;
static struct contig *contig;
static struct contig_request request;
static struct contig_failure failure;

static void with(fake_script *script, void *data)
{
	request = (struct contig_request)CONTIG_REQUEST_INIT;
	request.size_bytes = 5000;
	request.name = "frame";
	fake_start(&fake, script, data);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
}

static void done(void)
{
	contig_close(contig);
	fake_stop(&fake);
}

START_TEST(allocates_one)
{
	struct contig_buffer *buffer = NULL;
	struct contig_buffer_info info;
	struct stat stat;

	with(fake_serve, NULL);
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, &failure), 0);
	ck_assert_uint_eq(contig_size(buffer), 8192);
	ck_assert_int_eq(fstat(contig_fd(buffer), &stat), 0);
	ck_assert_int_eq(stat.st_size, 8192);
	ck_assert_int_eq(fcntl(contig_fd(buffer), F_GETFD), FD_CLOEXEC);
	contig_info(buffer, &info);
	ck_assert_uint_eq(info.id, 1);
	ck_assert_str_eq(info.name, "frame");
	ck_assert_str_eq(info.region, "fake");
	ck_assert_ptr_null(contig_release(buffer));
	done();
}
END_TEST

START_TEST(allocates_many_in_order)
{
	struct contig_buffer **buffers = calloc((size_t)_i, sizeof(*buffers));
	struct contig_buffer_info info;

	ck_assert_ptr_nonnull(buffers);
	with(fake_serve, NULL);
	ck_assert_int_eq(contig_alloc_many(contig, &request, (size_t)_i,
					   buffers, &failure),
			 0);
	for (int i = 0; i < _i; i++) {
		contig_info(buffers[i], &info);
		ck_assert_uint_eq(info.id, (uint64_t)i + 1);
		contig_release(buffers[i]);
	}
	free(buffers);
	done();
}
END_TEST

START_TEST(asks_for_nothing_in_vain)
{
	with(fake_serve, NULL);
	ck_assert_int_eq(contig_alloc_many(contig, &request, 0, NULL, &failure),
			 -EINVAL);
	ck_assert_int_eq(failure.error, -EINVAL);
	done();
}
END_TEST

/* Lends chunks until *data are lent, then refuses; counts what comes back. */
static void lend_then_refuse(struct fake *f, int fd, unsigned int n)
{
	int *chunks = f->data;
	uint64_t id = 1;

	ck_assert_uint_eq(n, 0);
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		if (f->in.header.opcode == CONTIG_MSG_RELEASE) {
			id--;
		} else if (!(*chunks)--) {
			fake_answer_error(f, fd, CONTIG_MSG_R_FULL,
					  "nothing left");
		} else {
			uint32_t count = f->in.alloc.count;

			fake_lend(f, fd, id);
			id += count;
		}
	}
	*chunks = (int)id - 1;
}

START_TEST(allocates_all_or_nothing)
{
	struct contig_buffer *buffers[129];
	int chunks = 2;

	with(lend_then_refuse, &chunks);
	memset(buffers, 0, sizeof(buffers));
	ck_assert_int_eq(
		contig_alloc_many(contig, &request, 129, buffers, &failure),
		-ENOMEM);
	ck_assert_int_eq(failure.reason, CONTIG_REASON_FULL);
	ck_assert_str_eq(failure.text, "nothing left");
	for (size_t i = 0; i < 129; i++)
		ck_assert_ptr_null(buffers[i]);
	done();
	ck_assert_int_eq(chunks, 0); /* all that were lent came back */
}
END_TEST

/* ---- wrong answers ------------------------------------------------------ */

enum wrong {
	ONE_DESCRIPTOR_LESS,
	ONE_DESCRIPTOR_MORE,
	TOO_MANY_DESCRIPTORS,
	ONE_BUFFER_LESS,
	WRONG_SERIAL,
	SERIAL_ZERO,
	WRONG_OPCODE,
	WRONG_SIZE,
	WRONG_STATE,
	UNTERMINATED_NAME,
	TOO_LONG,
	EMPTY,
	WRONGS,
};

/* Past channel_send(), which sends neither too much nor nothing. */
static void send_raw(int fd, size_t size, size_t n_fds)
{
	static char data[CONTIG_MSG_MAX_BYTES + 8];
	static char control[CMSG_SPACE(253 * sizeof(int))];
	struct iovec iov = {.iov_base = data, .iov_len = size};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *header;

	if (n_fds) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		for (size_t i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(header) + i * sizeof(int), &fd,
			       sizeof(int));
	}
	ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (int)size);
}

static void spoil(int wrong, union message *reply, size_t *n_fdsp)
{
	struct contig_msg_buffer *buffers =
		form_elements(form_find(CONTIG_MSG_ALLOC), reply);

	switch (wrong) {
	case ONE_DESCRIPTOR_LESS:
		--*n_fdsp;
		break;
	case ONE_DESCRIPTOR_MORE:
		++*n_fdsp;
		break;
	case ONE_BUFFER_LESS:
		reply->list_reply.count--;
		reply->header.size -= sizeof(*buffers);
		--*n_fdsp;
		break;
	case WRONG_SERIAL:
		reply->header.serial++;
		break;
	case SERIAL_ZERO:
		reply->header.serial = 0;
		break;
	case WRONG_OPCODE:
		reply->header.opcode =
			CONTIG_MSG_LIST_BUFFERS | CONTIG_MSG_REPLY;
		*n_fdsp = 0;
		break;
	case WRONG_SIZE:
		reply->header.size -= 8;
		break;
	case WRONG_STATE:
		buffers[1].state = CONTIG_MSG_DRAINING;
		break;
	case UNTERMINATED_NAME:
		memset(buffers[2].name, 'x', sizeof(buffers[2].name));
		break;
	default:
		ck_abort_msg("no such wrong");
	}
}

static void answer_wrongly(struct fake *f, int fd, unsigned int n)
{
	int wrong = *(const int *)f->data, fds[4] = {fd, fd, fd, fd};
	struct contig_msg_buffer *buffers;
	union message reply;
	size_t n_fds = 3;

	fake_greet(f, fd);
	fake_expect(f, fd, CONTIG_MSG_ALLOC);
	if (n > 0) {
		fake_lend(f, fd, 1); /* it may do better the next time */
		(void)fake_receive(f, fd);
		return;
	}
	if (wrong == TOO_MANY_DESCRIPTORS) {
		send_raw(fd, 100, 253);
	} else if (wrong == TOO_LONG) {
		send_raw(fd, CONTIG_MSG_MAX_BYTES + 1, 3);
	} else if (wrong == EMPTY) {
		send_raw(fd, 0, 3);
	} else {
		fake_prepare(f, &reply, 3);
		buffers = form_elements(form_find(CONTIG_MSG_ALLOC), &reply);
		for (uint32_t i = 0; i < 3; i++)
			fake_buffer(&buffers[i], i + 1, 8192);
		spoil(wrong, &reply, &n_fds);
		fake_send(fd, &reply, fds, n_fds);
	}
	while (fake_receive(f, fd))
		; /* until the library hangs up */
}

START_TEST(believes_no_wrong_answer)
{
	struct contig_buffer *buffers[3] = {NULL, NULL, NULL};
	int wrong = _i;

	with(answer_wrongly, &wrong);
	ck_assert_int_eq(
		contig_alloc_many(contig, &request, 3, buffers, &failure),
		wrong == EMPTY ? -ECONNRESET : -EPROTO);
	ck_assert_int_eq(failure.error, wrong == EMPTY ? -ECONNRESET : -EPROTO);
	ck_assert_str_ne(failure.text, "");
	ck_assert_ptr_null(buffers[0]);
	ck_assert_int_eq(contig_alloc(contig, &request, buffers, NULL), 0);
	contig_release(buffers[0]);
	done();
}
END_TEST

static void die_in_mid_call(struct fake *f, int fd, unsigned int n)
{
	fake_greet(f, fd);
	fake_expect(f, fd, CONTIG_MSG_ALLOC);
	if (n > 0) {
		fake_lend(f, fd, 1);
		(void)fake_receive(f, fd);
	}
}

START_TEST(notices_a_daemon_that_dies_in_mid_call)
{
	struct contig_buffer *buffer = NULL;

	with(die_in_mid_call, NULL);
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, &failure),
			 -ECONNRESET);
	ck_assert_ptr_null(buffer);
	ck_assert_ptr_nonnull(strstr(failure.text, "went away"));
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, &failure), 0);
	contig_release(buffer);
	done();
}
END_TEST

/* ---- the limit of open files -------------------------------------------- */

struct limits {
	int room; /* descriptors that may still be opened */
	struct rlimit before;
};

/* Lends three with room for fewer, the process being one with the library. */
static void lend_at_the_limit(struct fake *f, int fd, unsigned int n)
{
	struct limits *limits = f->data;
	struct contig_msg_buffer *buffers;
	int fds[3] = {fd, fd, fd};
	union message reply;

	fake_greet(f, fd);
	fake_expect(f, fd, CONTIG_MSG_ALLOC);
	if (n > 0) {
		fake_lend(f, fd, 1);
		(void)fake_receive(f, fd);
		return;
	}
	fake_prepare(f, &reply, 3);
	buffers = form_elements(form_find(CONTIG_MSG_ALLOC), &reply);
	for (uint32_t i = 0; i < 3; i++)
		fake_buffer(&buffers[i], i + 1, 8192);
	descriptor_limit_lower(limits->room, &limits->before);
	fake_send(fd, &reply, fds, 3);
	ck_assert(!fake_receive(f, fd)); /* the library hangs up */
}

START_TEST(says_that_descriptors_did_not_arrive)
{
	struct contig_buffer *buffers[3] = {NULL, NULL, NULL};
	struct limits limits = {.room = _i};

	with(lend_at_the_limit, &limits);
	ck_assert_int_eq(
		contig_alloc_many(contig, &request, 3, buffers, &failure),
		-EMFILE);
	ck_assert_ptr_null(buffers[0]);
	ck_assert_int_eq(failure.error, -EMFILE);
	ck_assert_ptr_nonnull(strstr(failure.text, "open files"));
	descriptor_limit_restore(&limits.before);
	ck_assert_int_eq(contig_alloc(contig, &request, buffers, NULL), 0);
	contig_release(buffers[0]);
	done();
}
END_TEST

/* ---- without waiting ---------------------------------------------------- */

struct outcome {
	int calls;
	int result;
	size_t count;
	enum contig_reason reason;
	int restarts; /* start as many again from the callback */
};

static void note(void *data, int result, struct contig_buffer *const *buffers,
		 size_t count, const struct contig_failure *why)
{
	struct outcome *outcome = data;

	outcome->calls++;
	outcome->result = result;
	outcome->count += count;
	ck_assert_int_eq(result < 0, why != NULL);
	ck_assert_int_eq(result < 0, buffers == NULL);
	if (why) {
		ck_assert_int_eq(why->error, result);
		ck_assert_str_ne(why->text, "");
		outcome->reason = why->reason;
	}
	for (size_t i = 0; i < count; i++)
		contig_release(buffers[i]);
	if (outcome->restarts) {
		outcome->restarts--;
		ck_assert_int_eq(
			contig_alloc_start(contig, &request, 1, note, outcome),
			0);
	}
}

static void dispatch_until(const struct outcome *outcome, int calls)
{
	struct pollfd readable = {.fd = contig_poll_fd(contig),
				  .events = POLLIN};

	while (outcome->calls < calls) {
		int before = outcome->calls;

		ck_assert_int_eq(poll(&readable, 1, -1), 1);
		ck_assert_int_eq(contig_dispatch(contig),
				 outcome->calls - before);
	}
}

START_TEST(starts_and_calls_back_once)
{
	struct outcome outcome = {.calls = 0};

	with(fake_serve, NULL);
	ck_assert_int_eq(
		contig_alloc_start(contig, &request, 64, note, &outcome), 0);
	ck_assert_int_eq(outcome.calls, 0);
	dispatch_until(&outcome, 1);
	ck_assert_int_eq(outcome.result, 0);
	ck_assert_uint_eq(outcome.count, 64);
	done();
	ck_assert_int_eq(outcome.calls, 1);
}
END_TEST

START_TEST(starts_only_what_one_message_holds)
{
	struct outcome outcome = {.calls = 0};

	with(fake_serve, NULL);
	ck_assert_int_eq(contig_alloc_start(contig, &request, 0, note, &outcome),
			 -EINVAL);
	ck_assert_int_eq(contig_alloc_start(contig, &request, 65, note, &outcome),
			 -EINVAL);
	ck_assert_int_eq(contig_alloc_start(contig, &request,
					    (size_t)UINT32_MAX + 2, note,
					    &outcome),
			 -EINVAL);
	done();
	ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(a_callback_may_start_the_next)
{
	struct outcome outcome = {.restarts = 20};

	with(fake_serve, NULL);
	ck_assert_int_eq(
		contig_alloc_start(contig, &request, 1, note, &outcome), 0);
	dispatch_until(&outcome, 21);
	ck_assert_uint_eq(outcome.count, 21);
	done();
}
END_TEST

START_TEST(a_started_refusal_comes_to_the_callback)
{
	struct outcome outcome = {.calls = 0};
	int chunks = 0;

	with(lend_then_refuse, &chunks);
	ck_assert_int_eq(
		contig_alloc_start(contig, &request, 1, note, &outcome), 0);
	dispatch_until(&outcome, 1);
	ck_assert_int_eq(outcome.result, -ENOMEM);
	ck_assert_int_eq(outcome.reason, CONTIG_REASON_FULL);
	done();
}
END_TEST

START_TEST(a_started_call_hears_of_the_daemons_death)
{
	struct outcome outcome = {.calls = 0};

	with(die_in_mid_call, NULL);
	ck_assert_int_eq(
		contig_alloc_start(contig, &request, 2, note, &outcome), 0);
	dispatch_until(&outcome, 1);
	ck_assert_int_eq(outcome.result, -ECONNRESET);
	done();
	ck_assert_int_eq(outcome.calls, 1);
}
END_TEST

START_TEST(a_waiting_call_leaves_the_started_one_readable)
{
	struct pollfd readable = {.events = POLLIN};
	struct outcome outcome = {.calls = 0};
	struct contig_status status;

	with(fake_serve, NULL);
	ck_assert_int_eq(
		contig_alloc_start(contig, &request, 1, note, &outcome), 0);
	/* Answered in order, so this one receives the other's answer too. */
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	ck_assert_int_eq(outcome.calls, 0);
	readable.fd = contig_poll_fd(contig);
	ck_assert_int_eq(poll(&readable, 1, 0), 1);
	ck_assert_int_eq(contig_dispatch(contig), 1);
	ck_assert_int_eq(outcome.calls, 1);
	ck_assert_int_eq(contig_dispatch(contig), 0);
	done();
}
END_TEST

static void never_answer(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd))
		;
}

START_TEST(closing_forgets_what_was_started)
{
	struct outcome outcome = {.calls = 0};
	struct contig_status status;

	with(_i ? fake_serve : never_answer, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			contig_alloc_start(contig, &request, 2, note, &outcome),
			0);
	if (_i) /* the answers are here, but not dispatched */
		ck_assert_int_eq(contig_get_status(contig, &status), 0);
	done();
	ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig allocation");
	TCase *tcase = harness_case(suite, "waiting");

	tcase_add_test(tcase, allocates_one);
	tcase_add_loop_test(tcase, allocates_many_in_order, 1, 3);
	tcase_add_loop_test(tcase, allocates_many_in_order, 64, 66);
	tcase_add_loop_test(tcase, allocates_many_in_order, 128, 130);
	tcase_add_test(tcase, asks_for_nothing_in_vain);
	tcase_add_test(tcase, allocates_all_or_nothing);

	tcase = harness_case(suite, "wrong answers");
	tcase_add_loop_test(tcase, believes_no_wrong_answer, 0, WRONGS);
	tcase_add_test(tcase, notices_a_daemon_that_dies_in_mid_call);
	if (descriptor_limit_is_real())
		tcase_add_loop_test(tcase, says_that_descriptors_did_not_arrive,
				    0, 3);

	tcase = harness_case(suite, "started");
	tcase_add_test(tcase, starts_and_calls_back_once);
	tcase_add_test(tcase, starts_only_what_one_message_holds);
	tcase_add_test(tcase, a_callback_may_start_the_next);
	tcase_add_test(tcase, a_started_refusal_comes_to_the_callback);
	tcase_add_test(tcase, a_started_call_hears_of_the_daemons_death);
	tcase_add_test(tcase, a_waiting_call_leaves_the_started_one_readable);
	tcase_add_loop_test(tcase, closing_forgets_what_was_started, 0, 2);
	return harness_run(suite);
}
