/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LISTENING_H
#define DAEMON_LISTENING_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"

/* The socket that clients connect to. */
struct listening {
	int fd;
	char *path; /* NULL: the service manager's, whose path stays */
	dev_t device;
	ino_t inode;
};

/* Whom a socket is made for: the user that the daemon is going to be, and the
 * group whose members may connect. */
struct listening_owner {
	uid_t uid;
	gid_t gid;
};

/* Makes a socket at path, for that owner and with mode 0660, and its directory
 * with it where that is missing.  A socket that is left over from a daemon of
 * this user or of the owner is removed; anything else that is there is not
 * touched.
 * -EADDRINUSE: somebody listens there, or it is another user's;
 * -EEXIST: there is something that is no socket; or another negative errno. */
int listening_open(struct listening *listening, const char *path,
		   const struct listening_owner *owner, struct error *why);
/* Takes over a socket that listens already. */
void listening_adopt_consume(struct listening *listening, int fd);
/* Closes the socket and removes its path, where it is still this one. */
void listening_close(struct listening *listening);

#endif
