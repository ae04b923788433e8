/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/raw.h"
#include "util/fd.h"

/*
 * Ten thousand clients are killed, in every state that the protocol has: the
 * daemon must be afterwards as it was before, in descriptors, granules and
 * memory.
 *
 * A client is a connection; many of them share a process and die in the same
 * instant, as when a session ends, and some have one of their own.  They are
 * ended by SIGKILL, so that nothing is said, closed or unmapped but by the
 * kernel.  CONTIG_KILLED_CLIENTS sets their number.
 */

#define CLIENTS	       10000
#define VALGRIND_SHARE 20 /* of them, where every process is simulated */
#define PER_PROCESS    100
#define MAX_PROCESSES  15 /* at once ... */
#define FILES_PER_PROCESS                                     \
	1300 /* ... of which each takes so many of those that \
		the daemon may open */
#define MIB	   (UINT64_C(1) << 20)
#define BUFFERS	   8
/* What malloc may keep of memory that was given back. */
#define GROWTH_KIB 512

static struct daemon process;
static struct contig *contig;
static struct contig_buffer *held; /* what makes a full region fuller */

/* ---- the states ----------------------------------------------------------- */

static uint16_t const opcodes[] = {
	CONTIG_MSG_STATUS,	 CONTIG_MSG_LIST_BACKENDS,
	CONTIG_MSG_LIST_REGIONS, CONTIG_MSG_LIST_BUFFERS,
	CONTIG_MSG_LIST_CLIENTS, CONTIG_MSG_OCCUPANCY,
	CONTIG_MSG_ALLOC,	 CONTIG_MSG_DESCRIBE,
	CONTIG_MSG_CPU_BEGIN,	 CONTIG_MSG_CPU_END,
	CONTIG_MSG_CHECK,	 CONTIG_MSG_RELEASE,
};
#define N_OPCODES (sizeof(opcodes) / sizeof(opcodes[0]))

/* A valid request; those about a buffer are about one that is not there. */
static void send_request(int fd, uint16_t opcode)
{
	union message message;

	raw_prepare(&message, opcode, 2);
	switch (opcode) {
	case CONTIG_MSG_OCCUPANCY:
		message.occupancy.region_id = 1;
		message.occupancy.cells = CONTIG_MSG_MAX_CELLS;
		break;
	case CONTIG_MSG_ALLOC:
		message.alloc.size_bytes = 4096;
		message.alloc.count = BUFFERS;
		break;
	case CONTIG_MSG_DESCRIBE:
		message.describe.device = 1;
		message.describe.inode = 1;
		break;
	case CONTIG_MSG_CPU_BEGIN:
	case CONTIG_MSG_CPU_END:
		message.cpu.buffer_id = 1;
		message.cpu.length_bytes = 1;
		message.cpu.flags = CONTIG_MSG_READ;
		break;
	default:
		break;
	}
	raw_send(fd, &message, message.header.size);
}

/* An answer is there, and stays in the socket. */
static void await_answer(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
}

static void say_hello(int fd)
{
	union message message;

	raw_prepare(&message, CONTIG_MSG_HELLO, 1);
	message.hello.version_min = 1;
	message.hello.version_max = CONTIG_PROTOCOL_VERSION;
	raw_send(fd, &message, message.header.size);
}

/* Receives the buffers of an ALLOC. */
static void receive_buffers(int fd, union message *message,
			    struct channel_fds *fds)
{
	send_request(fd, CONTIG_MSG_ALLOC);
	ck_assert_uint_gt(raw_receive(fd, message, fds), 0);
	ck_assert_uint_eq(fds->count, BUFFERS);
}

static void connected(void)
{
	(void)raw_connect(process.socket);
}

static void greeting(void)
{
	say_hello(raw_connect(process.socket));
}

static void greeted(void)
{
	int fd = raw_connect(process.socket);

	say_hello(fd);
	await_answer(fd);
}

static void refused(void)
{
	int fd = raw_connect(process.socket);

	send_request(fd, CONTIG_MSG_STATUS); /* without HELLO */
	await_answer(fd);
}

static void holding(void)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	union message message;

	receive_buffers(raw_open(process.socket), &message, &fds);
}

static void mapping(void)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	union message message;

	receive_buffers(raw_open(process.socket), &message, &fds);
	for (size_t i = 0; i < fds.count; i++) {
		void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				 fds.fds[i], 0);

		ck_assert_ptr_ne(map, MAP_FAILED);
		memset(map, 0x5a, 4096);
	}
	channel_fds_close(&fds);
}

/* The descriptors are in the queue of a socket that nobody reads. */
static void handing_on(void)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	union message message;
	int pair[2];

	receive_buffers(raw_open(process.socket), &message, &fds);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(channel_send(pair[0], "x", 1, fds.fds, fds.count), 0);
	channel_fds_close(&fds);
}

/* All of the region is wanted while a part is lent: the daemon looks whether
 * that has come back. */
static void parked(void)
{
	int fd = raw_open(process.socket);
	union message message;

	raw_prepare_alloc(&message, 2, 64 * MIB, 1);
	raw_send(fd, &message, message.header.size);
}

static void accessing(void)
{
	struct channel_fds fds = CHANNEL_FDS_INIT;
	int fd = raw_open(process.socket);
	struct contig_msg_buffer buffer;
	union message message;

	receive_buffers(fd, &message, &fds);
	memcpy(&buffer, message.bytes + sizeof(message.list_reply),
	       sizeof(buffer));
	raw_prepare(&message, CONTIG_MSG_CPU_BEGIN, 3);
	message.cpu.buffer_id = buffer.id;
	message.cpu.token = buffer.token;
	message.cpu.length_bytes = 4096;
	message.cpu.flags = CONTIG_MSG_READ | CONTIG_MSG_WRITE;
	raw_send(fd, &message, message.header.size);
	ck_assert_uint_eq(raw_receive(fd, &message, NULL),
			  sizeof(message.header));
}

/* One page of a list was read, the next one waits. */
static void paging(void)
{
	int fd = raw_open(process.socket);
	union message message;

	for (int i = 0; i < 2; i++) {
		struct channel_fds fds = CHANNEL_FDS_INIT;

		raw_prepare_alloc(&message, 2, 4096, CONTIG_MSG_MAX_BUFFERS);
		raw_send(fd, &message, message.header.size);
		ck_assert_uint_gt(raw_receive(fd, &message, &fds), 0);
	}
	send_request(fd, CONTIG_MSG_LIST_BUFFERS);
	ck_assert_uint_gt(raw_receive(fd, &message, NULL), 0);
	ck_assert_uint_eq(message.list_reply.more, 1);
	send_request(fd, CONTIG_MSG_LIST_BUFFERS);
	await_answer(fd);
}

/* Asks until no more goes, and reads nothing. */
static void deaf(void)
{
	int fd = raw_open(process.socket);
	union message message;

	raw_prepare(&message, CONTIG_MSG_LIST_BACKENDS, 2);
	while (channel_send(fd, &message, message.header.size, NULL, 0) == 0)
		;
}

static void (*const states[])(void) = {
	connected,  greeting, greeted,	 refused, holding, mapping,
	handing_on, parked,   accessing, paging,  deaf,
};
#define N_STATES (sizeof(states) / sizeof(states[0]))

/* Brings one more client into a state; each request is one that is sent only,
 * and one whose answer is there and unread. */
static void enter(unsigned int number)
{
	unsigned int state = number % (N_STATES + 2 * N_OPCODES);
	uint16_t opcode;
	int fd;

	if (state < N_STATES) {
		states[state]();
		return;
	}
	state -= N_STATES;
	opcode = opcodes[state / 2];
	fd = raw_open(process.socket);
	send_request(fd, opcode);
	if (state % 2 && opcode != CONTIG_MSG_RELEASE)
		await_answer(fd);
}

/* ---- the tests ------------------------------------------------------------ */

static unsigned int wanted_clients(void)
{
	const char *text = getenv("CONTIG_KILLED_CLIENTS");
	unsigned int n = text ? (unsigned int)strtoul(text, NULL, 10) : CLIENTS;

	return harness_is_valgrind() ? n / VALGRIND_SHARE : n;
}

static unsigned int clients_at_once(void)
{
	struct rlimit limit;
	rlim_t processes;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	processes = limit.rlim_max / FILES_PER_PROCESS;
	if (processes < 1)
		processes = 1;
	return PER_PROCESS * (unsigned int)(processes > MAX_PROCESSES
						    ? MAX_PROCESSES
						    : processes);
}

static int all_is_back(void *data)
{
	struct contig_status status;

	(void)data;
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	return status.clients == 1 && status.buffers == 1 &&
	       status.lent_bytes == MIB && status.draining_bytes == 0 &&
	       status.dirty_bytes == 0 && status.free_bytes == 63 * MIB;
}

static int has_open(void *data)
{
	return daemon_count_fds(&process) == *(const int *)data;
}

/* The daemon's own memory, without what it shares. */
static long read_anonymous_kib(void)
{
	char path[64], *text, *line;
	size_t length;
	long kib;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)process.pid);
	ck_assert_int_eq(fd_read_file(path, 1 << 16, &text, &length), 0);
	line = strstr(text, "RssAnon:");
	ck_assert_ptr_nonnull(line);
	kib = strtol(line + strlen("RssAnon:"), NULL, 10);
	free(text);
	return kib;
}

static void before(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;

	daemon_start_countable(&process);
	ck_assert_int_eq(contig_open(&contig, process.socket), 0);
	request.size_bytes = MIB;
	ck_assert_int_eq(contig_alloc(contig, &request, &held, NULL), 0);
	ck_assert_int_eq(all_is_back(NULL), 1);
}

static void after(void)
{
	held = contig_release(held);
	contig = contig_close(contig);
	daemon_stop(&process);
}

/* Where processes wait for each other before they die. */
struct gate {
	int go[2];
	int ready[2];
};

static void wait_at(struct gate *gate)
{
	char byte = 'r';

	(void)close(gate->go[1]);
	if (write(gate->ready[1], &byte, 1) != 1 ||
	    read(gate->go[0], &byte, 1) != 0)
		_exit(1);
}

/* A process of n clients, which then kills itself; at the gate, if any. */
static pid_t fork_clients(unsigned int first, unsigned int n, struct gate *gate)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	for (unsigned int i = 0; i < n; i++)
		enter(first + i);
	if (gate)
		wait_at(gate);
	(void)kill(getpid(), SIGKILL);
	_exit(1);
}

static void expect_killed(pid_t pid)
{
	int code;

	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert_msg(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL,
		      "a client failed before it was killed: 0x%x",
		      (unsigned int)code);
}

static void kill_at_once(unsigned int first, unsigned int n)
{
	pid_t pids[MAX_PROCESSES];
	struct gate gate;
	int processes = 0;

	ck_assert_int_eq(pipe2(gate.go, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(gate.ready, O_CLOEXEC), 0);
	for (unsigned int done = 0; done < n; done += PER_PROCESS)
		pids[processes++] = fork_clients(
			first + done,
			n - done < PER_PROCESS ? n - done : PER_PROCESS, &gate);
	gate.ready[1] = fd_close(gate.ready[1]);
	for (int i = 0; i < processes; i++) {
		char byte;

		ck_assert_msg(read(gate.ready[0], &byte, 1) == 1,
			      "a client failed");
	}
	(void)fd_close(gate.go[1]);
	for (int i = 0; i < processes; i++)
		expect_killed(pids[i]);
	(void)fd_close(gate.go[0]);
	(void)fd_close(gate.ready[0]);
}

START_TEST(nothing_is_left_of_killed_clients)
{
	unsigned int wanted = wanted_clients(), killed = 0;
	unsigned int at_once = clients_at_once();
	int fds = daemon_count_fds(&process);
	long first_kib = 0;

	while (killed < wanted) {
		unsigned int n = wanted - killed;

		if (n > at_once)
			n = at_once;
		kill_at_once(killed, n);
		killed += n;
		daemon_wait(all_is_back, NULL, 60000);
		daemon_wait(has_open, &fds, 60000);
		if (!first_kib)
			first_kib = read_anonymous_kib();
	}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* which have memory of their own */
	ck_assert_int_le(read_anonymous_kib(), first_kib + GROWTH_KIB);
#endif
}
END_TEST

/* Each dies as soon as it has said what it has to say. */
START_TEST(nothing_is_left_of_single_clients)
{
	unsigned int wanted = wanted_clients() / 10;
	int fds = daemon_count_fds(&process);

	for (unsigned int killed = 0; killed < wanted; killed++)
		expect_killed(fork_clients(killed, 1, NULL));
	daemon_wait(all_is_back, NULL, 60000);
	daemon_wait(has_open, &fds, 60000); /* it closes in its own time */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("killed clients");
	TCase *tcase = harness_case(suite, "killed clients");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, nothing_is_left_of_killed_clients);
	tcase_add_test(tcase, nothing_is_left_of_single_clients);
	return harness_run(suite);
}
