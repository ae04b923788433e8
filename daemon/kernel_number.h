/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_KERNEL_NUMBER_H
#define DAEMON_KERNEL_NUMBER_H

#include <stdint.h>

/*
 * Files of /proc and /sys that are one number in one line.  directory is where
 * the file is; NULL: file is a path.
 */

/* 0; -EINVAL or -ERANGE: it is no number; or another negative errno. */
int kernel_number_read(const char *directory, const char *file,
		       uint64_t *numberp);
/* 0 or a negative errno. */
int kernel_number_write(const char *directory, const char *file,
			uint64_t number);

#endif
