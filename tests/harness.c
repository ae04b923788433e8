/* SPDX-License-Identifier: MIT */
#include "tests/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/fd.h"

/*
 * Sanitizers end a program that asks for more memory than there can be; here
 * it is a test that the program gets -ENOMEM, as it does without them.
 */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

__attribute__((visibility("default"))) const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* Shared by the runner and its tests, each of which is a process of its own,
 * whose exit status libcheck takes for a result of the test. */
struct skipping {
	pid_t runner;
	char reason[256]; /* of the last test that skipped; empty: none */
};

static struct skipping *skipping; /* NULL before there are tests */
static int open_before;

static void descriptors_before(void)
{
	open_before = fd_count_open();
	ck_assert_int_ge(open_before, 0);
}

static void descriptors_after(void)
{
	ck_assert_msg(fd_count_open() == open_before,
		      "%d descriptors before the test, %d after it",
		      open_before, fd_count_open());
}

TCase *harness_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, descriptors_before, descriptors_after);
	tcase_set_timeout(tcase, 120); /* a hang, not a speed, is an error */
	suite_add_tcase(suite, tcase);
	return tcase;
}

int harness_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	skipping = mmap(NULL, sizeof(*skipping), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (skipping == MAP_FAILED)
		abort();
	skipping->runner = getpid();
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (failed == 0 && skipping->reason[0])
		harness_skip(skipping->reason);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void harness_skip(const char *reason)
{
	if (skipping && skipping->runner != getpid()) {
		(void)snprintf(skipping->reason, sizeof(skipping->reason), "%s",
			       reason);
		_exit(EXIT_SUCCESS);
	}
	(void)fprintf(stderr, "skipped: %s\n", reason);
	exit(77);
}

bool harness_is_valgrind(void)
{
	return getenv("CONTIG_TESTS_VALGRIND") != NULL;
}

void harness_lock(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	/* what is not there need not be shared; fd is never closed */
	if (fd >= 0)
		(void)flock(fd, LOCK_EX);
}
