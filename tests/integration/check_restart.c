/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/supervisor.h"

/*
 * The daemon ends and is started anew, and its clients go on: what they have
 * stays theirs, at its place and with what is in it, and comes back when they
 * let go of it.
 */

#define MIB	(UINT64_C(1) << 20)
#define BUFFERS 20

static const char *const arguments[] = {"--config", "/dev/null", "--simulate",
					"test=64M", NULL};
static struct supervisor supervisor;
static struct contig *contig; /* the newest of: */
static struct contig *connections[16];
static size_t n_connections;
static struct contig_buffer *buffers[BUFFERS];
static unsigned char *pages[BUFFERS];

static void connect_anew(void)
{
	ck_assert_uint_lt(n_connections, 16);
	ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
	connections[n_connections++] = contig;
}

static void start_with(size_t store_limit)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.store_limit = store_limit,
	};

	supervisor_init(&supervisor, &spec);
	supervisor_start(&supervisor);
	connect_anew();
}

static void before(void)
{
	memset(buffers, 0, sizeof(buffers));
	start_with(64);
}

static void after(void)
{
	for (size_t i = 0; i < BUFFERS; i++)
		buffers[i] = contig_release(buffers[i]);
	while (n_connections > 0)
		(void)contig_close(connections[--n_connections]);
	if (supervisor.pid)
		supervisor_stop(&supervisor);
	supervisor_deinit(&supervisor);
}

static void alloc(size_t i)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure;
	void *at;

	request.size_bytes = MIB + i;
	request.name = "test";
	ck_assert_msg(contig_alloc(contig, &request, &buffers[i], &failure) == 0,
		      "%s", failure.text);
	ck_assert_int_eq(
		contig_map(buffers[i], CONTIG_READ | CONTIG_WRITE, &at), 0);
	pages[i] = at;
	memset(at, (int)i + 1, MIB + i);
}

static void expect_patterns(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		for (size_t at = 0; at < MIB + i; at += 997)
			ck_assert_uint_eq(pages[i][at], i + 1);
}

static struct contig_status status(void)
{
	struct contig_status now;

	ck_assert_int_eq(contig_get_status(contig, &now), 0);
	return now;
}

static int is_all_back(void)
{
	struct contig_status now = status();

	return now.buffers == 0 && now.free_bytes == now.total_bytes;
}

/* The daemon's list, which must be what it was. */
static void expect_list(const struct contig_buffer_info *was, size_t n)
{
	struct contig_buffer_info *now;
	size_t n_now;

	ck_assert_int_eq(contig_list_buffers(contig, &now, &n_now), 0);
	ck_assert_uint_eq(n_now, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(now[i].id, was[i].id);
		ck_assert_uint_eq(now[i].size_bytes, was[i].size_bytes);
		ck_assert_uint_eq(now[i].phys, was[i].phys);
		ck_assert_uint_eq(now[i].owner_uid, was[i].owner_uid);
		ck_assert_str_eq(now[i].name, was[i].name);
	}
	free(now);
}

static void let_go(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		buffers[i] = contig_release(buffers[i]);
}

static void end_by(bool killed)
{
	if (killed)
		supervisor_kill(&supervisor);
	else
		supervisor_stop(&supervisor);
}

/* Killed (1) or told to end (0): both times the manager starts it again. */
START_TEST(buffers_outlive_the_daemon)
{
	struct contig_buffer_info *was;
	size_t n;

	for (size_t i = 0; i < 10; i++)
		alloc(i);
	ck_assert_int_eq(contig_list_buffers(contig, &was, &n), 0);
	ck_assert_uint_eq(n, 10);
	for (int life = 0; life < 3; life++) {
		end_by(_i);
		expect_patterns(0, 10);
		supervisor_start(&supervisor);
		connect_anew();
		expect_list(was, n);
		expect_patterns(0, 10);
	}
	free(was);
	for (size_t i = 10; i < 20; i++)
		alloc(i);
	expect_patterns(0, 20);
	end_by(_i);
	let_go(0, 10); /* while there is no daemon */
	supervisor_start(&supervisor);
	connect_anew();
	while (status().buffers != 10)
		(void)usleep(2000);
	expect_patterns(10, 20);
	let_go(10, 20);
	while (!is_all_back())
		(void)usleep(2000);
	ck_assert_uint_eq(status().quarantined_bytes, 0);
}
END_TEST

/* Its connection went with the daemon; its user is still heard. */
START_TEST(release_is_heard_after_a_restart)
{
	uint64_t size;
	int held_fd;

	alloc(0);
	size = status().lent_bytes;
	held_fd = fcntl(contig_fd(buffers[0]), F_DUPFD_CLOEXEC, 0);
	ck_assert_int_ge(held_fd, 0);
	supervisor_kill(&supervisor);
	supervisor_start(&supervisor);
	ck_assert_uint_eq(status().lent_bytes, size);
	let_go(0, 1);
	ck_assert_uint_eq(status().lent_bytes, 0);
	ck_assert_uint_eq(status().draining_bytes, size);

	supervisor_kill(&supervisor);
	supervisor_start(&supervisor);
	ck_assert_uint_eq(status().lent_bytes, 0);
	ck_assert_uint_eq(status().draining_bytes, size);
	ck_assert_int_eq(close(held_fd), 0);
	while (!is_all_back())
		(void)usleep(2000);
}
END_TEST

START_TEST(few_descriptors_are_stored)
{
	for (size_t i = 0; i < BUFFERS; i++)
		alloc(i);
	ck_assert_uint_eq(supervisor_count(&supervisor, "ledger"), 1);
	ck_assert_uint_eq(supervisor_count(&supervisor, "shelf-"), 2);
	for (int life = 0; life < 5; life++) {
		supervisor_kill(&supervisor);
		supervisor_start(&supervisor);
		ck_assert_uint_eq(supervisor_count(&supervisor, "ledger"), 1);
		ck_assert_uint_le(supervisor_count(&supervisor, "shelf-"), 4);
	}
	ck_assert_uint_eq(supervisor_count(&supervisor, "proof"), 0);
}
END_TEST

START_TEST(lost_buffers_are_quarantined)
{
	uint64_t lost;

	alloc(0);
	alloc(1);
	lost = status().lent_bytes;
	supervisor_kill(&supervisor);
	supervisor_forget(&supervisor, "shelf-0.a");
	supervisor_forget(&supervisor, "shelf-0.b");
	for (int life = 0; life < 2; life++) {
		supervisor_start(&supervisor);
		connect_anew();
		ck_assert_uint_eq(status().quarantined_bytes, lost);
		ck_assert_uint_eq(status().free_bytes,
				  status().total_bytes - lost);
		ck_assert(supervisor_has_logged(&supervisor,
						"are quarantined: "));
		ck_assert_ptr_nonnull(strstr(supervisor.status, "quarantined"));
		supervisor_kill(&supervisor);
	}
	expect_patterns(0, 2);
}
END_TEST

START_TEST(manager_without_a_store_is_told)
{
	after();
	start_with(0);
	alloc(0);
	ck_assert(supervisor_has_logged(&supervisor, "do not outlive"));
	supervisor_kill(&supervisor);
	supervisor_start(&supervisor);
	connect_anew();
	ck_assert_uint_eq(status().buffers, 0);
	expect_patterns(0, 1);
}
END_TEST

/* It has room for the region, and none for what is recorded of it. */
START_TEST(store_without_room_is_no_store)
{
	after();
	start_with(1);
	alloc(0);
	ck_assert(supervisor_has_logged(&supervisor, "do not outlive"));
	ck_assert_uint_eq(supervisor_count(&supervisor, ""), 0);
	supervisor_kill(&supervisor);
	supervisor_start(&supervisor);
	connect_anew();
	ck_assert_uint_eq(status().buffers, 0);
	ck_assert_uint_eq(status().free_bytes, status().total_bytes);
}
END_TEST

/* What it has room for was prepared, and so will be kept. */
START_TEST(nothing_is_lent_without_a_record)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.store_limit = 4,
		.prepare = true,
	};

	after();
	supervisor_init(&supervisor, &spec);
	ck_assert(supervisor_launch(&supervisor));
	ck_assert(!supervisor_wait_ready(&supervisor));
	ck_assert(
		supervisor_has_logged(&supervisor, "FileDescriptorStoreMax="));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("restart");
	TCase *tcase = harness_case(suite, "restart");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_loop_test(tcase, buffers_outlive_the_daemon, 0, 2);
	tcase_add_test(tcase, release_is_heard_after_a_restart);
	tcase_add_test(tcase, few_descriptors_are_stored);
	tcase_add_test(tcase, lost_buffers_are_quarantined);
	tcase_add_test(tcase, manager_without_a_store_is_told);
	tcase_add_test(tcase, store_without_room_is_no_store);
	tcase_add_test(tcase, nothing_is_lent_without_a_record);
	return harness_run(suite);
}
