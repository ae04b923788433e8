/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SHELF_QUEUE_H
#define DAEMON_SHELF_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Descriptors in the queue of a pair of sockets, as messages that are taken off
 * in the order in which they were sent.
 */

#define SHELF_QUEUE_BATCH 253 /* descriptors of one message: SCM_MAX_FD */

/* Some descriptors, each with an id. */
struct shelf_batch {
	uint64_t ids[SHELF_QUEUE_BATCH];
	int fds[SHELF_QUEUE_BATCH];
	size_t n;
};

/* Both ends are owned. */
struct shelf_queue {
	int in_fd;  /* to which is sent; -1: missing */
	int out_fd; /* from which is taken off; -1: missing */
};

/* Makes an empty one, as long as the kernel allows.  0, or what socketpair(2)
 * gives. */
int shelf_queue_init(struct shelf_queue *queue);
/* What is in it stays there, as long as somebody else has both ends. */
void shelf_queue_deinit(struct shelf_queue *queue);

/* Sends duplicates of the descriptors as one message.  0; -EAGAIN: there is no
 * room; or what sendmsg(2) gives. */
int shelf_queue_send(const struct shelf_queue *queue,
		     const struct shelf_batch *batch);
/* Looks at the message at the head, which stays there.  The descriptors are
 * duplicates, and the caller's.
 *	-EAGAIN		there is none
 *	-EMFILE		there is no room for its descriptors
 *	-EBADMSG	it is none that was sent as above
 *	and what recvmsg(2) gives. */
int shelf_queue_peek(const struct shelf_queue *queue, struct shelf_batch *batch);
/* Takes the message at the head away, and its descriptors with it.  0, or what
 * recv(2) gives. */
int shelf_queue_pop(const struct shelf_queue *queue);

#endif
