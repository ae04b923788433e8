/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DAMAGE_H
#define DAEMON_DAMAGE_H

#include "daemon/buffer.h"
#include "daemon/guard.h"

/* A look at the buffer's guard found this, which is not nothing: counted,
 * logged and kept in the buffer the first time, and not again. */
void damage_note(struct buffer *buffer, const struct guard_damage *found);

/* The guard could not be looked at, for this negative errno. */
void damage_unknown(const struct buffer *buffer, int result);

/* The buffer whose memory begins where the guard ends; NULL: nobody's. */
const struct buffer *damage_neighbour(const struct buffer *buffer);

#endif
