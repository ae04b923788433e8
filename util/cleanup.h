/* SPDX-License-Identifier: MIT */
#ifndef UTIL_CLEANUP_H
#define UTIL_CLEANUP_H

#include <stdlib.h>

#include "util/fd.h"

/*
 * Scope-bound ownership.  A variable marked with _cleanup_(fn) is released by
 * fn when it goes out of scope; TAKE_PTR and TAKE_FD hand it on instead.
 */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Defines fnp(), which releases the pointer that its argument points at. */
#define DEFINE_CLEANUP(type, fn)                                               \
	static inline void fn##p(type *p)                                      \
	{                                                                      \
		if (*p)                                                        \
			(void)fn(*p);                                          \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void fd_closep(int *fdp)
{
	fd_close(*fdp);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_fd_ _cleanup_(fd_closep)

/* Returns the pointer and leaves NULL behind: ownership goes to the caller. */
#define TAKE_PTR(p)                                                            \
	({                                                                     \
		__typeof__(p) take_ptr_ = (p);                                 \
		(p) = NULL;                                                    \
		take_ptr_;                                                     \
	})

/* Returns the descriptor and leaves -1 behind. */
#define TAKE_FD(fd)                                                            \
	({                                                                     \
		int take_fd_ = (fd);                                           \
		(fd) = -1;                                                     \
		take_fd_;                                                      \
	})

#endif
