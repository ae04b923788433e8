/* SPDX-License-Identifier: MIT */
#include "tests/integration/stage.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/files.h"
#include "util/clock.h"
#include "util/fd.h"

/*
 * What one call of the daemon that fails may do to a client: one of its own
 * calls fails, with an error that says something, and the next one succeeds.
 * Then all must be as if nothing had happened.
 */

#define LIMIT_MS 10000

static const char text[] =
	"[simulate plain]\n"
	"size = 8M\n"
	"[simulate guarded]\n"
	"size = 1M\n"
	"granule = 4K\n"
	"guard = 4K\n"
	"[quota %u]\n" /* only this binds the daemon's own user */
	"bytes = 8M\n"
	"buffers = 100\n";

void stage_add_argument(struct stage *stage, const char *argument)
{
	size_t n = 0;

	while (stage->arguments[n])
		n++;
	ck_assert_uint_lt(n + 1, STAGE_ARGUMENTS);
	stage->arguments[n] = argument;
}

static void write_config(struct stage *stage)
{
	int fd;

	(void)snprintf(stage->config, sizeof(stage->config), "%s/config",
		       stage->supervisor.directory);
	fd = open(stage->config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(dprintf(fd, text, (unsigned int)geteuid()), 0);
	(void)fd_close(fd);
}

void stage_init(struct stage *stage, bool prepare)
{
	const struct supervisor_spec spec = {
		.arguments = stage->arguments,
		.environment = stage->faults.preload.environment,
		.store_limit = 64,
		.watchdog_ms = 600000,
		.prepare = prepare,
		.restart = true,
	};

	*stage = (struct stage){.n_clients = 1};
	supervisor_init(&stage->supervisor, &spec);
	faults_init(&stage->faults, stage->supervisor.directory);
	write_config(stage);
	stage_add_argument(stage, "--config");
	stage_add_argument(stage, stage->config);
	/* so that what is left of anything can be counted */
	stage_add_argument(stage, "--make-nothing-ahead");
}

void stage_deinit(struct stage *stage)
{
	stage->observer = contig_close(stage->observer);
	if (stage->supervisor.pid)
		supervisor_stop(&stage->supervisor);
	faults_deinit(&stage->faults);
	supervisor_deinit(&stage->supervisor);
}

enum stage_start stage_wait_start(struct stage *stage)
{
	const struct timespec pause = {.tv_nsec = 500000};
	struct supervisor *supervisor = &stage->supervisor;
	uint64_t limit = clock_ms() + LIMIT_MS;
	enum stage_start start = STAGE_SILENT;

	while (start == STAGE_SILENT && clock_ms() < limit) {
		(void)nanosleep(&pause, NULL);
		pthread_mutex_lock(&supervisor->lock);
		if (supervisor->pid == 0 || supervisor->restarts > 0)
			start = STAGE_ENDED;
		else if (supervisor->ready)
			start = STAGE_SERVES;
		pthread_mutex_unlock(&supervisor->lock);
	}
	return start;
}

bool stage_has_explained(struct stage *stage, struct error *why)
{
	int code = stage->supervisor.code;

	if (WIFEXITED(code) && WEXITSTATUS(code) > 0 && WEXITSTATUS(code) < 3 &&
	    supervisor_has_logged(&stage->supervisor, "contigd: err: "))
		return true;
	error_write(why, "it ended with status 0x%x and no reason",
		    (unsigned int)code);
	return false;
}

void stage_kill(struct stage *stage)
{
	supervisor_kill(&stage->supervisor);
	stage->supervisor.restarts = 0;
}

void stage_clear(struct stage *stage)
{
	struct supervisor *supervisor = &stage->supervisor;

	stage_kill(stage);
	supervisor_forget(supervisor, NULL);
	files_remove_tree(supervisor->runtime);
	ck_assert_int_eq(mkdir(supervisor->runtime, 0755), 0);
}

void stage_renew(void *data)
{
	struct stage *stage = data;

	stage_clear(stage);
	supervisor_start(&stage->supervisor);
	if (!stage->observer)
		ck_assert_int_eq(
			contig_open(&stage->observer, stage->supervisor.socket),
			0);
}

struct sweep_measure stage_measure(void *data)
{
	struct stage *stage = data;

	return (struct sweep_measure){
		.fds = supervisor_count_fds(&stage->supervisor),
		.blocks = faults_blocks(&stage->faults),
	};
}

void stage_show(void *data)
{
	struct stage *stage = data;

	supervisor_show_log(&stage->supervisor);
}

static bool is_idle(struct stage *stage, struct error *why)
{
	struct contig_status status;
	int r = contig_get_status(stage->observer, &status);

	if (r < 0) {
		error_write(why, "the observer's status: %s", strerror(-r));
		return false;
	}
	error_write(why,
		    "%u buffers, %u clients; bytes: %llu dirty, %llu "
		    "quarantined, %llu of %llu free",
		    status.buffers, status.clients,
		    (unsigned long long)status.dirty_bytes,
		    (unsigned long long)status.quarantined_bytes,
		    (unsigned long long)status.free_bytes,
		    (unsigned long long)status.total_bytes);
	return status.buffers == 0 && status.clients == stage->n_clients &&
	       status.dirty_bytes == 0 && status.quarantined_bytes == 0 &&
	       status.regions == 2 && status.free_bytes == status.total_bytes;
}

bool stage_wait_idle(struct stage *stage, struct error *why)
{
	const struct timespec pause = {.tv_nsec = 500000};
	uint64_t limit = clock_ms() + LIMIT_MS;
	struct error last = ERROR_INIT;

	while (!is_idle(stage, &last)) {
		if (stage->supervisor.restarts > 0) {
			error_write(why, "the daemon ended with status 0x%x",
				    (unsigned int)stage->supervisor.code);
			return false;
		}
		if (clock_ms() > limit) {
			error_write(why, "not all came back: %s", last.text);
			return false;
		}
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

bool stage_judge(void *data, struct error *why)
{
	struct stage *stage = data;
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure;
	struct contig_buffer *buffer;

	if (!stage_wait_idle(stage, why))
		return false;
	request.size_bytes = 1;
	if (contig_alloc(stage->observer, &request, &buffer, &failure) < 0) {
		error_write(why, "the next allocation: %s", failure.text);
		return false;
	}
	(void)contig_release(buffer);
	return stage_wait_idle(stage, why);
}

/* ---- a client ------------------------------------------------------------- */

/* By the library's header. */
const int stage_promised[] = {-EIO, -ENOMEM, -EDQUOT, -ECONNRESET, 0};

enum sweep_end stage_end(struct stage *stage, const struct script *script)
{
	enum sweep_end end = script_end(script);

	/* what comes after the last call may fail as well */
	if (end != SWEEP_WRONG && !stage_wait_idle(stage, script->why))
		return SWEEP_WRONG;
	return end;
}
