/* SPDX-License-Identifier: MIT */
#include "tests/bench/large_pages.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A setting of the whole system.  It is changed only where it says "never", so
 * what it was is known, and is put back by nothing but write(2), which a signal
 * handler may call.
 */

#define SETTING                                                 \
	"/sys/kernel/mm/transparent_hugepage/hugepages-1024kB/" \
	"shmem_enabled"

static int setting_fd = -1;

static void put_back(void)
{
	if (write(setting_fd, "never", 5) < 0)
		_exit(EXIT_FAILURE); /* it took "advise" */
}

static void on_signal(int number)
{
	put_back();
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

bool large_pages_allow(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	char now[128] = "";
	int fd = open(SETTING, O_RDWR | O_CLOEXEC);

	if (fd < 0 || read(fd, now, sizeof(now) - 1) < 0) {
		(void)close(fd);
		return false;
	}
	if (!strstr(now, "[never]")) {
		(void)close(fd);
		return true;
	}
	setting_fd = fd;
	if (atexit(put_back) != 0)
		return false;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		(void)signal(signals[i], on_signal);
	return write(fd, "advise", 6) == 6;
}
