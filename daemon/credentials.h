/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CREDENTIALS_H
#define DAEMON_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Who is at the other end of a socket, as the kernel noted it when the
 * connection was made.  Nothing that the peer says comes in. */
struct credentials {
	uint32_t uid;	  /* effective */
	uint32_t gid;	  /* effective */
	pid_t pid;	  /* for messages only: it may be another's by now */
	uint32_t *groups; /* supplementary, ascending; owned */
	size_t n_groups;
};

/* Reads the credentials of the peer of a connected Unix socket.
 * -ENOTCONN: there is no peer; -ENOMEM, or what getsockopt(2) gives. */
int credentials_read(struct credentials *credentials, int fd_borrow);
void credentials_deinit(struct credentials *credentials);

#endif
