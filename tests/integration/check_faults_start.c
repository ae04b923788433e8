/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/daemon.h"
#include "tests/integration/stage.h"
#include "util/fd.h"

/*
 * A daemon starts, or ends, and each allocation and system call that it makes
 * on the way fails once.  Either it serves, and whatever it does not serve then
 * stands in its log; or it ends with a status that is not 0 and a reason.  And
 * the next start must find everything as if nothing had happened, above all
 * what was lent before, unless a start said that it had to quarantine it.
 */

#define N_KEPT	   3
#define KEPT_BYTES 40000
#define PATTERN	   0x5a

static struct stage stage;
static struct contig_buffer *kept[N_KEPT]; /* all NULL: nothing is lent */
static int drained_fd = -1; /* of one more, which its owner has released */
/* Descriptors alone: what a start leaves of memory cannot pile up. */
static struct sweep_measure measured;
static bool is_intact; /* the next fault need not begin anew */

static void before(void)
{
	stage_init(&stage, false);
}

static void before_prepared(void)
{
	stage_init(&stage, true);
}

/* ---- what is lent all the while ------------------------------------------- */

static struct contig_buffer *alloc(const char *region)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	void *map;

	request.size_bytes = KEPT_BYTES;
	request.region = region;
	ck_assert_int_eq(contig_alloc(stage.observer, &request, &buffer, NULL),
			 0);
	ck_assert_int_eq(contig_map(buffer, CONTIG_READ | CONTIG_WRITE, &map),
			 0);
	memset(map, PATTERN, contig_size(buffer));
	return buffer;
}

static int is_draining(void *data)
{
	struct contig_status status;

	(void)data;
	ck_assert_int_eq(contig_get_status(stage.observer, &status), 0);
	return status.draining_bytes > 0;
}

static void let_go(void)
{
	for (size_t i = 0; i < N_KEPT; i++)
		kept[i] = contig_release(kept[i]);
	drained_fd = fd_close(drained_fd);
}

static void lend_some(void)
{
	struct contig_buffer *drained;

	for (size_t i = 0; i < N_KEPT; i++)
		kept[i] = alloc(i == 1 ? "guarded" : "plain");
	drained = alloc("plain");
	drained_fd = fcntl(contig_fd(drained), F_DUPFD_CLOEXEC, 0);
	ck_assert_int_ge(drained_fd, 0);
	(void)contig_release(drained);
	daemon_wait(is_draining, NULL, 20000);
}

static bool is_listed(const struct contig_buffer_info *array, size_t n,
		      const struct contig_buffer *buffer)
{
	struct contig_buffer_info info;

	contig_info(buffer, &info);
	for (size_t i = 0; i < n; i++)
		if (array[i].id == info.id)
			return array[i].size_bytes == info.size_bytes &&
			       array[i].owner_uid == info.owner_uid &&
			       !array[i].draining &&
			       strcmp(array[i].region, info.region) == 0;
	return false;
}

static bool is_filled(struct contig_buffer *buffer)
{
	const unsigned char *bytes;
	void *map;

	if (contig_map(buffer, CONTIG_READ, &map) < 0)
		return false;
	bytes = map;
	return bytes[0] == PATTERN &&
	       memcmp(bytes, bytes + 1, contig_size(buffer) - 1) == 0;
}

/* Every one of them is there as it was. */
static bool has_kept(struct error *why)
{
	struct contig_buffer_info *array;
	size_t n, n_kept = 0, n_listed = 0;

	if (contig_list_buffers(stage.observer, &array, &n) < 0) {
		error_write(why, "no list of buffers");
		return false;
	}
	for (size_t i = 0; i < N_KEPT && kept[i]; i++) {
		n_kept++;
		n_listed += is_listed(array, n, kept[i]) && is_filled(kept[i]);
	}
	free(array);
	error_write(why, "%zu buffers are listed, of %zu that were lent %zu", n,
		    n_kept, n_listed);
	return n_listed == n_kept && n == n_kept + (drained_fd >= 0);
}

/* ---- how a start went ----------------------------------------------------- */

/* A connection may be what fails, once. */
static int get_status(struct contig_status *status)
{
	int r;

	for (int i = 0; i < 2; i++) {
		r = stage.observer ? 0
				   : contig_open(&stage.observer,
						 stage.supervisor.socket);
		if (r == 0)
			r = contig_get_status(stage.observer, status);
		if (r == 0)
			break;
	}
	return r;
}

/* It serves; but what? */
static enum sweep_end look(struct error *why)
{
	struct contig_status status;
	int r = get_status(&status);

	if (r < 0) {
		error_write(why, "it serves nobody: %s", strerror(-r));
		return SWEEP_WRONG;
	}
	if (stage.supervisor.restarts > 0) {
		error_write(why, "it ended when it had become ready");
		return SWEEP_WRONG;
	}
	measured.fds = supervisor_count_fds(&stage.supervisor);
	if (status.quarantined_bytes > 0) {
		is_intact = false;
		if (!supervisor_has_logged(&stage.supervisor, "quarantined")) {
			error_write(why, "it does not say what is quarantined");
			return SWEEP_WRONG;
		}
		return SWEEP_REFUSED;
	}
	if (status.regions < 2) {
		if (!supervisor_has_logged(&stage.supervisor,
					   "is not served")) {
			error_write(why, "it does not say what is not served");
			return SWEEP_WRONG;
		}
		return SWEEP_REFUSED;
	}
	return has_kept(why) ? SWEEP_ABSORBED : SWEEP_WRONG;
}

static enum sweep_end start_and_look(struct error *why)
{
	stage_kill(&stage);
	measured = (struct sweep_measure){.fds = 0};
	(void)supervisor_launch(&stage.supervisor);
	switch (stage_wait_start(&stage)) {
	case STAGE_SERVES:
		return look(why);
	case STAGE_ENDED:
		return stage_has_explained(&stage, why) ? SWEEP_REFUSED
							: SWEEP_WRONG;
	default:
		error_write(why, "it neither serves nor ends");
		return SWEEP_WRONG;
	}
}

static enum sweep_end start(void *data, struct error *why)
{
	enum sweep_end end = start_and_look(why);

	(void)data;
	is_intact &= end != SWEEP_WRONG;
	return end;
}

/* The next start. */
static bool judge(void *data, struct error *why)
{
	struct sweep_measure first = measured;
	enum sweep_end end;
	bool was_intact = is_intact;

	end = start(data, why);
	if (end == SWEEP_ABSORBED && first.fds > 0)
		measured = first; /* what was to be measured */
	if (end == SWEEP_ABSORBED)
		return true;
	if (end == SWEEP_REFUSED && !was_intact)
		return true;
	is_intact = false;
	error_write_prefix(why, "the next start");
	return false;
}

static struct sweep_measure measure(void *data)
{
	(void)data;
	return measured;
}

static void sweep(const char *name, void (*renew)(void *data),
		  enum sweep_end (*act)(void *data, struct error *why))
{
	const struct sweep what = {
		.name = name,
		.faults = &stage.faults,
		.alone = true,
		.renew = renew,
		.act = act,
		.judge = judge,
		.measure = measure,
		.show = stage_show,
		.data = &stage,
	};

	is_intact = false;
	ck_assert_uint_eq(sweep_run(&what), 0);
	let_go();
	stage_deinit(&stage);
}

/* ---- ways to start -------------------------------------------------------- */

static void nothing_is_there(void *data)
{
	(void)data;
	stage_clear(&stage);
	is_intact = true;
}

static void something_is_lent(void *data)
{
	if (is_intact)
		return;
	let_go();
	stage_renew(data);
	lend_some();
	is_intact = true;
}

START_TEST(for_the_first_time)
{
	sweep("the first start", nothing_is_there, start);
}
END_TEST

START_TEST(what_was_prepared)
{
	sweep("preparing and starting", nothing_is_there, start);
}
END_TEST

START_TEST(with_something_lent)
{
	sweep("another start", something_is_lent, start);
}
END_TEST

/* One that offers nothing: this machine might have something there. */
START_TEST(with_a_devicetree)
{
	stage_add_argument(&stage, "--dtb");
	stage_add_argument(&stage, "tests/devicetree/phandle-circle.dtb");
	sweep("a start with a devicetree", nothing_is_there, start);
}
END_TEST

/* ---- ending --------------------------------------------------------------- */

static enum sweep_end end(void *data, struct error *why)
{
	int code;

	(void)data;
	if (stage.supervisor.pid == 0)
		supervisor_start(&stage.supervisor);
	measured.fds = supervisor_count_fds(&stage.supervisor);
	supervisor_end(&stage.supervisor);
	stage.supervisor.restarts = 0;
	code = stage.supervisor.code;
	if (WIFEXITED(code) && WEXITSTATUS(code) == 0)
		return SWEEP_ABSORBED;
	error_write(why, "it ended with status 0x%x", (unsigned int)code);
	return SWEEP_WRONG;
}

START_TEST(at_the_end)
{
	sweep("the end", something_is_lent, end);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults_start");
	TCase *plain = harness_case(suite, "plain");
	TCase *prepared = harness_case(suite, "prepared");

	faults_require();
	tcase_set_timeout(plain, 1200);
	tcase_add_checked_fixture(plain, before, NULL);
	tcase_add_test(plain, for_the_first_time);
	tcase_add_test(plain, with_something_lent);
	tcase_add_test(plain, with_a_devicetree);
	tcase_add_test(plain, at_the_end);
	tcase_set_timeout(prepared, 1200);
	tcase_add_checked_fixture(prepared, before_prepared, NULL);
	tcase_add_test(prepared, what_was_prepared);
	return harness_run(suite);
}
