/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_MANAGER_H
#define DAEMON_MANAGER_H

#include <stdint.h>

#include "util/error.h"

/*
 * The service manager: sockets that it opened for the daemon, and what it is
 * told in return.  Without one, nothing happens.
 */

/* The socket to listen on, non-blocking and owned by the caller; -ENOENT where
 * the manager passed none; -EINVAL: it passed something else. */
int manager_listen_fd(struct error *why);

/* The daemon serves; status is for people. */
void manager_ready(const char *status);
void manager_stopping(void);

/* How often the manager wants to hear that the daemon lives, or 0. */
uint64_t manager_watchdog_ms(void);
void manager_alive(void);

#endif
