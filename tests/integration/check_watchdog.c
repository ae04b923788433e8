/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/supervisor.h"
#include "util/fd.h"

/*
 * One thread of a running daemon is stopped, as a debugger does it, and the
 * service manager must hear no more of it; when the thread goes on, it must.
 *
 * That nothing comes can only be seen by waiting: for ten times as long as the
 * daemon takes from one sign of life to the next.
 */

#define WATCHDOG_MS 200 /* so a sign of life is due each 100 ms */
#define SILENCE_MS  1000
#define MIB	    (UINT64_C(1) << 20)

static const char *const arguments[] = {"--config", "/dev/null", "--simulate",
					"test=64M", NULL};
static struct supervisor supervisor;
static struct contig *contig;

static void before(void)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.store_limit = 64,
		.watchdog_ms = WATCHDOG_MS,
	};

	supervisor_init(&supervisor, &spec);
	supervisor_start(&supervisor);
	ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
}

static void after(void)
{
	contig = contig_close(contig);
	supervisor_stop(&supervisor);
	supervisor_deinit(&supervisor);
}

static unsigned int signs_of_life(void)
{
	unsigned int alive;

	pthread_mutex_lock(&supervisor.lock);
	alive = supervisor.alive;
	pthread_mutex_unlock(&supervisor.lock);
	return alive;
}

static int has_one_more(void *data)
{
	return signs_of_life() > *(unsigned int *)data;
}

static void expect_life(void)
{
	unsigned int before_it = signs_of_life();

	daemon_wait(has_one_more, &before_it, 30000);
}

/* How many come in ten times the time in which one is due. */
static unsigned int listen_for_life(void)
{
	unsigned int start = signs_of_life();
	struct timespec all = {.tv_sec = SILENCE_MS / 1000};

	while (nanosleep(&all, &all) < 0 && errno == EINTR)
		;
	return signs_of_life() - start;
}

static pid_t find_worker(void)
{
	const struct dirent *entry;
	char path[300], *name;
	pid_t found = -1;
	size_t len;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/task",
		       (int)supervisor_pid(&supervisor));
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/comm",
			       (int)supervisor_pid(&supervisor), entry->d_name);
		if (entry->d_name[0] == '.' ||
		    fd_read_file(path, 64, &name, &len) < 0)
			continue;
		if (strcmp(name, "contigd-worker\n") == 0)
			found = atoi(entry->d_name);
		free(name);
	}
	(void)closedir(dir);
	ck_assert_int_gt(found, 0);
	return found;
}

static void stop_thread(pid_t thread)
{
	int code;

	ck_assert_int_eq(ptrace(PTRACE_SEIZE, thread, NULL, NULL), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(thread, &code, __WALL), thread);
	ck_assert(WIFSTOPPED(code));
}

static void continue_thread(pid_t thread)
{
	ck_assert_int_eq(ptrace(PTRACE_DETACH, thread, NULL, NULL), 0);
}

static void dirty_some_memory(void)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;

	request.size_bytes = MIB;
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), 0);
	(void)contig_release(buffer);
}

static int is_dirty(void *data)
{
	struct contig_status status;

	(void)data;
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	return status.dirty_bytes > 0;
}

START_TEST(life_is_heard_of)
{
	expect_life();
	expect_life();
}
END_TEST

START_TEST(loop_that_stands_still_is_not_alive)
{
	pid_t thread = supervisor_pid(&supervisor);

	expect_life();
	stop_thread(thread);
	ck_assert_uint_le(listen_for_life(), 1); /* one may be on its way */
	continue_thread(thread);
	expect_life();
}
END_TEST

START_TEST(worker_that_stands_still_is_not_alive)
{
	pid_t thread = find_worker();

	expect_life();
	stop_thread(thread);
	dirty_some_memory();
	daemon_wait(is_dirty, NULL, 30000);
	/* the loop turns, as it answers; it takes two looks to see a stall */
	ck_assert_uint_le(listen_for_life(), 2);
	ck_assert_int_eq(is_dirty(NULL), 1);
	continue_thread(thread);
	expect_life();
}
END_TEST

START_TEST(worker_without_work_may_stand_still)
{
	pid_t thread = find_worker();

	stop_thread(thread);
	expect_life();
	expect_life();
	expect_life();
	continue_thread(thread);
}
END_TEST

static int status_says(void *data)
{
	int found;

	pthread_mutex_lock(&supervisor.lock);
	found = strstr(supervisor.status, data) != NULL;
	pthread_mutex_unlock(&supervisor.lock);
	return found;
}

START_TEST(status_follows)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	char lent[] = "Serving 64M in 1 region: 1M lent in 1 buffer, 1 client";
	char back[] = "Serving 64M in 1 region: 0B lent in 0 buffers, 1 client";

	request.size_bytes = MIB;
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), 0);
	daemon_wait(status_says, lent, 30000);
	(void)contig_release(buffer);
	daemon_wait(status_says, back, 30000);
}
END_TEST

/* Containers and hardened kernels may forbid it. */
static bool may_trace(void)
{
	pid_t pid = fork();
	bool may;

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	may = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return may;
}

int main(void)
{
	Suite *suite = suite_create("watchdog");
	TCase *tcase = harness_case(suite, "watchdog");
	bool traces = may_trace();
	int failed;

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, life_is_heard_of);
	tcase_add_test(tcase, status_follows);
	if (traces) {
		tcase_add_test(tcase, loop_that_stands_still_is_not_alive);
		tcase_add_test(tcase, worker_that_stands_still_is_not_alive);
		tcase_add_test(tcase, worker_without_work_may_stand_still);
	}
	failed = harness_run(suite);
	if (!failed && !traces)
		harness_skip("a thread cannot be stopped here: no ptrace(2)");
	return failed;
}
