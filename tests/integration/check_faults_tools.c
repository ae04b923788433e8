/* SPDX-License-Identifier: MIT */
#include <contig.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/faults.h"
#include "tests/integration/launch.h"
#include "tests/integration/supervisor.h"
#include "tests/integration/sweep.h"
#include "util/fd.h"

/*
 * contigctl, while each allocation and system call that it makes fails once.
 * It prints what it prints otherwise and ends with 0, or it ends with 1 and a
 * reason: nobody may take half of a list for the whole.
 */

#define OUTPUT_BYTES (1 << 20)

static const char *const arguments[] = {
	"--config",   "/dev/null",	     "--simulate", "plain=4M",
	"--simulate", "guarded=4M,guard=4K", NULL,
};

static struct faults faults;
static struct supervisor supervisor;
static struct contig *contig;
static struct contig_buffer *buffer; /* for the lists */
static char program[PATH_MAX];
static char *expected; /* what it prints without a fault */

static void before(void)
{
	const struct supervisor_spec spec = {
		.arguments = arguments,
		.store_limit = 64,
	};
	struct contig_request request = CONTIG_REQUEST_INIT;

	supervisor_init(&supervisor, &spec);
	faults_init(&faults, supervisor.directory);
	supervisor_start(&supervisor);
	ck_assert_int_eq(contig_open(&contig, supervisor.socket), 0);
	request.size_bytes = 10000;
	request.region = "guarded";
	request.name = "listed";
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL), 0);
}

static void after(void)
{
	free(expected);
	expected = NULL;
	buffer = contig_release(buffer);
	contig = contig_close(contig);
	supervisor_stop(&supervisor);
	faults_deinit(&faults);
	supervisor_deinit(&supervisor);
}

/* ---- one run -------------------------------------------------------------- */

struct run {
	int code; /* as waitpid(2) says */
	char *out, *err;
};

static int make_file(void)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static char *read_and_close(int fd)
{
	size_t length;
	char *text;

	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(fd_read_all(fd, OUTPUT_BYTES, &text, &length), 0);
	(void)fd_close(fd);
	return text;
}

static void run_tool(struct run *run, const char *const *words)
{
	const char *const environment[] = {
		faults.preload.environment[0], faults.preload.environment[1],
		faults.preload.environment[2], "LC_ALL=C",
		"COLUMNS=80",		       NULL,
	};
	const char *argv[16] = {program, "--socket", supervisor.socket};
	struct launch start = {.argv = argv, .environment = environment};
	int out_fd = make_file();
	size_t n = 3;
	pid_t pid;

	while (*words)
		argv[n++] = *words++;
	start.err_fd = make_file();
	start.out_fd = out_fd;
	pid = launch(&start);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &run->code, 0), pid);
	run->out = read_and_close(out_fd);
	run->err = read_and_close(start.err_fd);
}

static enum sweep_end judge_run(const struct run *run, struct error *why)
{
	if (WIFEXITED(run->code) && WEXITSTATUS(run->code) == 0 &&
	    strcmp(run->out, expected) == 0)
		return SWEEP_ABSORBED;
	if (WIFEXITED(run->code) && WEXITSTATUS(run->code) == 1 &&
	    strncmp(run->err, "contigctl: ", 11) == 0)
		return SWEEP_REFUSED;
	error_write(why, "it ended with status 0x%x; output:\n%.100s\n%.100s",
		    (unsigned int)run->code, run->out, run->err);
	return SWEEP_WRONG;
}

static enum sweep_end act(void *data, struct error *why)
{
	enum sweep_end end;
	struct run run;

	run_tool(&run, data);
	if (!expected)
		expected = strdup(run.out);
	end = judge_run(&run, why);
	free(run.out);
	free(run.err);
	return end;
}

/* ---- sweeps --------------------------------------------------------------- */

static struct sweep_measure measure(void *data)
{
	(void)data;
	return (struct sweep_measure){.fds = 0};
}

/* Where these have no memory for a part of the output they leave it out, and
 * json-c may crash. */
static const char *const careless[] = {"libsmartcols", "libjson-c", NULL};

static const char *const commands[][5] = {
	{"regions"},
	{"buffers", "--json"},
	{"check"},
	{"map", "plain"},
	{"probe", "--dtb", "tests/devicetree/board.dtb"},
};

START_TEST(in_every_command)
{
	const struct sweep sweep = {
		.name = commands[_i][0],
		.faults = &faults,
		.alone = true,
		.except = careless,
		.act = act,
		.measure = measure,
		.data = (void *)(uintptr_t)commands[_i],
	};

	ck_assert_uint_eq(sweep_run(&sweep), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults_tools");
	TCase *tcase = harness_case(suite, "faults_tools");

	faults_require();
	/* where libtool puts it, if there is a script in its place */
	if (!realpath(".libs/contigctl", program) &&
	    !realpath("contigctl", program))
		harness_skip("there is no contigctl");
	tcase_set_timeout(tcase, 1200);
	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_loop_test(tcase, in_every_command, 0,
			    sizeof(commands) / sizeof(*commands));
	return harness_run(suite);
}
