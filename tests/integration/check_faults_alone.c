/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/faults.h"
#include "tests/integration/files.h"
#include "tests/integration/launch.h"
#include "tests/integration/sweep.h"
#include "tests/treedir.h"
#include "util/clock.h"
#include "util/fd.h"

/*
 * A daemon that somebody started by hand: it makes its socket, and the
 * directory for it, serves a client, and removes what it made when it is told
 * to end.  Each allocation and system call on the way fails once; and whatever
 * that leaves behind, the next one must start.
 */

#define LIMIT_MS 20000

static struct faults faults;
static char folder[32], socket_path[64], tree[TREEDIR_BYTES];
static const char *arguments[] = {
	NULL,	     "--user", NULL, "--config",   "/dev/null", "--socket",
	socket_path, "--tree", tree, "--simulate", "plain=4M",
	"--make-nothing-ahead", NULL,
};
static char user[16];
static int log_fd;
static pid_t pid; /* 0: it does not run */
static int code;  /* how it ended */
static struct sweep_measure measured;

/* Nodes as a real board has them, but none that would be lent: this machine
 * might have something there. */
static void make_tree(void)
{
	treedir_new(tree);
	treedir_reserved_memory(tree);
	treedir_node(tree, "reserved-memory/camera@90000000");
	TREEDIR_CELLS(tree, "reserved-memory/camera@90000000/reg", 0,
		      0x90000000, 0, 0x100000);
	treedir_bytes(tree, "reserved-memory/camera@90000000/no-map", "", 0);
	treedir_node(tree, "reserved-memory/pool");
	TREEDIR_CELLS(tree, "reserved-memory/pool/size", 0, 0x100000);
}

static void before(void)
{
	const char *contigd = getenv("CONTIGD");

	(void)strcpy(folder, "/tmp/contigd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(socket_path, sizeof(socket_path), "%s/run/socket",
		       folder);
	(void)snprintf(user, sizeof(user), "%u", (unsigned int)geteuid());
	arguments[0] = contigd ? contigd : "./contigd";
	arguments[2] = user;
	faults_init(&faults, folder);
	make_tree();
	log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(log_fd, 0);
}

static void after(void)
{
	log_fd = fd_close(log_fd);
	treedir_remove(tree);
	faults_deinit(&faults);
	files_remove_tree(folder);
}

/* ---- one daemon ----------------------------------------------------------- */

static bool has_ended(void)
{
	if (pid > 0 && waitpid(pid, &code, WNOHANG) == pid)
		pid = 0;
	return pid == 0;
}

static char *read_log(void)
{
	size_t length;
	char *text;

	ck_assert_int_eq(lseek(log_fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(fd_read_all(log_fd, 1 << 20, &text, &length), 0);
	return text;
}

static bool has_logged(const char *what)
{
	char *text = read_log();
	bool found = strstr(text, what) != NULL;

	free(text);
	return found;
}

static void show(void *data)
{
	char *text = read_log();

	(void)data;
	(void)fputs(text, stderr);
	free(text);
}

/* Asks until somebody answers.  A connection may be what fails. */
static struct contig *wait_until_it_serves(void)
{
	const struct timespec pause = {.tv_nsec = 500000};
	uint64_t limit = clock_ms() + LIMIT_MS;
	struct contig *contig = NULL;

	while (contig_open(&contig, socket_path) < 0) {
		if (has_ended() || clock_ms() > limit)
			return NULL;
		(void)nanosleep(&pause, NULL);
	}
	return contig;
}

static void start(void)
{
	const struct launch what = {
		.argv = arguments,
		.environment = faults.preload.environment,
		.err_fd = log_fd,
	};

	ck_assert_int_eq(ftruncate(log_fd, 0), 0);
	ck_assert_int_eq(lseek(log_fd, 0, SEEK_SET), 0);
	pid = launch(&what);
	ck_assert_int_gt(pid, 0);
}

static void end(int signo)
{
	if (pid == 0)
		return;
	ck_assert_int_eq(kill(pid, signo), 0);
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	pid = 0;
}

/* ---- the sweep ------------------------------------------------------------ */

static enum sweep_end say(enum sweep_end what, struct error *why,
			  const char *text)
{
	error_write(why, "%s (status 0x%x)", text, (unsigned int)code);
	return what;
}

static bool is_idle_in_the_end(struct contig *contig)
{
	const struct timespec pause = {.tv_nsec = 500000};
	uint64_t limit = clock_ms() + LIMIT_MS;
	struct contig_status status;

	while (contig_get_status(contig, &status) < 0 || status.buffers > 0 ||
	       status.clients > 1 || status.dirty_bytes > 0) {
		if (clock_ms() > limit)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

static enum sweep_end serve(struct contig *contig, struct error *why)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_buffer *buffer;
	enum sweep_end how = SWEEP_ABSORBED;

	request.size_bytes = 1;
	if (contig_alloc(contig, &request, &buffer, NULL) < 0) {
		how = SWEEP_REFUSED;
		if (contig_alloc(contig, &request, &buffer, NULL) < 0)
			buffer = NULL;
	}
	if (!buffer && !has_logged("is not served"))
		return say(SWEEP_WRONG, why, "it lends nothing, and is silent");
	(void)contig_release(buffer);
	if (!is_idle_in_the_end(contig))
		return say(SWEEP_WRONG, why, "the buffer does not come back");
	measured.fds = files_count_fds(pid);
	return how;
}

static enum sweep_end live(void *data, struct error *why)
{
	enum sweep_end how;
	struct contig *contig;

	(void)data;
	measured.fds = 0;
	start();
	contig = wait_until_it_serves();
	if (!contig && pid > 0)
		return say(SWEEP_WRONG, why, "it neither serves nor ends");
	if (!contig)
		return WIFEXITED(code) && WEXITSTATUS(code) > 0 &&
				       WEXITSTATUS(code) < 3 &&
				       has_logged("contigd: ")
			       ? SWEEP_REFUSED
			       : say(SWEEP_WRONG, why,
				     "it ended without a reason");
	how = serve(contig, why);
	(void)contig_close(contig);
	end(SIGTERM);
	if (how != SWEEP_WRONG && (!WIFEXITED(code) || WEXITSTATUS(code) != 0))
		return say(SWEEP_WRONG, why, "it did not end well");
	return how;
}

/* The next one, which leaves nothing. */
static bool judge(void *data, struct error *why)
{
	struct sweep_measure first = measured;
	enum sweep_end how;

	end(SIGKILL);
	how = live(data, why);
	measured = first.fds > 0 ? first : measured;
	if (how == SWEEP_ABSORBED && access(socket_path, F_OK) == 0)
		how = say(SWEEP_WRONG, why, "its socket stays behind");
	if (how != SWEEP_ABSORBED)
		error_write_prefix(why, "the next one");
	return how == SWEEP_ABSORBED;
}

/* The directory is made by each. */
static void renew(void *data)
{
	char path[64];

	(void)data;
	end(SIGKILL);
	(void)snprintf(path, sizeof(path), "%s/run", folder);
	(void)unlink(socket_path);
	(void)rmdir(path);
}

static struct sweep_measure measure(void *data)
{
	(void)data;
	return measured;
}

START_TEST(in_a_whole_life)
{
	const struct sweep sweep = {
		.name = "started by hand",
		.faults = &faults,
		.alone = true,
		.renew = renew,
		.act = live,
		.judge = judge,
		.measure = measure,
		.show = show,
	};

	ck_assert_uint_eq(sweep_run(&sweep), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults_alone");
	TCase *tcase = harness_case(suite, "faults_alone");

	faults_require();
	tcase_set_timeout(tcase, 1200);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, in_a_whole_life);
	return harness_run(suite);
}
