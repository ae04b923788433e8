/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_FILE_PAGES_H
#define DAEMON_FILE_PAGES_H

#include <stdint.h>

/*
 * The pages of a memfd: given to it before anybody touches them, and taken.
 */

/* A huge page of the usual processors with pages of 4 KiB (x86-64, arm64). */
#define FILE_PAGES_HUGE_BYTES (UINT64_C(2) << 20)

/* Gives a range, which lies within the file and reads as zeroes, its pages.  0
 * or a negative errno: it may have some of them then. */
int file_pages_populate(int fd_borrow, uint64_t offset, uint64_t length);

/* The same for FILE_PAGES_HUGE_BYTES from a multiple of that on, as one huge
 * page.  A negative errno: there is none to be had, as on kernels before 6.1
 * and those with other sizes of pages (-EINVAL). */
int file_pages_populate_huge(int fd_borrow, uint64_t offset);

/* The same for at most so much from such a multiple on, which has no page yet,
 * as pages that are as large as fit.  A negative errno: the system's owner
 * wants none or there are none to be had (-EOPNOTSUPP), or the kernel knows of
 * none; the range may have some of its pages then. */
int file_pages_populate_large(int fd_borrow, uint64_t offset, uint64_t length);

/* Gives the pages of a range back to the kernel; it reads as zeroes afterwards.
 * What lies behind the end is ignored.  0 or a negative errno. */
int file_pages_discard(int fd_borrow, uint64_t offset, uint64_t length);

#endif
