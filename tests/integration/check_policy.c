/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
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
 * Several users at one daemon, with rights, quotas and reservations: each limit
 * exactly and one beyond, each refusal with its rule.  It takes root to be
 * several users.
 */

#define CAMERA 2001
#define OTHER  2002
#define THIRD  2003
#define VIDEO  3001 /* a group */
#define MIB    (UINT64_C(1) << 20)

static const char text[] = "[quota *]\n"
			   "bytes = 4M\n"
			   "buffers = 4\n"
			   "connections = 3\n"
			   "[quota 2001]\n"
			   "bytes = unlimited\n"
			   "[simulate common]\n"
			   "size = 16M\n"
			   "reserve = 2001:8M\n"
			   "[simulate private]\n"
			   "size = 4M\n"
			   "use = 2001, @3001\n"
			   "admin = 2002\n";

static struct daemon process;
static char folder[32], config_path[64];
static int pair[2]; /* between a process of another user and the test */

static void before(void)
{
	const char *const options[] = {"--config", config_path, NULL};
	int fd;

	(void)strcpy(folder, "/tmp/contigd-policy-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(config_path, sizeof(config_path), "%s/policy.conf",
		       folder);
	fd = open(config_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1),
			 (ssize_t)sizeof(text) - 1);
	(void)fd_close(fd);
	daemon_start(&process, options);
	ck_assert_int_eq(chmod(process.socket, 0666), 0);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

static void after(void)
{
	(void)fd_close(pair[0]);
	(void)fd_close(pair[1]);
	daemon_stop(&process);
	(void)unlink(config_path);
	(void)rmdir(folder);
}

static pid_t start_as(uid_t uid, gid_t group, int (*fn)(void))
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)close(pair[0]);
		if (setgroups(group ? 1 : 0, &group) != 0 || setgid(uid) != 0 ||
		    setuid(uid) != 0)
			_exit(100);
		_exit(fn());
	}
	return pid;
}

static void wait_for(pid_t pid)
{
	int code;

	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) == 0,
		      "somebody ended with status 0x%x", (unsigned int)code);
}

/* Runs fn as somebody, in a process; it must return 0. */
static void as(uid_t uid, gid_t group, int (*fn)(void))
{
	wait_for(start_as(uid, group, fn));
}

/* What a process of another user can do: its failures are exit statuses. */

static struct contig *contig;
static struct contig_failure failure;

static int open_daemon(void)
{
	return contig_open(&contig, process.socket);
}

static int take(const char *region, uint64_t size_bytes,
		struct contig_buffer **bufferp)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;

	request.size_bytes = size_bytes;
	request.region = region;
	return contig_alloc(contig, &request, bufferp ? bufferp : &buffer,
			    &failure);
}

static int refused(int r, int expected, const char *said)
{
	if (r == expected && strcmp(failure.text, said) == 0)
		return 0;
	(void)fprintf(stderr, "result %d, '%s'\n", r, failure.text);
	return 1;
}

static const struct contig_region_info *
find_region(const struct contig_region_info *regions, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(regions[i].name, name) == 0)
			return &regions[i];
	abort();
}

static int may_not_use_it(void)
{
	struct contig_region_info *regions;
	size_t n;

	if (open_daemon() != 0 || take(NULL, 4096, NULL) != 0)
		return 1;
	if (refused(take("private", 4096, NULL), -EACCES,
		    "region 'private' is not for uid 2002 "
		    "([simulate private] use, policy.conf:12)"))
		return 2;
	if (contig_list_regions(contig, &regions, &n) != 0 || n != 2)
		return 3;
	if (!find_region(regions, n, "common")->usable ||
	    find_region(regions, n, "private")->usable)
		return 4;
	free(regions);
	return 0;
}

static int may_use_it(void)
{
	return open_daemon() != 0 || take("private", 4096, NULL) != 0;
}

START_TEST(rights_of_a_region)
{
	as(OTHER, 0, may_not_use_it);
	as(CAMERA, 0, may_use_it);
	as(THIRD, VIDEO, may_use_it); /* by a supplementary group */
	as(0, 0, may_use_it);
}
END_TEST

/* Lends from both regions and stays until it is told to go. */
static int holds_both(void)
{
	char byte = 'r';

	return open_daemon() != 0 || take("private", 4096, NULL) != 0 ||
	       take("common", 4096, NULL) != 0 ||
	       write(pair[1], &byte, 1) != 1 || read(pair[1], &byte, 1) != 0;
}

static int administers_private(void)
{
	struct contig_buffer_info *buffers;
	struct contig_client_info *clients;
	size_t n;

	if (open_daemon() != 0 ||
	    contig_list_buffers(contig, &buffers, &n) != 0 || n != 1)
		return 1;
	if (strcmp(buffers[0].region, "private") != 0 ||
	    buffers[0].owner_uid != CAMERA)
		return 2;
	free(buffers);
	/* connections are the daemon's, not the region's */
	if (contig_list_clients(contig, &clients, &n) != 0 || n != 1 ||
	    clients[0].uid != OTHER)
		return 3;
	free(clients);
	return 0;
}

static int administers_nothing(void)
{
	struct contig_buffer_info *buffers;
	size_t n;

	if (open_daemon() != 0 ||
	    contig_list_buffers(contig, &buffers, &n) != 0 || n != 0)
		return 1;
	free(buffers);
	return 0;
}

START_TEST(administrator_of_a_region)
{
	pid_t pid = start_as(CAMERA, 0, holds_both);
	char byte;

	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	as(OTHER, 0, administers_private);
	as(THIRD, VIDEO, administers_nothing);
	(void)shutdown(pair[0], SHUT_RDWR);
	wait_for(pid);
}
END_TEST

static int fills_its_quota(void)
{
	struct contig_buffer *buffer;

	if (open_daemon() != 0 || take(NULL, 3 * MIB, NULL) != 0 ||
	    take(NULL, MIB, &buffer) != 0)
		return 1;
	if (refused(take(NULL, 1, NULL), -EDQUOT,
		    "quota of uid 2002 ([quota *] bytes, policy.conf:2): 4M of "
		    "4M in use, 4K requested"))
		return 2;
	(void)contig_release(buffer);
	if (take(NULL, MIB, NULL) != 0)
		return 3;
	return refused(take(NULL, 4 * MIB + 1, NULL), -EDQUOT,
		       "quota of uid 2002 ([quota *] bytes, policy.conf:2): 4M "
		       "of 4M in use, 4M requested")
		       ? 4
		       : 0;
}

static int fills_its_number(void)
{
	if (open_daemon() != 0)
		return 1;
	for (int i = 0; i < 4; i++)
		if (take(NULL, 4096, NULL) != 0)
			return 2;
	return refused(take(NULL, 4096, NULL), -EDQUOT,
		       "quota of uid 2003 ([quota *] buffers, policy.conf:3): "
		       "4 of 4 buffers in use, 1 requested");
}

static int takes_five_megabytes(void)
{
	return open_daemon() != 0 || take(NULL, 5 * MIB, NULL) != 0;
}

START_TEST(quotas_exactly)
{
	as(OTHER, 0, fills_its_quota);
	as(THIRD, 0, fills_its_number);
	as(CAMERA, 0, takes_five_megabytes); /* has a quota of its own */
	as(0, 0, takes_five_megabytes);	     /* has none */
}
END_TEST

/* Sends a buffer of 4M to the test and is gone. */
static int hands_on_all(void)
{
	struct contig_buffer *buffer;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	char byte = 'f';
	struct iovec iov = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	int fd;

	if (open_daemon() != 0 || take(NULL, 4 * MIB, &buffer) != 0)
		return 1;
	fd = contig_fd(buffer);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(pair[1], &message, 0) == 1 ? 0 : 2;
}

static int has_nothing_left(void)
{
	return open_daemon() != 0 ||
	       refused(take(NULL, 4096, NULL), -EDQUOT,
		       "quota of uid 2002 ([quota *] bytes, policy.conf:2): 4M "
		       "of 4M in use, 4K requested; 4M draining");
}

static int has_all(void)
{
	return open_daemon() != 0 || take(NULL, 4 * MIB, NULL) != 0;
}

/* Who hands a buffer on and leaves pays for it, until it is back. */
START_TEST(charge_stays_with_the_buffer)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	int fd;

	as(OTHER, 0, hands_on_all);
	ck_assert_int_eq(recvmsg(pair[0], &message, MSG_CMSG_CLOEXEC), 1);
	ck_assert_uint_eq(control.header.cmsg_len, CMSG_LEN(sizeof(int)));
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	as(OTHER, 0, has_nothing_left);
	as(THIRD, 0, has_all);
	(void)fd_close(fd);
	as(OTHER, 0, has_all);
}
END_TEST

static int connects_three_times(void)
{
	union message message;
	int fds[3], fd;

	for (int i = 0; i < 3; i++)
		fds[i] = raw_open(process.socket);
	fd = raw_connect(process.socket);
	raw_expect_error(fd, CONTIG_MSG_R_QUOTA, &message);
	if (strcmp(message.error.text,
		   "quota of uid 2002 ([quota *] connections, policy.conf:4): "
		   "3 of 3 connections in use, 1 requested") != 0) {
		(void)fprintf(stderr, "'%s'\n", message.error.text);
		return 1;
	}
	raw_expect_end(fd);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	return 0;
}

START_TEST(connections_exactly)
{
	as(OTHER, 0, connects_three_times);
}
END_TEST

/* Takes 4M in pieces and stays. */
static int fills_and_stays(void)
{
	char byte = 'r';

	if (open_daemon() != 0)
		return 1;
	for (int i = 0; i < 4; i++)
		if (take("common", MIB, NULL) != 0)
			return 2;
	return write(pair[1], &byte, 1) != 1 || read(pair[1], &byte, 1) != 0;
}

static int finds_it_full(void)
{
	struct contig_region_info *regions;
	const struct contig_region_info *common;
	size_t n;

	if (open_daemon() != 0 ||
	    refused(take("common", 4096, NULL), -ENOMEM,
		    "region 'common': 4K requested, 0B free, longest run 0B; "
		    "8M reserved for 2001 (policy.conf:9)"))
		return 1;
	if (contig_list_regions(contig, &regions, &n) != 0)
		return 2;
	common = find_region(regions, n, "common");
	if (common->free_bytes != 0 || common->largest_free_bytes != 0 ||
	    common->reserved_bytes != 8 * MIB || common->lent_bytes != 8 * MIB)
		return 3;
	free(regions);
	return 0;
}

static int gets_its_memory(void)
{
	struct contig_region_info *regions;
	size_t n;

	if (open_daemon() != 0 ||
	    contig_list_regions(contig, &regions, &n) != 0 ||
	    find_region(regions, n, "common")->free_bytes != 8 * MIB ||
	    find_region(regions, n, "common")->reserved_bytes != 0)
		return 1;
	free(regions);
	return take("common", 8 * MIB, NULL) != 0;
}

START_TEST(reservation_holds_against_all)
{
	pid_t pids[2];
	char byte;

	for (int i = 0; i < 2; i++) {
		pids[i] = start_as(OTHER + (uid_t)i, 0, fills_and_stays);
		ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	}
	ck_assert(daemon_has_logged(&process, "region 'common': 8M at "
					      "0x100800000 reserved for "
					      "2001"));
	as(THIRD + 1, 0, finds_it_full);
	as(0, 0, finds_it_full);
	as(CAMERA, 0, gets_its_memory);
	(void)shutdown(pair[0], SHUT_RDWR);
	for (int i = 0; i < 2; i++)
		wait_for(pids[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = harness_case(suite, "policy");

	if (geteuid() != 0)
		harness_skip("it takes root to be several users");
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, rights_of_a_region);
	tcase_add_test(tcase, administrator_of_a_region);
	tcase_add_test(tcase, quotas_exactly);
	tcase_add_test(tcase, charge_stays_with_the_buffer);
	tcase_add_test(tcase, connections_exactly);
	tcase_add_test(tcase, reservation_holds_against_all);
	return harness_run(suite);
}
