/* SPDX-License-Identifier: MIT */
#ifndef LIB_SESSION_H
#define LIB_SESSION_H

#include "lib/contig.h"

/*
 * One socket to one daemon, past the handshake.  It is counted because a
 * thread may still poll the descriptor when another finds that the daemon is
 * gone: the number must not be reused before.  The count is guarded by the
 * connection's lock.
 */
struct session {
	int fd;
	unsigned int refs;
	uint64_t number; /* 1, 2, ... of the sessions of its connection */
};

/* Connects to path and agrees on a version; blocks meanwhile.  Returns 0, or a
 * negative errno explained in *failure (which may be NULL). */
int session_new(const char *path, struct session **sessionp,
		struct contig_failure *failure);

static inline struct session *session_ref(struct session *session)
{
	session->refs++;
	return session;
}

/* Returns NULL. */
struct session *session_unref(struct session *session);

#endif
