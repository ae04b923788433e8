/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_PRELOAD_PAGE_H
#define TESTS_INTEGRATION_PRELOAD_PAGE_H

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The library's side of preload.h: the page that the variable names, for good,
 * or NULL where nothing set it.  Only raw system calls are used, as the library
 * itself stands where libc's functions are.
 */
static inline void *preload_page(const char *variable, size_t size_bytes)
{
	const char *path = getenv(variable);
	long fd, map;

	if (!path)
		return NULL;
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	map = syscall(SYS_mmap, NULL, size_bytes, PROT_READ | PROT_WRITE,
		      MAP_SHARED, fd, 0L);
	(void)syscall(SYS_close, fd);
	if (map == -1)
		abort();
	return (void *)map;
}

#endif
