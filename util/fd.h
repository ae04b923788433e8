/* SPDX-License-Identifier: MIT */
#ifndef UTIL_FD_H
#define UTIL_FD_H

#include <stddef.h>
#include <sys/types.h>

/* Closes fd unless it is negative; errno is kept.  Returns -1, so that
 * `fd = fd_close(fd)` leaves no stale number behind. */
int fd_close(int fd);

/* Opens the file behind fd_borrow anew, as an open file of its own, with
 * flags as for open(2); O_CLOEXEC is always added.  The result counts apart
 * from fd_borrow in the kernel's books, which is what leases look at.
 * Returns the new descriptor, or a negative errno. */
int fd_reopen(int fd_borrow, int flags);

/* Reads all of fd into a new buffer, which the caller frees and which carries
 * one NUL byte beyond *lenp.  At most limit bytes are taken: one more is
 * -EFBIG.  Returns 0 or a negative errno. */
int fd_read_all(int fd_borrow, size_t limit, char **datap, size_t *lenp);

/* Reads a whole file by path, as fd_read_all does. */
int fd_read_file(const char *path, size_t limit, char **datap, size_t *lenp);

/* Writes all len bytes; returns 0 or a negative errno. */
int fd_write_all(int fd_borrow, const void *data, size_t len);

/* Makes a non-blocking eventfd readable, and ends that. */
void fd_raise_event(int event_fd_borrow);
void fd_clear_event(int event_fd_borrow);

/* Number of open descriptors of this process, or a negative errno. */
int fd_count_open(void);

#endif
