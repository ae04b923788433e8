/* SPDX-License-Identifier: MIT */
#ifndef PROTO_CHANNEL_H
#define PROTO_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proto/message.h"

/*
 * One datagram at a time over a SOCK_SEQPACKET Unix socket.  Sending and
 * receiving never block; who wants to wait polls the descriptor.
 */

enum channel_outcome {
	CHANNEL_E_CLOSED = 1,	   /* the peer is gone, or sent an empty
				      datagram, which looks the same */
	CHANNEL_E_TRUNCATED = 2,   /* the datagram is longer than a message */
	CHANNEL_E_DESCRIPTORS = 3, /* descriptors that nobody asked for, or
				      that the kernel could not deliver */
};

/* Descriptors that came with a datagram; owned by whoever received them. */
struct channel_fds {
	size_t count;
	int fds[CONTIG_MSG_MAX_BUFFERS];
};

#define CHANNEL_FDS_INIT   \
	{                  \
		.count = 0 \
	}

/* Closes what is left in *fds, which is empty afterwards. */
void channel_fds_close(struct channel_fds *fds);

/* Fills in the address of a path.  -ENAMETOOLONG: it does not fit (107 bytes);
 * -ENOENT: it is empty. */
int channel_address(const char *path, struct sockaddr_un *address,
		    socklen_t *lengthp);

/* Connects to a listening path; waits where its backlog is full.  Returns a
 * close-on-exec descriptor, or a negative errno as connect(2). */
int channel_connect(const char *path);

/* Binds and listens; an existing path is left alone and is -EADDRINUSE.
 * Returns a close-on-exec, non-blocking descriptor, or a negative errno. */
int channel_listen(const char *path, int backlog);

/* Asks the kernel to refuse, at the sender, descriptors sent to this socket
 * (and to those accepted from it, where it listens).  Linux 6.16 and later;
 * -ENOPROTOOPT before: channel_receive() then still refuses them, but they are
 * closed in this process. */
int channel_refuse_descriptors(int fd_borrow);

/*
 * Sends one datagram of size bytes with n_fds descriptors (at most
 * CONTIG_MSG_MAX_BUFFERS), which stay the caller's.  Returns 0, or
 *	CHANNEL_E_CLOSED	the peer is gone
 *	-EAGAIN			no room: poll for POLLOUT
 *	-ETOOMANYREFS		too many descriptors of this user are in flight
 *	-ENOMEM			the kernel has no memory for it
 * or another negative errno.  Nothing was sent unless it returns 0.
 */
int channel_send(int fd_borrow, const void *data, size_t size,
		 const int *fds_borrow, size_t n_fds);

/*
 * Receives one datagram into room bytes at data, without descriptors: where
 * any come, they are closed and the result is CHANNEL_E_DESCRIPTORS.  Returns
 * 0, an outcome from above, -EAGAIN where nothing has come, or another
 * negative errno.  *sizep is set where it returns 0.
 */
int channel_receive(int fd_borrow, void *data, size_t room, size_t *sizep);

/* Whether the next datagram carries descriptors; it stays where it is.  For
 * kernels that cannot refuse them at the sender. */
bool channel_carries_descriptors(int fd_borrow);

/* Whether any datagram waits, an empty one included.  Changes what is received
 * later (SO_PASSCRED): only for a socket about to be closed. */
bool channel_has_message(int fd_borrow);

/*
 * As above, with descriptors, which become the caller's and are close-on-exec.
 * CHANNEL_E_DESCRIPTORS: some did not arrive, because there were too many of
 * them, or this process is at its limit of open files (or a security module
 * took them).  Then the data and *sizep are valid, and the descriptors that
 * did arrive are closed, but still counted in fds->count.
 */
int channel_receive_fds(int fd_borrow, void *data, size_t room, size_t *sizep,
			struct channel_fds *fds);
/* The same, but waits where nothing has come, so never -EAGAIN; fd_borrow is
 * blocking. */
int channel_wait_fds(int fd_borrow, void *data, size_t room, size_t *sizep,
		     struct channel_fds *fds);

#endif
