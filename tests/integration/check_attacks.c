/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/raw.h"
#include "util/fd.h"

/*
 * Clients that are wrong, malicious or dying.  After each of them the daemon
 * must have as many descriptors, clients and bytes as before, and serve others
 * all the while.
 */

#define MIB (UINT64_C(1) << 20)

static struct daemon process;
static struct contig *witness; /* a healthy client */
static int fds_before;
static union message message;

static struct contig_status status(void)
{
	struct contig_status now;

	ck_assert_int_eq(contig_get_status(witness, &now), 0);
	return now;
}

static int is_quiet(void *data)
{
	struct contig_status now = status();

	(void)data;
	return now.clients == 1 && now.buffers == 0 &&
	       now.free_bytes == now.total_bytes && now.dirty_bytes == 0 &&
	       daemon_count_fds(&process) == fds_before;
}

static void before(void)
{
	daemon_start_countable(&process);
	ck_assert_int_eq(contig_open(&witness, process.socket), 0);
	fds_before = daemon_count_fds(&process);
}

static void after(void)
{
	daemon_wait(is_quiet, NULL, 30000);
	witness = contig_close(witness);
	daemon_stop(&process);
}

/* ---- what breaks the protocol ends the connection ----------------------- */

static void expect_malformed(int fd_consume, size_t size)
{
	union message answer;

	raw_send(fd_consume, &message, size);
	raw_expect_error(fd_consume, CONTIG_MSG_R_MALFORMED, &answer);
	raw_expect_end(fd_consume);
	(void)fd_close(fd_consume);
}

START_TEST(malformed_messages_end_the_connection)
{
	/* before HELLO */
	raw_prepare(&message, CONTIG_MSG_STATUS, 1);
	expect_malformed(raw_connect(process.socket), message.header.size);

	/* HELLO again */
	raw_prepare(&message, CONTIG_MSG_HELLO, 2);
	message.hello.version_min = 1;
	message.hello.version_max = 1;
	expect_malformed(raw_open(process.socket), message.header.size);

	/* one byte too short, one too long, a size that lies */
	raw_prepare(&message, CONTIG_MSG_STATUS, 2);
	expect_malformed(raw_open(process.socket), message.header.size - 1);
	expect_malformed(raw_open(process.socket), message.header.size + 1);
	message.header.size++;
	expect_malformed(raw_open(process.socket), message.header.size - 1);
	expect_malformed(raw_open(process.socket), 1);

	/* no such opcode, a reply's opcode, serial 0, padding */
	raw_prepare(&message, CONTIG_MSG_STATUS, 2);
	message.header.opcode = CONTIG_MSG_RELEASE + 1;
	expect_malformed(raw_open(process.socket), message.header.size);
	message.header.opcode = CONTIG_MSG_STATUS | CONTIG_MSG_REPLY;
	expect_malformed(raw_open(process.socket), message.header.size);
	raw_prepare(&message, CONTIG_MSG_STATUS, 0);
	expect_malformed(raw_open(process.socket), message.header.size);
	raw_prepare(&message, CONTIG_MSG_STATUS, 2);
	message.header.zero32 = 1;
	expect_malformed(raw_open(process.socket), message.header.size);

	/* a name without an end */
	raw_prepare_alloc(&message, 2, MIB, 1);
	memset(message.alloc.name, 'x', sizeof(message.alloc.name));
	expect_malformed(raw_open(process.socket), message.header.size);
}
END_TEST

START_TEST(empty_datagram_is_a_good_bye)
{
	int fd = raw_open(process.socket);

	ck_assert_int_eq(send(fd, NULL, 0, 0), 0);
	raw_expect_end(fd);
	(void)fd_close(fd);
}
END_TEST

START_TEST(too_long_is_told)
{
	static const char zeroes[CONTIG_MSG_MAX_BYTES + 1];
	int fd = raw_open(process.socket);

	raw_send(fd, zeroes, sizeof(zeroes));
	raw_expect_error(fd, CONTIG_MSG_R_MALFORMED, &message);
	raw_expect_end(fd);
	(void)fd_close(fd);
}
END_TEST

START_TEST(noise)
{
	unsigned int seed = 1;

	for (int round = 0; round < 500; round++) {
		int fd = round % 2 ? raw_open(process.socket)
				   : raw_connect(process.socket);
		size_t size = (size_t)rand_r(&seed) % 512 + 1;

		for (size_t i = 0; i < size; i++)
			message.bytes[i] = (unsigned char)rand_r(&seed);
		if (round % 3 == 0 && size >= sizeof(message.header)) {
			message.header.size = (uint32_t)size;
			message.header.opcode = (uint16_t)(round % 13);
			message.header.zero16 = 0;
			message.header.zero32 = 0;
		}
		raw_send(fd, &message, size);
		raw_expect_error(fd, CONTIG_MSG_R_MALFORMED, &message);
		raw_expect_end(fd);
		(void)fd_close(fd);
	}
}
END_TEST

START_TEST(no_common_version)
{
	int fd = raw_connect(process.socket);

	raw_prepare(&message, CONTIG_MSG_HELLO, 7);
	message.hello.version_min = CONTIG_PROTOCOL_VERSION + 1;
	message.hello.version_max = CONTIG_PROTOCOL_VERSION + 5;
	raw_send(fd, &message, message.header.size);
	raw_expect_error(fd, CONTIG_MSG_R_VERSION, &message);
	ck_assert_uint_eq(message.header.serial, 7);
	raw_expect_end(fd);
	(void)fd_close(fd);
}
END_TEST

START_TEST(value_out_of_range_ends_nothing)
{
	int fd = raw_open(process.socket);

	raw_prepare_alloc(&message, 2, 0, 1);
	raw_send(fd, &message, message.header.size);
	raw_expect_error(fd, CONTIG_MSG_R_ARGUMENT, &message);
	ck_assert_uint_eq(message.header.serial, 2);
	raw_prepare_alloc(&message, 3, MIB, CONTIG_MSG_MAX_BUFFERS + 1);
	raw_send(fd, &message, message.header.size);
	raw_expect_error(fd, CONTIG_MSG_R_ARGUMENT, &message);
	raw_prepare(&message, CONTIG_MSG_STATUS, 4);
	raw_send(fd, &message, message.header.size);
	ck_assert_uint_eq(raw_receive(fd, &message, NULL),
			  sizeof(message.status_reply));
	(void)fd_close(fd);
}
END_TEST

/* ---- descriptors -------------------------------------------------------- */

START_TEST(descriptors_are_never_taken)
{
	int fd = raw_open(process.socket);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r;

	raw_prepare(&message, CONTIG_MSG_STATUS, 2);
	r = channel_send(fd, &message, message.header.size, &null, 1);
	if (r == 0) {
		/* before Linux 6.16: the daemon finds out */
		raw_expect_error(fd, CONTIG_MSG_R_MALFORMED, &message);
		raw_expect_end(fd);
	} else {
		ck_assert_int_eq(r, -EPERM);
	}
	(void)fd_close(null);
	(void)fd_close(fd);
}
END_TEST

/* ---- those who do not read ---------------------------------------------- */

START_TEST(unread_answer_holds_up_the_next)
{
	enum {
		N = 50
	};
	int fd = raw_open(process.socket);
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;

	for (uint32_t i = 0; i < N; i++) {
		raw_prepare_alloc(&message, i + 2, 4096, CONTIG_MSG_MAX_BUFFERS);
		raw_send(fd, &message, message.header.size);
	}
	/* others are served, and see one answer of the slow one and no more */
	request.size_bytes = MIB;
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(contig_alloc(witness, &request, &buffer, NULL),
				 0);
		ck_assert_uint_le(status().buffers, CONTIG_MSG_MAX_BUFFERS + 1);
		(void)contig_release(buffer);
	}
	for (uint32_t i = 0; i < N; i++) {
		struct channel_fds fds = CHANNEL_FDS_INIT;

		ck_assert_uint_gt(raw_receive(fd, &message, &fds), 0);
		ck_assert_uint_eq(message.header.opcode,
				  CONTIG_MSG_ALLOC | CONTIG_MSG_REPLY);
		ck_assert_uint_eq(message.header.serial, i + 2);
		ck_assert_uint_eq(fds.count, CONTIG_MSG_MAX_BUFFERS);
		channel_fds_close(&fds);
	}
	(void)fd_close(fd);
}
END_TEST

START_TEST(unread_lists_fill_the_socket_and_nothing_else)
{
	int fd = raw_open(process.socket);
	uint32_t asked = 0, answered = 0;

	raw_prepare(&message, CONTIG_MSG_OCCUPANCY, 0);
	message.occupancy.region_id = 1;
	message.occupancy.cells = CONTIG_MSG_MAX_CELLS;
	for (;;) { /* until our own send buffer is full */
		message.header.serial = asked + 2;
		if (send(fd, &message, message.header.size, MSG_DONTWAIT) < 0)
			break;
		asked++;
	}
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_uint_eq(status().clients, 2);
	while (answered < asked) {
		ck_assert_uint_gt(raw_receive(fd, &message, NULL), 0);
		ck_assert_uint_eq(message.header.serial, ++answered + 1);
	}
	(void)fd_close(fd);
}
END_TEST

/* ---- those who die ------------------------------------------------------- */

static void send_and_go(int fd_consume, uint64_t size_bytes, uint32_t count)
{
	raw_prepare_alloc(&message, 2, size_bytes, count);
	raw_send(fd_consume, &message, message.header.size);
	(void)fd_close(fd_consume);
}

/* In every state that a connection has. */
START_TEST(gone_in_every_state)
{
	for (int round = 0; round < 50; round++) {
		int fd;

		(void)fd_close(raw_connect(process.socket));
		(void)fd_close(raw_open(process.socket));
		send_and_go(raw_connect(process.socket), MIB, 1);
		send_and_go(raw_open(process.socket), 4096,
			    CONTIG_MSG_MAX_BUFFERS);
		/* refused, after having waited */
		send_and_go(raw_open(process.socket), 65 * MIB, 1);
		send_and_go(raw_open(process.socket), 33 * MIB, 2);

		/* with the answer unread, and the next request waiting */
		fd = raw_open(process.socket);
		raw_prepare_alloc(&message, 2, 4096, 1);
		raw_send(fd, &message, message.header.size);
		raw_prepare(&message, CONTIG_MSG_STATUS, 3);
		raw_send(fd, &message, message.header.size);
		send_and_go(fd, 8192, 3);
	}
}
END_TEST

START_TEST(gone_while_parked)
{
	int holder = raw_open(process.socket);
	struct channel_fds fds = CHANNEL_FDS_INIT;

	raw_prepare_alloc(&message, 2, 64 * MIB, 1);
	raw_send(holder, &message, message.header.size);
	ck_assert_uint_gt(raw_receive(holder, &message, &fds), 0);
	ck_assert_uint_eq(fds.count, 1);
	/* with something unread as well: the kernel reports that differently */
	for (int round = 0; round < 50; round++) {
		int fd = raw_open(process.socket);

		if (round % 2) {
			raw_prepare(&message, CONTIG_MSG_STATUS, 5);
			raw_send(fd, &message, message.header.size);
		}
		send_and_go(fd, 64 * MIB, 1);
	}
	channel_fds_close(&fds);
	(void)fd_close(holder);
}
END_TEST

static void die_holding(int round)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[8];
	struct contig *own;
	void *map;

	request.size_bytes = 64 * 1024;
	if (contig_open(&own, process.socket) != 0 ||
	    contig_alloc_many(own, &request, 8, buffers, NULL) != 0 ||
	    contig_map(buffers[0], CONTIG_WRITE, &map) != 0)
		_exit(1);
	memset(map, round, 64 * 1024);
	(void)raise(SIGKILL);
}

START_TEST(killed_processes_leave_nothing)
{
	for (int round = 0; round < 20; round++) {
		pid_t children[4];
		int code;

		for (int i = 0; i < 4; i++) {
			children[i] = fork();
			if (children[i] == 0)
				die_holding(round);
		}
		for (int i = 0; i < 4; i++) {
			ck_assert_int_eq(waitpid(children[i], &code, 0),
					 children[i]);
			ck_assert(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL);
		}
	}
}
END_TEST

/* ---- many ---------------------------------------------------------------- */

START_TEST(a_thousand_connections)
{
	enum {
		N = 1000
	};
	struct rlimit limit;
	int *fds;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < 8 * N) /* a quarter is for clients, half of them
				       for one user */
		return;
	fds = calloc(N, sizeof(*fds));
	ck_assert_ptr_nonnull(fds);
	for (int i = 0; i < N; i++)
		fds[i] = raw_open(process.socket);
	ck_assert_uint_eq(status().clients, N + 1);
	for (int i = 0; i < N; i++) {
		struct channel_fds got = CHANNEL_FDS_INIT;

		raw_prepare_alloc(&message, 2, 4096, 1);
		raw_send(fds[i], &message, message.header.size);
		ck_assert_uint_gt(raw_receive(fds[i], &message, &got), 0);
		ck_assert_uint_eq(got.count, 1);
		channel_fds_close(&got);
	}
	for (int i = 0; i < N; i++)
		(void)fd_close(fds[i]);
	free(fds);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attacks");
	TCase *tcase = harness_case(suite, "attacks");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, malformed_messages_end_the_connection);
	tcase_add_test(tcase, empty_datagram_is_a_good_bye);
	tcase_add_test(tcase, too_long_is_told);
	tcase_add_test(tcase, noise);
	tcase_add_test(tcase, no_common_version);
	tcase_add_test(tcase, value_out_of_range_ends_nothing);
	tcase_add_test(tcase, descriptors_are_never_taken);
	tcase_add_test(tcase, unread_answer_holds_up_the_next);
	tcase_add_test(tcase, unread_lists_fill_the_socket_and_nothing_else);
	tcase_add_test(tcase, gone_in_every_state);
	tcase_add_test(tcase, gone_while_parked);
	tcase_add_test(tcase, killed_processes_leave_nothing);
	tcase_add_test(tcase, a_thousand_connections);
	return harness_run(suite);
}
