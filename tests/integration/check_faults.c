/* SPDX-License-Identifier: MIT */
#include "tests/integration/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/integration/faults_functions.h"
#include "tests/integration/sweep.h"
#include "util/fd.h"

/*
 * Failures of chosen calls, met by this program itself, which runs with the
 * library preloaded; sweeps of them over code that has the faults that they are
 * to find; and whether everything that the project calls is among what can be
 * made to fail.
 */

static struct faults faults;
static struct fault *list;
static size_t n_faults;

/* With a fault, or to be counted.  True: the fault was met. */
__attribute__((noinline)) static bool perform(void (*act)(void),
					      const struct fault *fault)
{
	const void *top = __builtin_frame_address(0);

	if (fault)
		faults_arm(&faults, fault, top);
	else
		faults_count(&faults, top);
	act();
	return faults_disarm(&faults);
}

/* All that can fail of what it calls. */
static void take_census(void (*act)(void))
{
	faults_clear(&faults);
	(void)perform(act, NULL);
	free(list);
	list = faults_list(&faults, &n_faults);
}

static void after(void)
{
	(void)faults_disarm(&faults);
	free(list);
	list = NULL;
}

/* ---- one call ------------------------------------------------------------- */

static void *volatile block; /* the compiler leaves out what nobody sees */

static int reason;

static void allocate(void)
{
	errno = 0;
	block = malloc(10);
	reason = errno;
	free(block);
}

static void allocate_twice(void)
{
	allocate();
	allocate();
}

START_TEST(a_call_fails_once)
{
	take_census(allocate);
	ck_assert_uint_eq(n_faults, 1);
	allocate(); /* not armed */
	ck_assert_ptr_nonnull(block);
	ck_assert(perform(allocate, &list[0]));
	ck_assert_ptr_null(block);
	ck_assert_int_eq(reason, ENOMEM);
	allocate();
	ck_assert_ptr_nonnull(block);
}
END_TEST

START_TEST(another_call_of_the_function_does_not)
{
	take_census(allocate);
	ck_assert(!perform(allocate_twice, &list[0]));
	ck_assert_ptr_nonnull(block);
	take_census(allocate_twice);
	ck_assert_uint_eq(n_faults, 2);
}
END_TEST

static int opened[3];

static void open_three(void)
{
	for (int i = 0; i < 3; i++) {
		opened[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		(void)fd_close(opened[i]);
	}
}

static const struct fault *find_fault(int error, int32_t occurrence,
				      uint32_t calls)
{
	for (size_t i = 0; i < n_faults; i++)
		if (list[i].error == error && list[i].occurrence == occurrence &&
		    list[i].site->calls == calls)
			return &list[i];
	ck_abort_msg("there is no such fault");
	return NULL;
}

START_TEST(the_second_call_fails)
{
	take_census(open_three);
	ck_assert(perform(open_three, find_fault(EMFILE, 2, 3)));
	ck_assert_int_ge(opened[0], 0);
	ck_assert_int_eq(opened[1], -1);
	ck_assert_int_ge(opened[2], 0);
}
END_TEST

static int closed_fd;
static int closed_result;

static void close_one(void)
{
	closed_result = close(closed_fd);
}

START_TEST(what_is_closed_is_closed)
{
	closed_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	take_census(close_one);
	closed_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_uint_eq(n_faults, 1);
	ck_assert(perform(close_one, &list[0]));
	ck_assert_int_eq(closed_result, -1);
	ck_assert_int_eq(fcntl(closed_fd, F_GETFD), -1);
}
END_TEST

static int written_fd;
static ssize_t written;

static void write_some(void)
{
	written = write(written_fd, "12345678", 8);
}

START_TEST(half_is_written)
{
	written_fd = memfd_create("file", MFD_CLOEXEC);
	ck_assert_int_ge(written_fd, 0);
	take_census(write_some);
	ck_assert_uint_eq(n_faults, 3);
	ck_assert(perform(write_some, find_fault(FAULTS_SHORT, 1, 1)));
	ck_assert_int_eq(written, 4);
	(void)fd_close(written_fd);
}
END_TEST

/* Where there is no disk, nothing can be full. */
START_TEST(pipes_know_only_signals)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	written_fd = ends[1];
	take_census(write_some);
	ck_assert_uint_eq(n_faults, 1);
	ck_assert_int_eq(list[0].error, EINTR);
	ck_assert_int_eq(fcntl(written_fd, F_SETFL, O_NONBLOCK), 0);
	take_census(write_some);
	ck_assert_uint_eq(n_faults, 0);
	(void)fd_close(ends[0]);
	(void)fd_close(ends[1]);
}
END_TEST

START_TEST(blocks_are_counted)
{
	int64_t before = faults_blocks(&faults);
	void *volatile blocks[3];

	blocks[0] = malloc(1);
	blocks[1] = calloc(1, 1);
	blocks[2] = realloc(NULL, 1);
	ck_assert_int_eq(faults_blocks(&faults), before + 3);
	blocks[0] = realloc(blocks[0], 100000);
	ck_assert_int_eq(faults_blocks(&faults), before + 3);
	for (size_t i = 0; i < 3; i++)
		free(blocks[i]);
	free(NULL);
	ck_assert_int_eq(faults_blocks(&faults), before);
}
END_TEST

/* ---- those that fail with malloc() ---------------------------------------- */

static bool failed;

static void use_strdup(void)
{
	block = strdup("text");
	failed = !block;
	free(block);
}

static void use_asprintf(void)
{
	char *text;

	failed = asprintf(&text, "%0200d", 1) < 0;
	if (!failed)
		free(text);
}

static void use_reallocarray(void)
{
	block = reallocarray(NULL, 2, 2);
	failed = !block;
	free(block);
}

static void use_stream(void)
{
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	failed = !stream;
	if (!stream)
		return;
	failed = fprintf(stream, "%09999d", 1) < 0;
	failed |= fflush(stream) != 0;
	failed |= fclose(stream) != 0;
	free(text);
}

static void (*const users[])(void) = {
	use_strdup,
	use_asprintf,
	use_reallocarray,
	use_stream,
};

/* They can do without some of it, as when a block is made smaller. */
START_TEST(callers_fail_with_what_they_call)
{
	size_t n_failed = 0;

	take_census(users[_i]);
	ck_assert_uint_gt(n_faults, 0);
	for (size_t i = 0; i < n_faults; i++) {
		ck_assert(perform(users[_i], &list[i]));
		n_failed += failed;
		users[_i]();
		ck_assert(!failed);
	}
	ck_assert_uint_gt(n_failed, 0);
}
END_TEST

/* ---- sweeps --------------------------------------------------------------- */

static bool leaks;

/* Two blocks; where the second is not to be had, the first is not forgotten,
 * or is. */
static enum sweep_end take_two(void *data, struct error *why)
{
	void *volatile first = malloc(1);
	void *volatile second = first ? malloc(1) : NULL;
	bool complete = first && second;

	(void)data;
	(void)why;
	if (!leaks || second)
		free(first);
	free(second);
	return complete ? SWEEP_ABSORBED : SWEEP_REFUSED;
}

static struct sweep_measure measure(void *data)
{
	(void)data;
	return (struct sweep_measure){
		.fds = fd_count_open(),
		.blocks = faults_blocks(&faults),
	};
}

static size_t sweep(enum sweep_end (*act)(void *data, struct error *why))
{
	const struct sweep what = {
		.name = "two blocks",
		.faults = &faults,
		.is_own = true,
		.act = act,
		.measure = measure,
	};

	(void)setenv("CONTIG_FAULT_STRIDE", "1", 1);
	return sweep_run(&what);
}

START_TEST(leak_is_found)
{
	leaks = false;
	ck_assert_uint_eq(sweep(take_two), 0);
	leaks = true;
	ck_assert_uint_eq(sweep(take_two), 1);
}
END_TEST

static enum sweep_end take_or_lie(void *data, struct error *why)
{
	(void)data;
	block = malloc(1);
	if (!block)
		error_write(why, "this is no error to be had");
	free(block);
	return block ? SWEEP_ABSORBED : SWEEP_WRONG;
}

START_TEST(wrong_end_is_found)
{
	ck_assert_uint_eq(sweep(take_or_lie), 1);
}
END_TEST

/* ---- nothing is missing --------------------------------------------------- */

/* These fail where something of FAULTS_FUNCTIONS does, which they call through
 * the same door: libc for malloc(3), other libraries for everything. */
static const char *const callers[] = {
	"asprintf",
	"vasprintf",
	"reallocarray",
	"strdup",
	"strndup",
	/* Streams to memory.  Those to descriptors hold what is told to a
	 * person, and whether it was written is asked once, at the end. */
	"fclose",
	"ferror",
	"fflush",
	"fprintf",
	"fputs",
	"fwrite",
	"printf",
	"putchar",
	"puts",
	/* libraries */
	"capng_*",
	"contig_*",
	"event_*",
	"fdt_*",
	"ini_*",
	"json_*",
	"scols_*",
	"sd_*",
};

/* These do not fail as they are used here: they have no failure at all, or
 * only one which says that the caller is wrong. */
static const char *const infallible[] = {
	/* of the process itself */
	"abort",
	"clock_gettime",
	"free",
	"getegid",
	"getenv",
	"geteuid",
	"getopt_long",
	"getpid",
	"getresgid",
	"getresuid",
	"isatty",
	"optarg",
	"opterr",
	"optind",
	"optopt",
	"secure_getenv",
	"setlocale",
	"sysconf",
	"__sysconf",
	"umask",
	"uname",
	/* of a whole mapping, which has to be divided for nobody */
	"munmap",
	/* of what is open already */
	"closedir",
	"lseek",
	"lseek64",
	/* memory and text */
	"mallopt",
	"memchr",
	"memcmp",
	"memcpy",
	"memmem",
	"memmove",
	"memset",
	"nl_langinfo",
	"qsort",
	"snprintf",
	"sprintf",
	"strcasecmp",
	"strchr",
	"strcmp",
	"strcpy",
	"strcspn",
	"strerror",
	"strlen",
	"strncasecmp",
	"strncmp",
	"strnlen",
	"strrchr",
	"strsep",
	"strsignal",
	"strspn",
	"strstr",
	"strtoull",
	"strverscmp",
	"vsnprintf",
	"__ctype_*",
	"__isoc*_sscanf",
	"__isoc*_strto*",
	/* threads and signals, with what is right for them */
	"pthread_attr_destroy",
	"pthread_attr_init",
	"pthread_attr_setstacksize",
	"pthread_cond_broadcast",
	"pthread_cond_destroy",
	"pthread_cond_init",
	"pthread_cond_signal",
	"pthread_cond_wait",
	"pthread_detach",
	"pthread_join",
	"pthread_mutex_destroy",
	"pthread_mutex_init",
	"pthread_mutex_lock",
	"pthread_mutex_unlock",
	"pthread_setname_np",
	"pthread_sigmask",
	"sched_yield",
	"sigaddset",
	"sigemptyset",
	"sigfillset",
	"signal",
	"sigprocmask",
	"sigtimedwait",
	"sigwaitinfo",
	/* It has but one caller, timeslice.c, and nobody there minds.  It is no
	 * single function that could be made to fail: libsystemd and the
	 * sanitizers ask by it for what cannot. */
	"syscall",
	/* what the compiler puts in */
	"_ITM_*",
	"__assert_fail",
	"__cxa_finalize",
	"__errno_location",
	"__gmon_start__",
	"__libc_start_main",
	"__stack_chk_fail",
	"__asan_*",
	"__sanitizer_*",
	"__tsan_*",
	"__ubsan_*",
};
static const char *const fallible[] = {
#define X(name, manner, ...) #name,
	FAULTS_FUNCTIONS(X)
#undef X
};

static const char *const programs[] = {"contigd", "contigctl", "libcontig.so"};

static bool is_in(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (fnmatch(names[i], name, 0) == 0)
			return true;
	return false;
}

#define IS_IN(names, name) is_in(names, sizeof(names) / sizeof(*(names)), name)

/* Calls fn with each function that a program imports.  The
 * program is where libtool puts it, if there is a script in its place. */
static bool for_each_import(const char *program, void (*fn)(const char *name))
{
	char path[64], command[160], line[256];
	FILE *stream;

	(void)snprintf(path, sizeof(path), ".libs/%s", program);
	(void)snprintf(command, sizeof(command),
		       "nm -D --undefined-only --format=posix %s",
		       access(path, R_OK) == 0 ? path : program);
	stream = popen(command, "re");
	if (!stream)
		return false;
	while (fgets(line, sizeof(line), stream)) {
		line[strcspn(line, "@ \n")] = '\0';
		fn(line);
	}
	return pclose(stream) == 0;
}

static size_t n_imports;

static void expect_known(const char *name)
{
	n_imports++;
	ck_assert_msg(IS_IN(fallible, name) || IS_IN(callers, name) ||
			      IS_IN(infallible, name),
		      "%s() is called, and nobody knows whether it can fail",
		      name);
}

START_TEST(every_import_is_known)
{
	ck_assert(for_each_import(programs[_i], expect_known));
	ck_assert_uint_gt(n_imports, 20);
}
END_TEST

/* With _FORTIFY_SOURCE, functions have other names. */
static void skip_if_fortified(const char *name)
{
	size_t length = strlen(name);

	if (length > 4 && strcmp(name + length - 4, "_chk") == 0)
		harness_skip("built with _FORTIFY_SOURCE, which calls other "
			     "functions");
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("faults");
	TCase *tcase = harness_case(suite, "faults");

	(void)argc;
	faults_preload_self(&faults, argv);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (!for_each_import(programs[i], skip_if_fortified))
			harness_skip("nm(1) cannot read the programs");
	tcase_add_checked_fixture(tcase, NULL, after);
	tcase_add_test(tcase, a_call_fails_once);
	tcase_add_test(tcase, another_call_of_the_function_does_not);
	tcase_add_test(tcase, the_second_call_fails);
	tcase_add_test(tcase, what_is_closed_is_closed);
	tcase_add_test(tcase, half_is_written);
	tcase_add_test(tcase, pipes_know_only_signals);
	if (!FAULTS_SANITIZED) {
		tcase_add_test(tcase, blocks_are_counted);
		tcase_add_loop_test(tcase, callers_fail_with_what_they_call, 0,
				    sizeof(users) / sizeof(*users));
		tcase_add_test(tcase, leak_is_found);
	}
	tcase_add_test(tcase, wrong_end_is_found);
	tcase_add_loop_test(tcase, every_import_is_known, 0,
			    sizeof(programs) / sizeof(*programs));
	return harness_run(suite);
}
