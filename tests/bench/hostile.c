/* SPDX-License-Identifier: MIT */
#include "tests/bench/hostile.h"

#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/channel.h"
#include "tests/integration/raw.h"
#include "tests/lingering.h"
#include "util/fd.h"

/*
 * One function an attack.  What they have in common is that they never do what
 * a client should, so they speak the protocol themselves, without waiting for
 * answers where waiting would be polite, and that nothing that goes wrong for
 * them ends them: being refused is what they are here for.
 */

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)

#define SLOW_READERS 16
#define FLOODERS     8
#define TINY_BUFFERS 4096

const char *const hostile_options[] = {"--simulate", "128M", NULL};

static union message message;
static struct contig *contig;
static int fds[4096];
static size_t n_fds;

static int greet(const char *socket)
{
	int fd = channel_connect(socket);

	if (fd < 0)
		return fd;
	raw_prepare(&message, CONTIG_MSG_HELLO, 1);
	message.hello.version_min = CONTIG_PROTOCOL_VERSION;
	message.hello.version_max = CONTIG_PROTOCOL_VERSION;
	(void)channel_send(fd, &message, message.header.size, NULL, 0);
	return fd;
}

static void connect_library(const char *socket)
{
	if (contig_open(&contig, socket) < 0)
		_exit(1);
}

static struct contig_buffer *borrow(uint64_t size_bytes, uint64_t align_bytes)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;

	request.size_bytes = size_bytes;
	request.align_bytes = align_bytes;
	return contig_alloc(contig, &request, &buffer, NULL) == 0 ? buffer
								  : NULL;
}

/* ---- slow readers ---- */

static void prepare_slow_readers(const char *socket)
{
	for (n_fds = 0; n_fds < SLOW_READERS; n_fds++)
		fds[n_fds] = greet(socket);
}

static void ask_without_reading(const char *socket)
{
	size_t full = 0;

	(void)socket;
	raw_prepare_alloc(&message, 2, 4 * KIB, 1);
	for (size_t i = 0; i < n_fds; i++)
		if (channel_send(fds[i], &message, message.header.size, NULL,
				 0) == -EAGAIN)
			full++;
	if (full == n_fds)
		(void)usleep(100);
}

/* ---- descriptors in messages ---- */

static struct lingering lingering;

static void send_descriptors(const char *socket, int what_fd, int n)
{
	int fd = greet(socket), many[CONTIG_MSG_MAX_BUFFERS];

	if (fd < 0)
		return;
	for (int i = 0; i < n; i++)
		many[i] = what_fd;
	raw_prepare(&message, CONTIG_MSG_STATUS, 2);
	(void)channel_send(fd, &message, message.header.size, many, (size_t)n);
	(void)fd_close(fd);
}

static void prepare_lingering(const char *socket)
{
	(void)socket;
	lingering_init(&lingering);
}

static void send_lingering(const char *socket)
{
	send_descriptors(socket, lingering.fd, 1);
}

static void send_many(const char *socket)
{
	send_descriptors(socket, STDERR_FILENO, CONTIG_MSG_MAX_BUFFERS);
}

/* ---- connections ---- */

static void hold_connections(const char *socket)
{
	while (n_fds < sizeof(fds) / sizeof(fds[0])) {
		int fd = channel_connect(socket);

		if (fd < 0)
			break;
		fds[n_fds++] = fd;
	}
}

static void connect_and_go(const char *socket)
{
	int fd = channel_connect(socket);

	(void)fd_close(fd);
}

/* ---- messages ---- */

static void send_nonsense(const char *socket)
{
	int fd = channel_connect(socket);

	if (fd < 0)
		return;
	(void)send(fd, "nonsense", 8, MSG_NOSIGNAL);
	(void)fd_close(fd);
}

static void prepare_flood(const char *socket)
{
	for (n_fds = 0; n_fds < FLOODERS; n_fds++)
		fds[n_fds] = greet(socket);
}

static void flood(const char *socket)
{
	(void)socket;
	raw_prepare(&message, CONTIG_MSG_STATUS, 2);
	for (size_t i = 0; i < n_fds; i++)
		(void)channel_send(fds[i], &message, message.header.size, NULL,
				   0);
	for (size_t i = 0; i < n_fds; i++) {
		size_t size;

		while (channel_receive(fds[i], &message, sizeof(message),
				       &size) == 0)
			;
	}
}

/* ---- memory ---- */

static void prepare_tiny(const char *socket)
{
	static struct contig_buffer *tiny[TINY_BUFFERS];

	connect_library(socket);
	for (size_t i = 0; i < TINY_BUFFERS; i++)
		tiny[i] = borrow(4 * KIB, 0);
	for (size_t i = 0; i < TINY_BUFFERS; i += 2)
		if (tiny[i])
			(void)contig_release(tiny[i]);
}

static void ask_large_and_aligned(const char *socket)
{
	struct contig_buffer *buffer = borrow(120 * MIB, 64 * MIB);

	(void)socket;
	if (buffer)
		(void)contig_release(buffer);
}

static void soil_much(const char *socket)
{
	struct contig_buffer *buffer = borrow(32 * MIB, 0);
	void *bytes;

	(void)socket;
	if (!buffer)
		return;
	if (contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &bytes) == 0)
		memset(bytes, 1, 32 * MIB);
	(void)contig_release(buffer);
}

static void shrink_it(const char *socket)
{
	struct contig_buffer *buffer = borrow(MIB, 0);

	(void)socket;
	if (!buffer)
		return;
	for (int i = 0; i < 16; i++)
		(void)!ftruncate(contig_fd(buffer), 0);
	(void)contig_release(buffer);
}

static void open_and_close_it(const char *socket)
{
	static struct contig_buffer *buffer;

	(void)socket;
	if (!buffer)
		buffer = borrow(MIB, 0);
	if (buffer)
		(void)fd_close(fd_reopen(contig_fd(buffer), O_RDWR));
}

/* A mapping outlives its connection, and ends unsaid. */
static void leave_a_mapping(const char *socket)
{
	struct contig_buffer *buffer;
	void *bytes = MAP_FAILED;

	connect_library(socket);
	buffer = borrow(MIB, 0);
	if (buffer) {
		bytes = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED,
			     contig_fd(buffer), 0);
		(void)contig_release(buffer);
	}
	contig = contig_close(contig);
	if (bytes != MAP_FAILED)
		(void)munmap(bytes, MIB);
}

static void be_killed(const char *socket)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd = greet(socket);

		raw_prepare_alloc(&message, 2, 64 * KIB, 8);
		(void)channel_send(fd, &message, message.header.size, NULL, 0);
		(void)kill(getpid(), SIGKILL);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

/* ---- no attack: what the machine makes of one busy process more ---- */

static void be_busy_elsewhere(const char *socket)
{
	(void)socket;
	for (int i = 0; i < 100; i++)
		(void)getppid();
}

const struct hostile hostiles[] = {
	{"control: is busy elsewhere", NULL, be_busy_elsewhere},
	{"asks for buffers and never reads", prepare_slow_readers,
	 ask_without_reading},
	{"sends a descriptor that lingers", prepare_lingering, send_lingering},
	{"sends many descriptors", NULL, send_many},
	{"takes every place", NULL, hold_connections},
	{"connects and goes", NULL, connect_and_go},
	{"sends nonsense", NULL, send_nonsense},
	{"floods with requests", prepare_flood, flood},
	{"tiny buffers, then large aligned requests", prepare_tiny,
	 ask_large_and_aligned},
	{"makes much to be zeroed", connect_library, soil_much},
	{"truncates what it was lent", connect_library, shrink_it},
	{"opens and closes what it was lent", connect_library,
	 open_and_close_it},
	{"leaves mappings behind", NULL, leave_a_mapping},
	{"is killed between request and answer", NULL, be_killed},
};

const size_t n_hostiles = sizeof(hostiles) / sizeof(hostiles[0]);

void hostile_run(const struct hostile *hostile, const char *socket, int began_fd)
{
	(void)signal(SIGPIPE, SIG_IGN);
	if (hostile->prepare)
		hostile->prepare(socket);
	hostile->once(socket);
	if (write(began_fd, "", 1) != 1)
		_exit(1);
	for (;;)
		hostile->once(socket);
}
