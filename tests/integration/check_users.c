/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/raw.h"
#include "util/fd.h"

/*
 * Two users at one daemon: neither sees the other's buffers or connections, or
 * can do anything to them.  It takes root to be both.
 */

#define STRANGER 65534
#define MIB	 (UINT64_C(1) << 20)

static struct daemon process;
static struct contig *contig;
static uint64_t victim_device;

static void before(void)
{
	daemon_start_simulated(&process);
	ck_assert_int_eq(chmod(process.socket, 0666), 0);
	ck_assert_int_eq(contig_open(&contig, process.socket), 0);
}

static void after(void)
{
	contig = contig_close(contig);
	daemon_stop(&process);
}

/* Runs fn as somebody else, in a process; it must return 0. */
static void as_stranger(int (*fn)(uint64_t argument), uint64_t argument)
{
	pid_t pid = fork();
	int code;

	if (pid == 0) {
		if (setgroups(0, NULL) != 0 || setgid(STRANGER) != 0 ||
		    setuid(STRANGER) != 0)
			_exit(100);
		_exit(fn(argument));
	}
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) == 0,
		      "the stranger ended with status 0x%x", (unsigned int)code);
}

static struct contig_buffer *alloc(struct contig *from)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;

	request.size_bytes = MIB;
	request.name = "secret";
	return contig_alloc(from, &request, &buffer, NULL) == 0 ? buffer : NULL;
}

static int sees_only_its_own(uint64_t foreign_id)
{
	struct contig_buffer_info *buffers;
	struct contig_client_info *clients;
	struct contig *own;
	size_t n;

	if (contig_open(&own, process.socket) != 0 || !alloc(own))
		return 1;
	if (contig_list_buffers(own, &buffers, &n) != 0 || n != 1)
		return 2;
	if (buffers[0].id == foreign_id || buffers[0].owner_uid != STRANGER)
		return 3;
	free(buffers);
	if (contig_list_clients(own, &clients, &n) != 0 || n != 1)
		return 4;
	if (clients[0].uid != STRANGER || clients[0].pid != getpid())
		return 5;
	free(clients);
	return 0;
}

START_TEST(lists_show_the_own)
{
	struct contig_buffer *mine = alloc(contig);
	struct contig_buffer_info info;

	contig_info(mine, &info);
	as_stranger(sees_only_its_own, info.id);
	(void)contig_release(mine);
}
END_TEST

static int stays_until_told(uint64_t fd)
{
	struct contig *own;
	char byte = 'r';

	if (contig_open(&own, process.socket) != 0 || !alloc(own) ||
	    write((int)fd, &byte, 1) != 1 || read((int)fd, &byte, 1) != 0)
		return 1;
	return 0;
}

START_TEST(administrator_sees_all)
{
	struct contig_buffer *mine = alloc(contig);
	struct contig_buffer_info *buffers;
	struct contig_client_info *clients;
	int pair[2], code;
	size_t n;
	pid_t pid;
	char byte;

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		if (setgroups(0, NULL) != 0 || setgid(STRANGER) != 0 ||
		    setuid(STRANGER) != 0)
			_exit(100);
		_exit(stays_until_told((uint64_t)pair[1]));
	}
	(void)fd_close(pair[1]);
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	ck_assert_int_eq(contig_list_buffers(contig, &buffers, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(buffers[1].owner_uid, STRANGER);
	free(buffers);
	ck_assert_int_eq(contig_list_clients(contig, &clients, &n), 0);
	ck_assert_uint_eq(n, 2);
	free(clients);
	(void)fd_close(pair[0]);
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert(WIFEXITED(code) && WEXITSTATUS(code) == 0);
	(void)contig_release(mine);
}
END_TEST

/* Guesses at the ids of others are worth nothing. */
static int cannot_touch(uint64_t foreign_id)
{
	int fd = raw_open(process.socket);
	union message message;

	raw_prepare(&message, CONTIG_MSG_RELEASE, 2);
	message.release.buffer_id = foreign_id;
	raw_send(fd, &message, message.header.size);

	raw_prepare(&message, CONTIG_MSG_CPU_END, 3);
	message.cpu.buffer_id = foreign_id;
	message.cpu.token = 12345;
	message.cpu.length_bytes = 4096;
	message.cpu.flags = CONTIG_MSG_WRITE;
	raw_send(fd, &message, message.header.size);
	raw_expect_error(fd, CONTIG_MSG_R_NO_BUFFER, &message);
	return 0;
}

START_TEST(others_cannot_be_touched)
{
	struct contig_buffer *mine = alloc(contig);
	struct contig_buffer_info info;
	struct contig_buffer_info *buffers;
	void *map;
	size_t n;

	contig_info(mine, &info);
	ck_assert_int_eq(contig_map(mine, CONTIG_READ | CONTIG_WRITE, &map), 0);
	memset(map, 0x42, MIB);
	as_stranger(cannot_touch, info.id);
	ck_assert_int_eq(contig_list_buffers(contig, &buffers, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(buffers[0].draining, 0);
	free(buffers);
	for (uint64_t i = 0; i < MIB; i++)
		ck_assert_int_eq(((unsigned char *)map)[i], 0x42);
	(void)contig_release(mine);
}
END_TEST

/* He knows all numbers, and holds nothing. */
static int cannot_describe(uint64_t inode)
{
	int fd = raw_open(process.socket);
	union message message;

	for (uint64_t token = 0; token < 3; token++) {
		raw_prepare(&message, CONTIG_MSG_DESCRIBE,
			    2 + (uint32_t)token);
		message.describe.device = victim_device;
		message.describe.inode = inode;
		message.describe.token = token;
		raw_send(fd, &message, message.header.size);
		raw_expect_error(fd, CONTIG_MSG_R_NO_BUFFER, &message);
	}
	return 0;
}

START_TEST(a_guess_is_no_possession)
{
	struct contig_buffer *mine = alloc(contig);
	struct contig_buffer_info info;
	struct stat st;

	ck_assert_int_eq(fstat(contig_fd(mine), &st), 0);
	victim_device = st.st_dev;
	as_stranger(cannot_describe, st.st_ino);
	/* the owner needs no proof */
	ck_assert_int_eq(contig_describe(contig, contig_fd(mine), &info), 0);
	(void)contig_release(mine);
}
END_TEST

/* Whoever is given the descriptor may use it, whoever he is. */
static int can_use(uint64_t fd)
{
	struct contig_buffer *imported;
	struct contig_buffer_info info;
	struct contig *own;
	void *map;

	if (contig_open(&own, process.socket) != 0 ||
	    contig_describe(own, (int)fd, &info) != 0 ||
	    strcmp(info.name, "secret") != 0 || info.owner_uid != 0 ||
	    info.has_phys)
		return 1;
	if (contig_import(own, (int)fd, &imported) != 0 ||
	    contig_map(imported, CONTIG_READ | CONTIG_WRITE, &map) != 0 ||
	    contig_begin_cpu(imported, CONTIG_WRITE) != 0)
		return 2;
	memset(map, 0x43, MIB);
	return contig_end_cpu(imported, CONTIG_WRITE) == 0 ? 0 : 3;
}

START_TEST(a_descriptor_is_the_right_to_use_it)
{
	struct contig_buffer *mine = alloc(contig);
	void *map;

	as_stranger(can_use, (uint64_t)contig_fd(mine));
	ck_assert_int_eq(contig_map(mine, CONTIG_READ, &map), 0);
	ck_assert_int_eq(((unsigned char *)map)[MIB - 1], 0x43);
	(void)contig_release(mine);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("users");
	TCase *tcase = harness_case(suite, "users");

	if (geteuid() != 0)
		harness_skip("it takes root to be two users");
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, lists_show_the_own);
	tcase_add_test(tcase, administrator_sees_all);
	tcase_add_test(tcase, others_cannot_be_touched);
	tcase_add_test(tcase, a_guess_is_no_possession);
	tcase_add_test(tcase, a_descriptor_is_the_right_to_use_it);
	return harness_run(suite);
}
