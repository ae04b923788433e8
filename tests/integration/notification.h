/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_NOTIFICATION_H
#define TESTS_INTEGRATION_NOTIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NOTIFICATION_BYTES   4096
#define NOTIFICATION_MAX_FDS 253

/* One datagram of a service to its manager. */
struct notification {
	char text[NOTIFICATION_BYTES]; /* lines of NAME=VALUE */
	pid_t sender;		       /* as the kernel says; 0: it did not */
	int fds[NOTIFICATION_MAX_FDS]; /* owned, as long as they are not -1 */
	size_t n_fds;
};

/* Binds the socket that $NOTIFY_SOCKET names; the descriptor, or a negative
 * errno. */
int notification_listen(const char *path);

/* Takes the next one that has come; false: there is none.  One that is too
 * long comes as an empty text. */
bool notification_receive(int fd_borrow, struct notification *notification);
/* Closes the descriptors that nobody took. */
void notification_deinit(struct notification *notification);

/* Whether it has this line. */
bool notification_has(const struct notification *notification, const char *line);
/* Copies what follows "name=" in a line of its own; false: there is none, or
 * it does not fit. */
bool notification_get(const struct notification *notification, const char *name,
		      char *value, size_t room);

#endif
