/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/stock.h"
#include "tests/bench/crowd.h"
#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/raw.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"

/*
 * The soak: a great many mixed requests against a real contigd, and then the
 * question what they have left behind.  The crowd goes home at each of ten
 * stages, so that everything the daemon still has is its own; resident memory
 * and descriptors are then read from /proc.
 *
 * A warm-up comes first, and is the base line: the daemon's heap grows to what
 * so many clients and buffers at a time take, and glibc keeps it.  From then on
 * it must not grow, whatever comes.
 *
 *	SOAK_REQUESTS	how many behind the warm-up
 *	SOAK_SEED	of the dice
 */

#define WARM_UP		 40000
#define DEFAULT_REQUESTS 20000
#define STAGES		 10
#define GROWTH_KIB	 64
#define QUIET_LIMIT_MS	 30000

/* Sanitizers keep what is freed, so resident memory says nothing there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RSS_COUNTS false
#else
#define RSS_COUNTS true
#endif

struct remains {
	uint64_t rss_kib;
	int fds;
};

static struct daemon daemon_process;
static struct crowd crowd;
static int asking_fd; /* connected all the time, for the figures */
static uint32_t serial;

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);
	char *end;
	uint64_t number;

	if (!text || !*text)
		return otherwise;
	errno = 0;
	number = strtoull(text, &end, 10);
	ck_assert_msg(errno == 0 && *end == '\0' && number > 0,
		      "%s: '%s' is no number", variable, text);
	return number;
}

static uint64_t read_field(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	uint64_t kib;

	ck_assert_ptr_nonnull(line);
	ck_assert_int_eq(sscanf(line + strlen(name), "%" SCNu64 " kB", &kib),
			 1);
	return kib;
}

/* The figure in /proc/PID/status is put together from counters of each
 * processor, which lag behind; this one is counted when it is asked for.  A
 * huge page that is just being made for a buffer is mapped for a moment. */
static uint64_t read_rss_kib(void)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup",
		       (int)daemon_process.pid);
	ck_assert_int_eq(fd_read_file(path, 1 << 16, &text, &len), 0);
	return read_field(text, "\nRss:") -
	       read_field(text, "\nShmemPmdMapped:");
}

/* Whether nobody but who asks is connected and everything is free; zeroing goes
 * on behind that and is waited for, too. */
static int is_quiet(void *data)
{
	const struct contig_msg_status_reply *status;
	union message message;

	(void)data;
	raw_prepare(&message, CONTIG_MSG_STATUS, ++serial);
	raw_send(asking_fd, &message, message.header.size);
	ck_assert_uint_eq(raw_receive(asking_fd, &message, NULL),
			  sizeof(message.status_reply));
	status = &message.status_reply;
	return status->clients == 1 && status->buffers == 0 &&
	       status->free_bytes == status->total_bytes &&
	       status->dirty_bytes == 0;
}

static struct remains look(void)
{
	struct remains remains;

	crowd_leave(&crowd);
	daemon_wait(is_quiet, NULL, QUIET_LIMIT_MS);
	remains.rss_kib = read_rss_kib();
	remains.fds = daemon_count_fds(&daemon_process);
	return remains;
}

static void tell(const struct remains *remains, uint64_t started_ms)
{
	(void)printf("%9" PRIu64 " requests in %3" PRIu64 " s: %5" PRIu64
		     " KiB resident, %d descriptors\n",
		     crowd.requests, (clock_ms() - started_ms) / 1000,
		     remains->rss_kib, remains->fds);
	(void)fflush(stdout);
}

static void tell_what_was_done(void)
{
	(void)printf("%" PRIu64 " served, %" PRIu64 " refused, %" PRIu64
		     " broken off; %" PRIu64 " buffers lent; %" PRIu64
		     " connections, %" PRIu64 " of them cut, %" PRIu64
		     " processes killed\n",
		     crowd.served, crowd.refused, crowd.broken, crowd.lent,
		     crowd.connected, crowd.cut, crowd.killed);
}

START_TEST(leaves_nothing_behind)
{
	uint64_t requests = number_from("SOAK_REQUESTS", DEFAULT_REQUESTS);
	uint64_t started_ms = clock_ms();
	struct remains before, now;

	crowd_init(&crowd, daemon_process.socket, number_from("SOAK_SEED", 1));
	crowd_run(&crowd, WARM_UP);
	before = look();
	tell(&before, started_ms);
	for (uint64_t stage = 1; stage <= STAGES; stage++) {
		uint64_t done = crowd.requests - WARM_UP;
		uint64_t goal = requests * stage / STAGES;

		if (goal > done)
			crowd_run(&crowd, goal - done);
		now = look();
		tell(&now, started_ms);
	}
	tell_what_was_done();
	/* What lies ready varies, with two descriptors each, and so does what
	 * waits to be freed, and what the worker is freeing. */
	ck_assert_int_le(abs(now.fds - before.fds),
			 2 * STOCK_OBJECTS + 4 * STOCK_DOOMED_OBJECTS);
	if (RSS_COUNTS)
		ck_assert_msg(now.rss_kib <= before.rss_kib + GROWTH_KIB,
			      "resident memory grew from %" PRIu64
			      " KiB to %" PRIu64 " KiB",
			      before.rss_kib, now.rss_kib);
}
END_TEST

static void before_each(void)
{
	daemon_start(&daemon_process, crowd_options);
	asking_fd = raw_open(daemon_process.socket);
	serial = 1;
}

static void after_each(void)
{
	asking_fd = fd_close(asking_fd);
	daemon_stop(&daemon_process);
}

int main(void)
{
	Suite *suite = suite_create("soak");
	TCase *tcase = harness_case(suite, "soak");

	tcase_set_timeout(tcase, 0); /* as long as it takes */
	tcase_add_checked_fixture(tcase, before_each, after_each);
	tcase_add_test(tcase, leaves_nothing_behind);
	return harness_run(suite);
}
