/* SPDX-License-Identifier: MIT */
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

#include "tests/harness.h"
#include "tests/holder.h"
#include "tests/integration/daemon.h"

/*
 * A buffer's life over the real socket: it is lent zeroed, it can be handed on,
 * it stays for as long as anybody holds it in any way, and then it is back.
 */

#define MIB (UINT64_C(1) << 20)

static struct daemon daemon_process;
static struct contig *contig;

static void before(void)
{
	daemon_start_simulated(&daemon_process);
	ck_assert_int_eq(contig_open(&contig, daemon_process.socket), 0);
}

static void after(void)
{
	contig = contig_close(contig);
	daemon_stop(&daemon_process);
}

static struct contig_buffer *alloc(uint64_t size_bytes)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure;
	struct contig_buffer *buffer;
	int r;

	request.size_bytes = size_bytes;
	request.name = "test";
	r = contig_alloc(contig, &request, &buffer, &failure);
	ck_assert_msg(r == 0, "%s", r < 0 ? failure.text : "");
	return buffer;
}

static struct contig_status status(void)
{
	struct contig_status now;

	ck_assert_int_eq(contig_get_status(contig, &now), 0);
	return now;
}

/* Everything is back and clean. */
static int all_is_back(void *data)
{
	struct contig_status now = status();

	(void)data;
	return now.free_bytes == now.total_bytes && now.buffers == 0 &&
	       now.dirty_bytes == 0;
}

static int is_draining(void *data)
{
	(void)data;
	return status().draining_bytes == MIB;
}

START_TEST(whole_life)
{
	struct contig_buffer *buffer = alloc(MIB + 1);
	struct contig_buffer_info info;
	struct contig_status now = status();
	unsigned char *bytes;
	void *map;

	ck_assert_uint_eq(contig_size(buffer), MIB + 4096);
	ck_assert_uint_eq(now.total_bytes, 64 * MIB);
	ck_assert_uint_eq(now.lent_bytes, MIB + 4096);
	ck_assert_uint_eq(now.free_bytes, 63 * MIB - 4096);
	ck_assert_uint_eq(now.buffers, 1);
	ck_assert_uint_eq(now.allocations, 1);

	ck_assert_int_eq(contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map),
			 0);
	bytes = map;
	for (uint64_t i = 0; i < contig_size(buffer); i += 4096)
		ck_assert_int_eq(bytes[i], 0);
	memset(map, 0xa5, contig_size(buffer));
	contig_info(buffer, &info);
	ck_assert_str_eq(info.name, "test");
	ck_assert_str_eq(info.region, "test");
	ck_assert_int_eq(info.draining, 0);
	ck_assert_uint_eq(info.owner_uid, getuid());

	(void)contig_release(buffer);
	daemon_wait(all_is_back, NULL, 5000);
}
END_TEST

START_TEST(next_user_finds_zeroes)
{
	for (int round = 0; round < 20; round++) {
		struct contig_buffer *buffer = alloc(16 * MIB);
		unsigned char *bytes;
		void *map;

		ck_assert_int_eq(
			contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map), 0);
		bytes = map;
		for (uint64_t i = 0; i < 16 * MIB; i += 512)
			ck_assert_int_eq(bytes[i], 0);
		memset(map, 0x5a, 16 * MIB);
		(void)contig_release(buffer);
	}
	daemon_wait(all_is_back, NULL, 5000);
}
END_TEST

START_TEST(several_in_one_request)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[64];

	request.size_bytes = MIB;
	ck_assert_int_eq(contig_alloc_many(contig, &request, 64, buffers, NULL),
			 0);
	ck_assert_uint_eq(status().free_bytes, 0);
	ck_assert_uint_eq(status().buffers, 64);
	for (int i = 0; i < 64; i++)
		(void)contig_release(buffers[i]);
	daemon_wait(all_is_back, NULL, 5000);

	/* one more than there is room for: none at all */
	request.size_bytes = MIB + 4096;
	ck_assert_int_eq(contig_alloc_many(contig, &request, 64, buffers, NULL),
			 -ENOMEM);
	ck_assert_int_eq(all_is_back(NULL), 1);
}
END_TEST

/* However often, and whether it is the kernel that tells or the library: who
 * lets go and asks next finds nothing lent any more. */
START_TEST(gone_for_whoever_asks_next)
{
	struct contig_buffer *buffers[4];

	for (size_t round = 0; round < 2000; round++) {
		size_t n = 1 + round % 4;

		for (size_t i = 0; i < n; i++)
			buffers[i] = alloc(4096);
		for (size_t i = 0; i < n; i++)
			(void)contig_release(buffers[i]);
		ck_assert_uint_eq(status().buffers, 0);
	}
	daemon_wait(all_is_back, NULL, 5000);
}
END_TEST

/* The connection of the owner ends, but a descriptor is left. */
START_TEST(survives_its_connection)
{
	struct contig_buffer *buffer = alloc(MIB);
	int fd = fcntl(contig_fd(buffer), F_DUPFD_CLOEXEC, 3);
	void *map;

	ck_assert_int_ge(fd, 0);
	(void)contig_release(buffer);
	daemon_wait(is_draining, NULL, 5000);
	contig = contig_close(contig);
	ck_assert_int_eq(contig_open(&contig, daemon_process.socket), 0);
	daemon_wait(is_draining, NULL, 5000);

	/* only a mapping */
	map = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(close(fd), 0);
	memset(map, 1, MIB);
	for (int i = 0; i < 20; i++) { /* and a shortage does not change it */
		struct contig_request request = CONTIG_REQUEST_INIT;
		struct contig_failure failure;
		struct contig_buffer *large;

		request.size_bytes = 64 * MIB;
		ck_assert_int_eq(contig_alloc(contig, &request, &large, &failure),
				 -ENOMEM);
		ck_assert_int_eq(failure.reason, CONTIG_REASON_FULL);
		ck_assert_uint_eq(failure.draining_bytes, MIB);
		ck_assert_uint_eq(failure.free_bytes, 63 * MIB);
		ck_assert_str_eq(failure.text,
				 "region 'test': 64M requested, 63M free, "
				 "longest run 63M; 1M draining");
	}
	ck_assert_int_eq(((unsigned char *)map)[MIB - 1], 1);
	ck_assert_int_eq(munmap(map, MIB), 0);
	daemon_wait(all_is_back, NULL, 5000);
}
END_TEST

/* A second descriptor of the buffer, held in one of the ways there are. */
static void hold(struct holder *holder, enum holder_kind kind,
		 struct contig_buffer *buffer)
{
	holder_take(holder, kind,
		    fcntl(contig_fd(buffer), F_DUPFD_CLOEXEC, 3), MIB);
}

/* Takes all there is, and writes all over it. */
static void use_all_the_others(size_t n)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *others[64];

	request.size_bytes = MIB;
	ck_assert_int_eq(contig_alloc_many(contig, &request, n + 1, others,
					   NULL),
			 -ENOMEM);
	ck_assert_int_eq(contig_alloc_many(contig, &request, n, others, NULL),
			 0);
	for (size_t i = 0; i < n; i++) {
		void *map;

		ck_assert_int_eq(contig_map(others[i], CONTIG_WRITE, &map), 0);
		memset(map, 0x99, MIB);
		(void)contig_release(others[i]);
	}
}

/* Its owner has let go and said so; somebody else has not. */
START_TEST(stays_however_it_is_held)
{
	enum holder_kind kind = (enum holder_kind)_i;
	struct contig_buffer *buffer = alloc(MIB);
	struct holder holder;

	hold(&holder, kind, buffer);
	(void)contig_release(buffer);
	daemon_wait(is_draining, NULL, 5000);
	use_all_the_others(63);
	ck_assert_msg(is_draining(NULL), "%s", holder_name(kind));
	holder_drop(&holder);
	daemon_wait(all_is_back, NULL, 5000);
	use_all_the_others(64);
}
END_TEST

/* The owner still speaks with the daemon, and lets go without a word. */
START_TEST(goes_without_a_word)
{
	enum holder_kind kind = (enum holder_kind)_i;
	struct contig_buffer *buffer = alloc(MIB);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct holder holder;

	hold(&holder, kind, buffer);
	ck_assert_int_eq(dup3(null, contig_fd(buffer), O_CLOEXEC),
			 contig_fd(buffer));
	ck_assert_int_eq(close(null), 0);
	use_all_the_others(63);
	ck_assert_msg(status().lent_bytes == MIB, "%s", holder_name(kind));
	holder_drop(&holder);
	daemon_wait(all_is_back, NULL, 5000);
	(void)contig_release(buffer);
}
END_TEST

static void send_fd(int socket_fd, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec iov = {.iov_base = (char[]){'x'}, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(socket_fd, &message, 0), 1);
}

static int receive_fd(int socket_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	int fd;

	if (recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC) != 1)
		_exit(10);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* A process that the daemon never met: it has a mapping and nothing else, and
 * says so; then it waits to be told to go. */
static void third_process(int socket_fd)
{
	int fd = receive_fd(socket_fd);
	unsigned char *map =
		mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char byte = 'm';

	if (map == MAP_FAILED || close(fd) != 0 ||
	    write(socket_fd, &byte, 1) != 1)
		_exit(11);
	if (read(socket_fd, &byte, 1) != 1)
		_exit(12);
	for (uint64_t i = 0; i < MIB; i++)
		if (map[i] != 0x77)
			_exit(13);
	_exit(0);
}

/* The owner: fills a buffer, sends it on, and is killed. */
static void owner_process(int socket_fd)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	struct contig *own;
	void *map;

	request.size_bytes = MIB;
	if (contig_open(&own, daemon_process.socket) != 0 ||
	    contig_alloc(own, &request, &buffer, NULL) != 0 ||
	    contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map) != 0)
		_exit(20);
	memset(map, 0x77, MIB);
	send_fd(socket_fd, contig_fd(buffer));
	(void)raise(SIGKILL);
}

static void expect_exit(pid_t pid, int expected)
{
	int code;

	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) == expected,
		      "process ended with status 0x%x", (unsigned int)code);
}

START_TEST(third_process_keeps_what_a_dead_owner_gave)
{
	struct contig_buffer *others[63];
	struct contig_request request = CONTIG_REQUEST_INIT;
	int pair[2];
	pid_t owner, third;
	char byte;
	int code;

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	owner = fork();
	if (owner == 0)
		owner_process(pair[0]);
	ck_assert_int_eq(waitpid(owner, &code, 0), owner);
	ck_assert(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL);

	/* now it is nowhere but in flight */
	daemon_wait(is_draining, NULL, 5000);
	third = fork();
	if (third == 0)
		third_process(pair[1]);
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);

	/* nowhere but in a mapping: nobody else gets these bytes */
	request.size_bytes = MIB;
	ck_assert_int_eq(contig_alloc_many(contig, &request, 63, others, NULL),
			 0);
	for (int i = 0; i < 63; i++) {
		void *map;

		ck_assert_int_eq(contig_map(others[i], CONTIG_WRITE, &map), 0);
		memset(map, 0, MIB);
	}
	ck_assert_int_eq(is_draining(NULL), 1);
	for (int i = 0; i < 63; i++)
		(void)contig_release(others[i]);

	ck_assert_int_eq(write(pair[0], &byte, 1), 1);
	expect_exit(third, 0);
	daemon_wait(all_is_back, NULL, 5000);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

/* A shortage finds what was let go without a word, and what is dirty. */
START_TEST(shortage_waits_for_what_comes_back)
{
	for (int round = 0; round < 10; round++) {
		struct contig_buffer *all = alloc(64 * MIB);
		void *map;

		ck_assert_int_eq(contig_map(all, CONTIG_WRITE, &map), 0);
		memset(map, 1, MIB);
		if (round % 2) {
			int keep = contig_fd(all);
			int null = open("/dev/null", O_RDWR | O_CLOEXEC);

			contig_unmap(all);
			ck_assert_int_eq(dup3(null, keep, O_CLOEXEC), keep);
			ck_assert_int_eq(close(null), 0);
			/* nobody told the daemon */
			(void)contig_release(alloc(64 * MIB));
		}
		(void)contig_release(all);
	}
}
END_TEST

/* The daemon ends as it should, and what is lent stays as it is. */
START_TEST(outlives_the_daemon)
{
	const uint64_t size_bytes = UINT64_C(4096) << (4 * _i);
	struct contig_buffer *buffer;
	unsigned char *bytes;
	void *map;

	before();
	buffer = alloc(size_bytes);
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map),
			 0);
	memset(map, 0x3c, size_bytes);
	after();
	bytes = map;
	for (uint64_t i = 0; i < size_bytes; i += 512)
		ck_assert_int_eq(bytes[i], 0x3c);
	(void)contig_release(buffer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("life");
	TCase *tcase = harness_case(suite, "life");
	TCase *end = harness_case(suite, "end");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, whole_life);
	tcase_add_test(tcase, next_user_finds_zeroes);
	tcase_add_test(tcase, several_in_one_request);
	tcase_add_test(tcase, gone_for_whoever_asks_next);
	tcase_add_test(tcase, survives_its_connection);
	tcase_add_loop_test(tcase, stays_however_it_is_held, 0, HOLDER_KINDS);
	tcase_add_loop_test(tcase, goes_without_a_word, 0, HOLDER_KINDS);
	tcase_add_test(tcase, third_process_keeps_what_a_dead_owner_gave);
	tcase_add_test(tcase, shortage_waits_for_what_comes_back);
	tcase_add_loop_test(end, outlives_the_daemon, 0, 4);
	return harness_run(suite);
}
