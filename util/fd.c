/* SPDX-License-Identifier: MIT */
#include "util/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

/*
 * Descriptors.  The helpers here never lose errno on a cleanup path, always
 * set close-on-exec, and say in their names whether they borrow or consume.
 */

int fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return -1;
}

int fd_reopen(int fd_borrow, int flags)
{
	char path[sizeof("/proc/self/fd/-2147483648")];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd_borrow);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int fd_read_all(int fd_borrow, size_t limit, char **datap, size_t *lenp)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		ssize_t n;

		if (len == room) {
			size_t grown = room ? room * 2 : 4096;
			char *p;

			if (grown > limit)
				grown = limit + 1;
			p = realloc(data, grown + 1);
			if (!p)
				return -ENOMEM;
			data = p;
			room = grown;
		}
		n = read(fd_borrow, data + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > limit)
			return -EFBIG;
	}
	data[len] = '\0';
	*datap = TAKE_PTR(data);
	*lenp = len;
	return 0;
}

int fd_read_file(const char *path, size_t limit, char **datap, size_t *lenp)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fd_read_all(fd, limit, datap, lenp);
}

int fd_write_all(int fd_borrow, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd_borrow, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

void fd_raise_event(int event_fd_borrow)
{
	const uint64_t one = 1;
	ssize_t n;

	/* EAGAIN is the only other failure that an eventfd knows here, and then
	 * the counter is far from zero: it is readable anyway */
	do
		n = write(event_fd_borrow, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

void fd_clear_event(int event_fd_borrow)
{
	uint64_t count;
	ssize_t n;

	do
		n = read(event_fd_borrow, &count, sizeof(count));
	while (n < 0 && errno == EINTR);
}

int fd_count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int count = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			count++;
	(void)closedir(dir);
	return count - 1; /* the directory's own descriptor */
}
