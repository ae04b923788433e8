/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_FILES_H
#define TESTS_INTEGRATION_FILES_H

#include <sys/types.h>

/* Number of descriptors that a process has open. */
int files_count_fds(pid_t pid);
/* Writes to standard error what they are. */
void files_show_fds(pid_t pid);

/* Removes a folder with all that is in it. */
void files_remove_tree(const char *path);

#endif
