/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_MANAGER_H
#define DAEMON_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/inheritance.h"
#include "util/error.h"

/*
 * The service manager: what it hands to the daemon (sockets that it opened, and
 * descriptors that an earlier daemon left with it), and what it is told and
 * given in return.  Without one, nothing happens.
 */

/* Adds everything that the manager passed, by its name there; nothing where it
 * passed nothing.  -EINVAL: the environment makes no sense; -ENOMEM.  Only the
 * first call finds anything. */
int manager_inherit(struct inheritance *inheritance, struct error *why);

/* Takes the socket to listen on, whatever its name; it is non-blocking and the
 * caller's.  -ENOENT: there is none; -EINVAL: there is a socket of another
 * kind that clients would connect to, or more than one; or another negative
 * errno: there is no telling. */
int manager_listen_fd(struct inheritance *inheritance, struct error *why);

/* The daemon serves; status is for people.  0, also without a manager; or a
 * negative errno: the manager does not know it, and will wait in vain. */
int manager_ready(const char *status);
void manager_status(const char *status);
void manager_stopping(void);

/* How often the manager wants to hear that the daemon lives, or 0. */
uint64_t manager_watchdog_ms(void);
void manager_alive(void);

/* The longest name under which a descriptor can be stored, with its NUL. */
#define MANAGER_NAME_BYTES 256

/* Whether there is a manager that descriptors could be left with. */
bool manager_has_store(void);

/* Leaves the descriptor with the manager, which keeps it until it is told to
 * forget it, also after its peer has gone, and passes it to the next daemon.
 * A name may be used for several.  The manager does not say whether it took
 * the descriptor: see manager_prove_store().
 * 0; -ENOENT: there is no manager; or another negative errno. */
int manager_store(const char *name, int fd_borrow);
/* Has the manager close all descriptors of that name; as above. */
int manager_forget(const char *name);

/* Finds out whether the manager keeps what it is given, by leaving something
 * with it for a moment.  All that was stored before has then arrived.
 *	0		it does
 *	-ENOENT		there is no manager
 *	-ENOSPC		it does not: no store, or a full one
 *	-ETIMEDOUT	it does not react
 *	or another negative errno; why says what it means. */
int manager_prove_store(uint64_t limit_ms, struct error *why);

#endif
