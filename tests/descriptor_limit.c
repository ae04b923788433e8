/* SPDX-License-Identifier: MIT */
#include "tests/descriptor_limit.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/harness.h"

/*
 * A process at its limit of open files, for what the kernel does then with a
 * descriptor in a message.  Valgrind keeps a process's calls for the limit from
 * the kernel; /proc still tells which limit that has.
 */

static uintmax_t limit_of_the_kernel(void)
{
	FILE *file = fopen("/proc/self/limits", "re");
	uintmax_t soft = 0;
	char line[128];

	while (file && !soft && fgets(line, sizeof(line), file))
		(void)sscanf(line, "Max open files %ju", &soft);
	if (file)
		(void)fclose(file);
	return soft;
}

/* Asked before any test runs, so libcheck's assertions cannot be used. */
bool descriptor_limit_is_real(void)
{
	struct rlimit before, limit;
	bool real;

	if (getrlimit(RLIMIT_NOFILE, &before) < 0)
		return false;
	limit = before;
	limit.rlim_cur--;
	real = setrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	       limit_of_the_kernel() == limit.rlim_cur;
	return setrlimit(RLIMIT_NOFILE, &before) == 0 && real;
}

static void set_limit(const struct rlimit *limit)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, limit), 0);
}

/* The number that would be given out behind n others: between them there may
 * be descriptors that this process inherited. */
static int number_behind(int n)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0), number;

	ck_assert_int_ge(fd, 0);
	number = n > 0 ? number_behind(n - 1) : fd;
	(void)close(fd);
	return number;
}

void descriptor_limit_lower(int n, struct rlimit *before)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, before), 0);
	limit = *before;
	limit.rlim_cur = (rlim_t)number_behind(n);
	set_limit(&limit);
}

void descriptor_limit_restore(const struct rlimit *before)
{
	set_limit(before);
}
