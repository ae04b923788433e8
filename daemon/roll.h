/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ROLL_H
#define DAEMON_ROLL_H

#include "util/error.h"
#include "util/list.h"

/*
 * The roll of what was prepared: a text file of this user, mostly root, in a
 * directory that may be another one's.
 */
#define ROLL_NAME "prepared"

/* Appends a tract that is not open for each entry.  0; -ENOENT: there is no
 * roll; -EPERM: what is there under its name is not to be trusted; -EPROTO: it
 * makes no sense; or another negative errno. */
int roll_read(int directory_fd, struct list *tracts, struct error *why);

/* Replaces what is there. */
int roll_write(int directory_fd, const struct list *tracts, struct error *why);

#endif
