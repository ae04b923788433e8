/* SPDX-License-Identifier: MIT */
#include "tests/bench/process.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"

/*
 * The program is opened before privilege goes, because a build folder may be
 * out of another user's reach.  The child writes the time of its exec into a
 * page that both have: the fork is the starter's cost, and not the program's.
 */

#define STRANGER 65534 /* nobody */

uint64_t process_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void drop_privilege(void)
{
	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) != 0 || setgid(STRANGER) != 0 ||
	    setuid(STRANGER) != 0)
		_exit(126);
}

static void become(const char *const *argv, int program_fd, uint64_t *exec_ns)
{
	static const char *const quiet[] = {"PATH=/usr/bin:/bin", NULL};
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)dup2(null_fd, STDIN_FILENO);
	(void)dup2(null_fd, STDOUT_FILENO);
	if (!getenv("BENCH_VERBOSE"))
		(void)dup2(null_fd, STDERR_FILENO);
	drop_privilege();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	*exec_ns = process_now_ns();
	(void)fexecve(program_fd, (char *const *)argv, (char *const *)quiet);
	_exit(127);
}

void process_start(struct process *process, const char *const *argv)
{
	_cleanup_fd_ int program_fd = open(argv[0], O_RDONLY | O_CLOEXEC);
	uint64_t *exec_ns = mmap(NULL, sizeof(*exec_ns), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (program_fd < 0 || exec_ns == MAP_FAILED)
		err(EXIT_FAILURE, "%s", argv[0]);
	process->pid = vfork();
	if (process->pid < 0)
		err(EXIT_FAILURE, "vfork");
	if (process->pid == 0)
		become(argv, program_fd, exec_ns);
	process->exec_ns = *exec_ns;
	(void)munmap(exec_ns, sizeof(*exec_ns));
}

void process_stop(struct process *process)
{
	(void)kill(process->pid, SIGTERM);
	(void)waitpid(process->pid, NULL, 0);
}

void process_own(const char *path)
{
	if (geteuid() == 0 && chown(path, STRANGER, STRANGER) != 0)
		err(EXIT_FAILURE, "chown %s", path);
}

/* Of the line that begins with the key and a colon; -1: there is none. */
static int64_t read_number(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(key);
	int64_t number = -1;
	char line[256];

	while (file && number < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, key, length) == 0 && line[length] == ':')
			number = strtoll(line + length + 1, NULL, 10);
	if (file)
		(void)fclose(file);
	return number;
}

uint64_t process_kib(const struct process *process, const char *key)
{
	char path[64];
	int64_t kib;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup",
		       (int)process->pid);
	kib = read_number(path, key);
	if (kib < 0)
		errx(EXIT_FAILURE, "%s does not say '%s'", path, key);
	return (uint64_t)kib;
}

uint64_t process_switches(const struct process *process)
{
	static const char *const keys[] = {"voluntary_ctxt_switches",
					   "nonvoluntary_ctxt_switches"};
	const struct dirent *entry;
	char path[64 + NAME_MAX];
	uint64_t sum = 0;
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)process->pid);
	tasks = opendir(path);
	if (!tasks)
		err(EXIT_FAILURE, "%s", path);
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/status",
			       (int)process->pid, entry->d_name);
		for (size_t i = 0; i < 2; i++) {
			int64_t n = read_number(path, keys[i]);

			sum += n > 0 ? (uint64_t)n : 0;
		}
	}
	(void)closedir(tasks);
	return sum;
}
