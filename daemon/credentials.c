/* SPDX-License-Identifier: MIT */
#include "daemon/credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "util/cleanup.h"

/*
 * Identity from the kernel.  SO_PEERCRED and SO_PEERGROUPS (Linux 4.13) tell
 * what the peer was when it called connect(2); whoever it hands the socket to
 * acts in its name.  /proc is not asked: the pid may belong to somebody else
 * by the time it is looked up.
 *
 * A process may have up to 65536 groups.  The kernel says how much room they
 * take (ERANGE), so the list is read in as many attempts as that takes; it is
 * fixed at connect, so two suffice.
 *
 * The list is sorted once, for every later question about it to take time with
 * the logarithm of its length.  The kernel keeps its own sorted, but by the
 * numbers of the first user namespace, which another one may show in any order.
 */

#define GROUPS_AT_FIRST 32

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int read_groups(struct credentials *credentials, int fd_borrow)
{
	_cleanup_free_ uint32_t *groups = NULL;
	socklen_t size = GROUPS_AT_FIRST * sizeof(*groups);
	int r;

	do {
		free(groups);
		groups = malloc(size);
		if (!groups)
			return -ENOMEM;
		r = getsockopt(fd_borrow, SOL_SOCKET, SO_PEERGROUPS, groups,
			       &size);
	} while (r < 0 && errno == ERANGE);
	if (r < 0)
		return -errno;
	credentials->n_groups = size / sizeof(*groups);
	qsort(groups, credentials->n_groups, sizeof(*groups), by_number);
	credentials->groups = TAKE_PTR(groups);
	return 0;
}

int credentials_read(struct credentials *credentials, int fd_borrow)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd_borrow, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	if (peer.uid == (uid_t)-1) /* so the kernel says that nobody is there */
		return -ENOTCONN;
	*credentials = (struct credentials){
		.uid = peer.uid,
		.gid = peer.gid,
		.pid = peer.pid,
	};
	return read_groups(credentials, fd_borrow);
}

void credentials_deinit(struct credentials *credentials)
{
	free(credentials->groups);
	credentials->groups = NULL;
	credentials->n_groups = 0;
}
