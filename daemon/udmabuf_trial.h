/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_UDMABUF_TRIAL_H
#define DAEMON_UDMABUF_TRIAL_H

#include "daemon/hugepool.h"
#include "util/error.h"

/* Tries on the pages of a pool, which it overwrites, whether the kernel's
 * udmabuf does all that the backend rests on.  0; or a negative errno, and why
 * says which step failed and how. */
int udmabuf_trial(int device_fd, const struct hugepool *pool, struct error *why);

#endif
