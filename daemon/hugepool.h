/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_HUGEPOOL_H
#define DAEMON_HUGEPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/frames.h"
#include "util/error.h"

/*
 * A pool of huge pages: a sealed memfd, all pages present.
 */

struct hugepool;

/* Takes size_bytes, a multiple of page_bytes, of huge pages, enlarging the
 * kernel's stock where it is too small.  Where fewer can be had, but one at
 * least, the pool is smaller.  Both are logged in the name's name; NULL: not.
 *	-EINVAL	size_bytes is 0 or no multiple, or page_bytes no power of two
 *	-ENOENT	the kernel has no huge pages of this size
 *	-ENOMEM	not a single one can be had
 *	and what the system calls give. */
int hugepool_new(struct hugepool **poolp, const char *name, uint64_t size_bytes,
		 uint64_t page_bytes, struct error *why);
struct hugepool *hugepool_free(struct hugepool *pool);

/* Reads the pages' physical addresses; takes CAP_SYS_ADMIN.  They are good
 * for as long as the pages are pinned, which is the caller's business and has
 * to come first: pinning may move pages.
 *	-EPERM	the kernel hides addresses from this process
 *	and what reading /proc/self/pagemap gives. */
int hugepool_locate(struct hugepool *pool, struct error *why);

/* Makes a pool of the memfd of another process's pool, which has to be pinned
 * by then, and of where its pages are.  The pool takes over fd where 0 is
 * returned.
 *	-EPROTO	fd is no such memfd, or has another number of pages, or
 *		these are no addresses of such pages
 *	and what the system calls give. */
int hugepool_adopt_consume(struct hugepool **poolp, int fd,
			   const struct frames_spec *pages, struct error *why);

int hugepool_fd(const struct hugepool *pool); /* borrowed */
uint64_t hugepool_size_bytes(const struct hugepool *pool);
uint64_t hugepool_page_bytes(const struct hugepool *pool);
/* By how many pages the kernel's stock was enlarged for it. */
uint64_t hugepool_raised_pages(const struct hugepool *pool);

/* The daemon's own mapping of the byte at this offset of the memfd: cached,
 * ordinary memory. */
void *hugepool_at(const struct hugepool *pool, uint64_t offset);

/* Where its pages are; empty before hugepool_locate(); borrowed. */
const struct frames *hugepool_frames(const struct hugepool *pool);

#endif
