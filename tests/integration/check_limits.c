/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/raw.h"
#include "util/fd.h"

/*
 * A daemon that may open few files: how it shares them out, and what it does
 * when there are none left.
 *
 * The same limit bounds the descriptors that all processes of its user have in
 * flight, and other tests have many; so it runs as a user of its own where the
 * test may choose that.
 */

#define MAX_FILES    64
#define MAX_PER_USER (MAX_FILES / 4 / 2)
#define MAX_BUFFERS  MAX_FILES
#define USER	     "daemon" /* every Debian has it, no other test runs so */

static struct daemon process;
static struct contig *contig;
static union message message;

static void before(void)
{
	const char *const options[] = {"--simulate", "test=64M", "--user", USER,
				       NULL};

	process.max_files = MAX_FILES;
	process.configured_user = geteuid() == 0;
	if (process.configured_user)
		daemon_start(&process, options);
	else
		daemon_start_simulated(&process);
	ck_assert_int_eq(contig_open(&contig, process.socket), 0);
}

static void after(void)
{
	contig = contig_close(contig);
	if (process.configured_user) /* it may not, in the test's folder */
		ck_assert_int_eq(unlink(process.socket), 0);
	daemon_stop(&process);
}

/* Connects and says HELLO; 1 where it was answered, 0 where the daemon hung
 * up. */
static int try_open(void *data)
{
	int fd = raw_connect(process.socket);
	size_t size;

	(void)data;
	raw_prepare(&message, CONTIG_MSG_HELLO, 1);
	message.hello.version_min = 1;
	message.hello.version_max = CONTIG_PROTOCOL_VERSION;
	(void)channel_send(fd, &message, message.header.size, NULL, 0);
	size = raw_receive(fd, &message, NULL);
	(void)fd_close(fd);
	return size == sizeof(message.hello_reply);
}

START_TEST(one_user_does_not_get_all_places)
{
	int fds[MAX_PER_USER];
	int fd;

	for (int i = 1; i < MAX_PER_USER; i++)
		fds[i] = raw_open(process.socket);
	fd = raw_connect(process.socket);
	raw_expect_error(fd, CONTIG_MSG_R_QUOTA, &message);
	ck_assert_ptr_nonnull(
		strstr(message.error.text, "too many connections of uid "));
	raw_expect_end(fd);
	(void)fd_close(fd);

	(void)fd_close(fds[1]);
	daemon_wait(try_open, NULL, 30000);
	for (int i = 2; i < MAX_PER_USER; i++)
		(void)fd_close(fds[i]);
	ck_assert(daemon_has_logged(&process, "a client of uid "));
}
END_TEST

/* The stock's worker may be at it and find that there is none. */
static int has_no_more(void *data)
{
	const int *fds = data;

	return daemon_count_fds(&process) == *fds;
}

START_TEST(no_descriptor_left)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffers[MAX_BUFFERS];
	struct contig_failure failure;
	struct contig_status status;
	int fds;
	size_t n = 0;
	int r;

	request.size_bytes = 4096;
	while ((r = contig_alloc(contig, &request, &buffers[n], &failure)) == 0)
		ck_assert_uint_lt(++n, MAX_BUFFERS);
	ck_assert_int_eq(failure.reason, CONTIG_REASON_RESOURCE);
	ck_assert_msg(strstr(failure.text, "region 'test': "), "%s",
		      failure.text);
	fds = daemon_count_fds(&process);

	/* nothing of a failed attempt is left, and clients go on */
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(
			contig_alloc(contig, &request, &buffers[n], &failure),
			r);
		ck_assert_int_eq(contig_get_status(contig, &status), 0);
		ck_assert_uint_eq(status.buffers, n);
		ck_assert_uint_eq(status.free_bytes,
				  status.total_bytes - n * 4096);
		daemon_wait(has_no_more, &fds, 30000);
	}
	/* newcomers are let go rather than kept waiting, as long as it lasts */
	for (int i = 0; i < 10; i++)
		(void)try_open(NULL);
	ck_assert_int_eq(contig_get_status(contig, &status), 0);

	while (n > 0)
		(void)contig_release(buffers[--n]);
	daemon_wait(try_open, NULL, 30000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limits");
	TCase *tcase = harness_case(suite, "limits");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, one_user_does_not_get_all_places);
	tcase_add_test(tcase, no_descriptor_left);
	return harness_run(suite);
}
