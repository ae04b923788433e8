/* SPDX-License-Identifier: MIT */
#include "daemon/token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

/*
 * The daemon takes no descriptors, so whoever holds one has to show it in
 * another way.  Device and inode number do not do: inodes are counted up, and
 * whoever has a buffer of his own can guess those of others.
 *
 * The name of a memfd or dma-buf does.  It stands in the link /proc/self/fd/N
 * of those who have the descriptor, and in what /proc tells of them to
 * somebody who could as well attach a debugger, and so take the descriptor
 * itself.  Otherwise only root sees it, in the kernel's own statistics.
 *
 * A memfd keeps its name; any holder of a dma-buf may give it another (Linux
 * since 5.3, which is also the first that shows it).  He takes the proof away
 * from the others, and their bytes he had anyway.
 */

int token_make(uint64_t *tokenp)
{
	*tokenp = 0;
	while (*tokenp == 0) /* so few bytes come whole or not at all */
		if (getrandom(tokenp, sizeof(*tokenp), 0) < 0 && errno != EINTR)
			return -errno;
	return 0;
}

void token_write_name(char *buf, size_t size, uint64_t token, const char *name)
{
	(void)snprintf(buf, size, TOKEN_NAME_PREFIX "%016" PRIx64 "-%s", token,
		       name);
}
