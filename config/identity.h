/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_IDENTITY_H
#define CONFIG_IDENTITY_H

#include <stdint.h>

#include "util/error.h"

/* Whom a process can run as. */
struct config_identity {
	uint32_t uid;
	uint32_t gid; /* the user's own group */
};

/* A user by name or number, who must be in the user database: that tells the
 * group.  -ENOENT: there is no such user; -EINVAL, -ERANGE: not a number of a
 * user; -ENOMEM; or a negative errno of the look-up. */
int config_identity_find(const char *text, struct config_identity *identity,
			 struct error *why);

#endif
