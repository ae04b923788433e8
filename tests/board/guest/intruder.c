/* SPDX-License-Identifier: MIT */

/*
 * intruder ID DEVICE INODE PID FD: another user who wants to see or change a
 * buffer that is not his.
 *
 * He knows more than he should: the buffer's id, the device and inode of its
 * descriptor, the owner's process and the number of the descriptor there.  He
 * speaks the protocol himself, so that no politeness of the library protects
 * the daemon.  What he lacks are the descriptor and the token.  Each attempt is
 * a line; the last line is "ok" with their number, or "no" with the one that
 * succeeded.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/message.h"

struct victim {
	uint64_t id;
	uint64_t device;
	uint64_t inode;
	pid_t pid;
	int fd;
};

static union {
	struct contig_msg_header header;
	struct contig_msg_error error;
	struct {
		struct contig_msg_list_reply list;
		struct contig_msg_buffer entries[64];
	} buffers;
	struct {
		struct contig_msg_list_reply list;
		struct contig_msg_client entries[64];
	} clients;
	uint8_t bytes[CONTIG_MSG_MAX_BYTES];
} reply;

static unsigned int attempts;
static uint32_t serial;

/* Counts one attempt; a success is the end of the test. */
__attribute__((format(printf, 2, 3))) static void tried(int refused,
							const char *format, ...)
{
	va_list args;

	attempts++;
	va_start(args, format);
	printf(refused ? "refused: " : "no ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	if (!refused)
		exit(1);
}

static int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("CONTIG_SOCKET");
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 path ? path : "/run/contigd/contigd.sock");
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		err(1, "connecting");
	return fd;
}

static void tell(int fd, void *message, size_t size, uint16_t opcode)
{
	struct contig_msg_header *header = message;

	header->size = (uint32_t)size;
	header->opcode = opcode;
	header->serial = ++serial;
	if (send(fd, message, size, MSG_NOSIGNAL) != (ssize_t)size)
		err(1, "sending");
}

/* Sends a request and waits for the reply; the opcode of the reply. */
static unsigned int ask(int fd, void *message, size_t size, uint16_t opcode)
{
	tell(fd, message, size, opcode);

	ssize_t n = recv(fd, &reply, sizeof(reply), 0);

	if (n < (ssize_t)sizeof(reply.header))
		errx(1, "the daemon hung up at opcode %u", opcode);
	return reply.header.opcode;
}

static void say_hello(int fd)
{
	struct contig_msg_hello hello = {
		.version_min = CONTIG_PROTOCOL_VERSION,
		.version_max = CONTIG_PROTOCOL_VERSION,
	};

	if (ask(fd, &hello, sizeof(hello), CONTIG_MSG_HELLO) !=
	    (CONTIG_MSG_HELLO | CONTIG_MSG_REPLY))
		errx(1, "the daemon did not greet back");
}

/* CPU access moves bytes in and out of the owner's buffer: by a token only. */
static void try_cpu_access(int fd, const struct victim *victim)
{
	const uint64_t tokens[] = {0, 1, UINT64_MAX, victim->id, victim->inode};

	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		struct contig_msg_cpu cpu = {
			.buffer_id = victim->id,
			.token = tokens[i],
			.length_bytes = 4096,
			.flags = CONTIG_MSG_READ | CONTIG_MSG_WRITE,
		};

		tried(ask(fd, &cpu, sizeof(cpu), CONTIG_MSG_CPU_BEGIN) ==
			      CONTIG_MSG_ERROR,
		      "CPU access with token %#" PRIx64, tokens[i]);
		tried(ask(fd, &cpu, sizeof(cpu), CONTIG_MSG_CPU_END) ==
			      CONTIG_MSG_ERROR,
		      "end of CPU access with token %#" PRIx64, tokens[i]);
	}
}

/* An inode can be guessed; the daemon does not even say that it knows it. */
static void try_to_describe(int fd, const struct victim *victim)
{
	struct contig_msg_describe describe = {.device = victim->device,
					       .inode = victim->inode};
	const uint64_t tokens[] = {0, 1, UINT64_MAX, victim->id, victim->inode};

	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		describe.token = tokens[i];
		tried(ask(fd, &describe, sizeof(describe),
			  CONTIG_MSG_DESCRIBE) == CONTIG_MSG_ERROR,
		      "a description with token %#" PRIx64, tokens[i]);
	}
}

/* The lists have what is of his own uid and nothing else. */
static void try_lists(int fd)
{
	struct contig_msg_list list = {.after = 0};
	unsigned int others = 0;

	if (ask(fd, &list, sizeof(list), CONTIG_MSG_LIST_BUFFERS) !=
	    (CONTIG_MSG_LIST_BUFFERS | CONTIG_MSG_REPLY))
		errx(1, "the daemon lists no buffers");
	for (uint32_t i = 0; i < reply.buffers.list.count; i++)
		others += reply.buffers.entries[i].owner_uid != getuid();
	tried(others == 0, "others' buffers in the list");

	if (ask(fd, &list, sizeof(list), CONTIG_MSG_LIST_CLIENTS) !=
	    (CONTIG_MSG_LIST_CLIENTS | CONTIG_MSG_REPLY))
		errx(1, "the daemon lists no clients");
	for (uint32_t i = 0; i < reply.clients.list.count; i++)
		others += reply.clients.entries[i].uid != getuid();
	tried(others == 0, "others in the list of clients");
}

/* Past the daemon: through the owner's process and the kernel. */
static void try_process(const struct victim *victim)
{
	char path[64], target[256];
	struct iovec local = {target, sizeof(target)};
	struct iovec remote = {(void *)0x400000, sizeof(target)};

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)victim->pid,
		 victim->fd);
	tried(readlink(path, target, sizeof(target)) < 0, "readlink %s", path);
	tried(open(path, O_RDWR | O_CLOEXEC) < 0, "opening %s", path);

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)victim->pid);
	tried(open(path, O_RDWR | O_CLOEXEC) < 0, "opening %s", path);
	snprintf(path, sizeof(path), "/proc/%d/map_files", (int)victim->pid);
	tried(open(path, O_RDONLY | O_CLOEXEC) < 0, "opening %s", path);

	int pidfd = (int)syscall(SYS_pidfd_open, victim->pid, 0);

	tried(pidfd < 0 || syscall(SYS_pidfd_getfd, pidfd, victim->fd, 0) < 0,
	      "taking the descriptor by pidfd_getfd");
	tried(process_vm_readv(victim->pid, &local, 1, &remote, 1, 0) < 0,
	      "reading the process's memory");
	tried(ptrace(PTRACE_SEIZE, victim->pid, NULL, NULL) < 0, "ptrace");
}

static void try_devices(void)
{
	tried(open("/dev/mem", O_RDWR | O_CLOEXEC) < 0, "opening /dev/mem");
	tried(open("/dev/udmabuf", O_RDWR | O_CLOEXEC) < 0,
	      "opening /dev/udmabuf");
}

int main(int argc, char **argv)
{
	if (argc != 6)
		errx(2, "usage: intruder ID DEVICE INODE PID FD");

	struct victim victim = {
		.id = strtoull(argv[1], NULL, 0),
		.device = strtoull(argv[2], NULL, 0),
		.inode = strtoull(argv[3], NULL, 0),
		.pid = (pid_t)strtol(argv[4], NULL, 0),
		.fd = (int)strtol(argv[5], NULL, 0),
	};
	struct contig_msg_release release = {.buffer_id = victim.id};
	struct contig_msg_plain status = {0};
	int fd = dial();

	say_hello(fd);
	try_cpu_access(fd, &victim);
	try_to_describe(fd, &victim);
	try_lists(fd);
	/* a hint at most, without an answer: whether it did harm, the owner's
	 * bytes will tell, once the daemon has answered what came behind it */
	tell(fd, &release, sizeof(release), CONTIG_MSG_RELEASE);
	(void)ask(fd, &status, sizeof(status), CONTIG_MSG_STATUS);
	attempts++;
	try_process(&victim);
	try_devices();
	close(fd);
	printf("ok %u attempts\n", attempts);
	return 0;
}
