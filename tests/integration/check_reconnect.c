/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/supervisor.h"
#include "util/fd.h"

/*
 * What a program sees of it when the daemon is killed and comes back: calls
 * under way are cut, buffers go on, and nothing has to be done about it.
 */

#define MIB	 (UINT64_C(1) << 20)
#define CAPACITY (64 * MIB)

static const char *const arguments[] = {
	"--config", "/dev/null", "--simulate", "test=64M", NULL,
};
static struct supervisor supervisor;
static struct contig *contig;

static void before(void)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.store_limit = 64,
	};

	supervisor_init(&supervisor, &spec);
	supervisor_start(&supervisor);
	ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
}

static int all_is_back(void *data)
{
	struct contig_status status;

	(void)data;
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	return status.buffers == 0 && status.free_bytes == CAPACITY &&
	       status.dirty_bytes == 0 && status.quarantined_bytes == 0;
}

static void after(void)
{
	daemon_wait(all_is_back, NULL, 30000);
	contig = contig_close(contig);
	supervisor_stop(&supervisor);
	supervisor_deinit(&supervisor);
}

static void restart(void)
{
	supervisor_kill(&supervisor);
	supervisor_start(&supervisor);
}

static struct contig_buffer *alloc(uint64_t size_bytes)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure = {.error = 0};
	struct contig_buffer *buffer;

	request.size_bytes = size_bytes;
	request.name = "kept";
	ck_assert_msg(contig_alloc(contig, &request, &buffer, &failure) == 0,
		      "%s", failure.text);
	return buffer;
}

static void fill(struct contig_buffer *buffer, int byte)
{
	void *map;

	ck_assert_int_eq(contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map),
			 0);
	memset(map, byte, contig_size(buffer));
}

static void expect_filled(struct contig_buffer *buffer, int byte)
{
	const unsigned char *bytes;
	void *map;

	ck_assert_int_eq(contig_map(buffer, CONTIG_READ, &map), 0);
	bytes = map;
	ck_assert_int_eq(bytes[0], byte);
	ck_assert_int_eq(memcmp(bytes, bytes + 1, contig_size(buffer) - 1), 0);
}

static void expect_same(const struct contig_buffer_info *a,
			const struct contig_buffer_info *b)
{
	ck_assert_uint_eq(a->id, b->id);
	ck_assert_uint_eq(a->size_bytes, b->size_bytes);
	ck_assert_uint_eq(a->guarantees, b->guarantees);
	ck_assert_uint_eq(a->owner_uid, b->owner_uid);
	ck_assert_str_eq(a->region, b->region);
	ck_assert_str_eq(a->name, b->name);
}

/* ---- buffers -------------------------------------------------------------- */

static void expect_listed(const struct contig_buffer *buffer)
{
	struct contig_buffer_info *array, info;
	size_t count;

	contig_info(buffer, &info);
	ck_assert_int_eq(contig_list_buffers(contig, &array, &count), 0);
	ck_assert_uint_eq(count, 1);
	expect_same(&array[0], &info);
	ck_assert_int_eq(array[0].draining, 0);
	free(array);
}

START_TEST(a_buffer_goes_on)
{
	struct contig_buffer *buffer = alloc(MIB), *imported;
	struct contig_buffer_info info, described;

	contig_info(buffer, &info);
	fill(buffer, 0x5a);
	for (int i = 0; i < 3; i++) {
		restart();
		expect_filled(buffer, 0x5a + i);
		expect_listed(buffer);
		ck_assert_int_eq(
			contig_describe(contig, contig_fd(buffer), &described),
			0);
		expect_same(&described, &info);
		ck_assert_int_eq(
			contig_begin_cpu(buffer, CONTIG_READ | CONTIG_WRITE), 0);
		fill(buffer, 0x5b + i);
		ck_assert_int_eq(
			contig_end_cpu(buffer, CONTIG_READ | CONTIG_WRITE), 0);
	}
	ck_assert_int_eq(contig_import(contig, contig_fd(buffer), &imported), 0);
	expect_filled(imported, 0x5d);
	(void)contig_release(imported);
	(void)contig_release(buffer);
}
END_TEST

START_TEST(the_rest_is_lent_as_before)
{
	struct contig_buffer *buffer = alloc(MIB), *rest;
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *none;
	struct contig_failure failure;

	restart();
	rest = alloc(CAPACITY - MIB);
	request.size_bytes = 1;
	ck_assert_int_eq(contig_alloc(contig, &request, &none, &failure),
			 -ENOMEM);
	ck_assert_int_eq(failure.reason, CONTIG_REASON_FULL);
	(void)contig_release(rest);
	(void)contig_release(buffer);
}
END_TEST

/* An id means one buffer for ever: a client may still know it. */
START_TEST(ids_are_never_used_again)
{
	uint64_t last = 0;

	for (int i = 0; i < 5; i++) {
		struct contig_buffer *buffer = alloc(MIB);
		struct contig_buffer_info info;

		contig_info(buffer, &info);
		ck_assert_uint_gt(info.id, last);
		last = info.id;
		(void)contig_release(buffer);
		restart();
	}
}
END_TEST

START_TEST(released_while_nobody_listens)
{
	struct contig_buffer *buffer = alloc(CAPACITY);

	fill(buffer, 0x5a);
	supervisor_kill(&supervisor);
	(void)contig_release(buffer);
	supervisor_start(&supervisor);
	daemon_wait(all_is_back, NULL, 30000);
	buffer = alloc(CAPACITY);
	expect_filled(buffer, 0);
	(void)contig_release(buffer);
}
END_TEST

/* Only a mapping is left of it when the daemon comes back. */
START_TEST(held_by_a_mapping_alone)
{
	struct contig_buffer *buffer = alloc(CAPACITY);
	int fd = fcntl(contig_fd(buffer), F_DUPFD_CLOEXEC, 0);
	struct contig_request request = CONTIG_REQUEST_INIT;
	unsigned char *map;

	map = mmap(NULL, CAPACITY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	(void)fd_close(fd);
	(void)contig_release(buffer);
	map[0] = 0x5a;
	restart();
	request.size_bytes = 1;
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), -ENOMEM);
	ck_assert_int_eq(map[0], 0x5a);
	ck_assert_int_eq(munmap(map, CAPACITY), 0);
}
END_TEST

/* What began to drain before goes on draining. */
START_TEST(a_draining_buffer_goes_on)
{
	struct contig_buffer *buffer = alloc(MIB), *imported;
	struct contig_buffer_info *array;
	size_t count;

	ck_assert_int_eq(contig_import(contig, contig_fd(buffer), &imported), 0);
	(void)contig_release(buffer);
	ck_assert_int_eq(contig_list_buffers(contig, &array, &count), 0);
	ck_assert_int_eq(array[0].draining, 1);
	free(array);
	restart();
	ck_assert_int_eq(contig_list_buffers(contig, &array, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(array[0].draining, 1);
	free(array);
	(void)contig_release(imported);
}
END_TEST

START_TEST(a_client_that_dies_meanwhile)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	int ready[2], code;
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct contig_buffer *buffers[32];
		struct contig *own;

		request.size_bytes = MIB;
		if (contig_open(&own, supervisor.socket) != 0 ||
		    contig_alloc_many(own, &request, 32, buffers, NULL) != 0 ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	supervisor_kill(&supervisor);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	supervisor_start(&supervisor);
	(void)fd_close(ready[0]);
	(void)fd_close(ready[1]);
	daemon_wait(all_is_back, NULL, 30000);
}
END_TEST

/* ---- calls ---------------------------------------------------------------- */

struct outcome {
	int result;
	int calls;
};

static void on_allocated(void *data, int result,
			 struct contig_buffer *const *buffers, size_t count,
			 const struct contig_failure *failure)
{
	struct outcome *outcome = data;

	(void)failure;
	outcome->result = result;
	outcome->calls++;
	while (result == 0 && count > 0)
		(void)contig_release(buffers[--count]);
}

static void start_one(struct outcome *outcome, uint64_t size_bytes)
{
	struct contig_request request = CONTIG_REQUEST_INIT;

	request.size_bytes = size_bytes;
	outcome->calls = 0;
	ck_assert_int_eq(
		contig_alloc_start(contig, &request, 1, on_allocated, outcome),
		0);
}

static void dispatch(struct outcome *outcome)
{
	struct pollfd pollfd = {.fd = contig_poll_fd(contig), .events = POLLIN};

	while (outcome->calls == 0) {
		ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
		(void)contig_dispatch(contig);
	}
	ck_assert_int_eq(outcome->calls, 1);
}

START_TEST(a_call_under_way_is_cut)
{
	struct outcome outcome;

	ck_assert_int_eq(kill(supervisor_pid(&supervisor), SIGSTOP), 0);
	start_one(&outcome, MIB);
	supervisor_kill(&supervisor);
	dispatch(&outcome);
	ck_assert_int_eq(outcome.result, -ECONNRESET);
	/* it connects by itself, as soon as there is somebody */
	supervisor_start(&supervisor);
	start_one(&outcome, MIB);
	dispatch(&outcome);
	ck_assert_int_eq(outcome.result, 0);
}
END_TEST

START_TEST(an_allocation_that_waits_is_cut)
{
	struct contig_buffer *buffer = alloc(MIB);
	struct outcome outcome;

	/* the daemon looks at what is lent first, which takes a while */
	start_one(&outcome, CAPACITY);
	supervisor_kill(&supervisor);
	dispatch(&outcome);
	ck_assert(outcome.result == -ECONNRESET || outcome.result == -ENOMEM);
	supervisor_start(&supervisor);
	(void)contig_release(buffer);
}
END_TEST

/* Answered, but not yet received, when the daemon dies: the call succeeds, and
 * the daemon that comes back knows the buffer. */
START_TEST(an_answer_that_was_sent_counts)
{
	struct outcome outcome;
	struct pollfd pollfd = {.events = POLLIN};

	start_one(&outcome, MIB);
	pollfd.fd = contig_poll_fd(contig);
	ck_assert_int_eq(poll(&pollfd, 1, 30000), 1);
	supervisor_kill(&supervisor);
	dispatch(&outcome);
	ck_assert_int_eq(outcome.result, 0);
	supervisor_start(&supervisor);
}
END_TEST

static void *open_another(void *data)
{
	struct contig *another = NULL;

	(void)data;
	if (contig_open(&another, supervisor.socket) != 0)
		return NULL;
	return another;
}

START_TEST(connecting_waits_for_a_daemon)
{
	pthread_t thread;
	void *another;

	supervisor_kill(&supervisor);
	ck_assert_int_eq(pthread_create(&thread, NULL, open_another, NULL), 0);
	supervisor_start(&supervisor);
	ck_assert_int_eq(pthread_join(thread, &another), 0);
	ck_assert_ptr_nonnull(another);
	(void)contig_close(another);
}
END_TEST

/* ---- another program, another configuration ------------------------------- */

static void copy_program(const char *to)
{
	const char *contigd = getenv("CONTIGD");
	int in = open(contigd ? contigd : "./contigd", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;

	ck_assert_int_ge(in, 0);
	ck_assert_int_ge(out, 0);
	ck_assert_int_eq(fstat(in, &st), 0);
	for (off_t done = 0; done < st.st_size;) {
		ssize_t n = sendfile(out, in, NULL, (size_t)(st.st_size - done));

		ck_assert_int_gt(n, 0);
		done += n;
	}
	(void)fd_close(in);
	(void)fd_close(out);
}

START_TEST(another_program_goes_on)
{
	struct contig_buffer *buffer = alloc(MIB);
	char program[64];

	fill(buffer, 0x5a);
	(void)snprintf(program, sizeof(program), "%s/contigd",
		       supervisor.directory);
	copy_program(program);
	supervisor.spec.program = program;
	supervisor_stop(&supervisor);
	supervisor_start(&supervisor);
	expect_listed(buffer);
	expect_filled(buffer, 0x5a);
	(void)contig_release(buffer);
}
END_TEST

START_TEST(an_orderly_restart_loses_nothing_either)
{
	struct contig_buffer *buffer = alloc(MIB);

	fill(buffer, 0x5a);
	supervisor_stop(&supervisor);
	expect_filled(buffer, 0x5a);
	supervisor_start(&supervisor);
	expect_listed(buffer);
	expect_filled(buffer, 0x5a);
	(void)contig_release(buffer);
}
END_TEST

/* It hears of what it need not keep a moment after the daemon let go. */
static int manager_has_no_more(void *data)
{
	const size_t *before = data;

	return supervisor_count(&supervisor, "") <= *before;
}

START_TEST(nothing_piles_up)
{
	int fds;
	size_t stored;

	(void)contig_release(alloc(MIB));
	daemon_wait(all_is_back, NULL, 30000);
	restart();
	daemon_wait(all_is_back, NULL, 30000);
	fds = supervisor_count_fds(&supervisor);
	stored = supervisor_count(&supervisor, "");
	for (int i = 0; i < 20; i++) {
		struct contig_buffer *buffer = alloc(MIB);

		restart();
		(void)contig_release(buffer);
		daemon_wait(all_is_back, NULL, 30000);
	}
	supervisor_wait_fds(&supervisor, fds);
	daemon_wait(manager_has_no_more, &stored, 30000);
}
END_TEST

/* ---- charges -------------------------------------------------------------- */

static char quota_path[64];
static const char *const quota_arguments[] = {
	"--config", quota_path, "--simulate", "test=64M", NULL,
};

/* This user may have 4M. */
static void write_quota(void)
{
	FILE *file;

	(void)snprintf(quota_path, sizeof(quota_path), "%s/contigd.conf",
		       supervisor.directory);
	file = fopen(quota_path, "we");
	ck_assert_ptr_nonnull(file);
	(void)fprintf(file, "[quota %u]\nbytes = 4M\n", geteuid());
	ck_assert_int_eq(fclose(file), 0);
}

/* What was charged for a buffer is charged for as long as that lives. */
START_TEST(charges_stay)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer, *none;
	struct contig_failure failure;

	write_quota();
	supervisor_stop(&supervisor);
	supervisor.spec.arguments = quota_arguments;
	supervisor_start(&supervisor);
	buffer = alloc(3 * MIB);
	for (int i = 0; i < 3; i++) {
		restart();
		request.size_bytes = 2 * MIB;
		ck_assert_int_eq(contig_alloc(contig, &request, &none, &failure),
				 -EDQUOT);
		ck_assert_ptr_nonnull(strstr(failure.text, "3M of 4M in use"));
	}
	(void)contig_release(buffer);
	daemon_wait(all_is_back, NULL, 30000);
	(void)contig_release(alloc(4 * MIB));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reconnect");
	TCase *tcase = harness_case(suite, "buffers");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, a_buffer_goes_on);
	tcase_add_test(tcase, the_rest_is_lent_as_before);
	tcase_add_test(tcase, ids_are_never_used_again);
	tcase_add_test(tcase, released_while_nobody_listens);
	tcase_add_test(tcase, held_by_a_mapping_alone);
	tcase_add_test(tcase, a_draining_buffer_goes_on);
	tcase_add_test(tcase, a_client_that_dies_meanwhile);

	tcase = harness_case(suite, "calls");
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, a_call_under_way_is_cut);
	tcase_add_test(tcase, an_allocation_that_waits_is_cut);
	tcase_add_test(tcase, an_answer_that_was_sent_counts);
	tcase_add_test(tcase, connecting_waits_for_a_daemon);

	tcase = harness_case(suite, "programs");
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, another_program_goes_on);
	tcase_add_test(tcase, an_orderly_restart_loses_nothing_either);
	tcase_add_test(tcase, nothing_piles_up);

	tcase = harness_case(suite, "charges");
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, charges_stay);
	return harness_run(suite);
}
