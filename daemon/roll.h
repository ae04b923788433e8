/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ROLL_H
#define DAEMON_ROLL_H

#include <stdint.h>

#include "util/error.h"
#include "util/list.h"

/*
 * The roll of what was prepared: a text file of this user, mostly root, in a
 * directory that may be another one's.  It counts for as long as somebody has
 * its seal, a descriptor that is kept with the memory that it speaks of.
 */
#define ROLL_NAME "prepared"

/* Appends a tract that is not open for each entry.  0; -ENOENT: there is no
 * roll, or nobody has its seal; -EPERM: what is there under its name is not to
 * be trusted; -EPROTO: it makes no sense; or another negative errno. */
int roll_read(int directory_fd, struct list *tracts, struct error *why);

/* Writes a new roll beside the one that counts.  Its seal, which nothing can be
 * written to, or a negative errno. */
int roll_draft(int directory_fd, const struct list *tracts, struct error *why);
/* What tells its roll from all others that somebody has a seal of. */
uint64_t roll_seal_number(int seal_fd);
/* The same of the roll that is there; 0: there is none. */
uint64_t roll_number(int directory_fd);
/* The new one takes the place of what is there. */
int roll_enact(int directory_fd, struct error *why);

#endif
