/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CLOSER_H
#define DAEMON_CLOSER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/account.h"
#include "daemon/loop.h"
#include "util/list.h"

/*
 * Hangs up on clients without being held up by what they sent.  Needed where
 * the kernel does not refuse descriptors at the sender; see closer.c.
 */
struct closer {
	bool wary; /* this kernel lets clients send descriptors */
	struct accounts *accounts; /* borrowed */
	struct list hang_ups;	   // hang_up::link
	size_t n_hang_ups;	   /* connections that are not closed yet */
	int event_fd;
	struct watch *watch; /* NULL until there is something to close */
	struct loop *loop;   /* borrowed */
};

void closer_init(struct closer *closer, bool wary, struct loop *loop,
		 struct accounts *accounts);
/* What is still being closed is left to its thread. */
void closer_deinit(struct closer *closer);

/*
 * Ends a connection: the peer sees it at once.  Closing takes place here, or,
 * where messages wait unread that may carry descriptors, beside the loop;
 * until it is done the connection counts as one of the account's.  account may
 * be NULL, and is borrowed for the call.
 */
void closer_hang_up_consume(struct closer *closer, int fd,
			    struct account *account);

#endif
