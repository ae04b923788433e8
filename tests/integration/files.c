/* SPDX-License-Identifier: MIT */
#include "tests/integration/files.h"

#include <check.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

/* What tests of the daemon do with files and folders, /proc among them. */

int files_count_fds(pid_t pid)
{
	const struct dirent *entry;
	char path[64];
	int count = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			count++;
	(void)closedir(dir);
	return count;
}

void files_show_fds(pid_t pid)
{
	const struct dirent *entry;
	char path[64], target[128];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target,
				       sizeof(target) - 1);

		if (n >= 0)
			(void)fprintf(stderr, "%s: %.*s\n", entry->d_name,
				      (int)n, target);
	}
	(void)closedir(dir);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

void files_remove_tree(const char *path)
{
	ck_assert_int_eq(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}
