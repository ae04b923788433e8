/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_QUOTAS_H
#define CONFIG_QUOTAS_H

#include "config/configuration.h"
#include "util/error.h"

/* How much one uid may have. */

/* Appends the section [quota NAME], in which nothing is limited, to be filled by
 * config_quota_set() before the next one is appended.  name is a user, @group or
 * "*" for each user.
 * -ENOENT, -EINVAL, -ERANGE: it is none of them; -EEXIST: there is a section
 * for it; -ENOMEM. */
int config_quota_append(struct configuration *config, const char *name,
			unsigned int line, struct error *why);

/* Sets a limit of the last section: a size or number, or "unlimited".
 * -ENOENT: there is no such key; -EEXIST: it was set before; -EINVAL, -ERANGE:
 * bad value, which leaves the limit at 0. */
int config_quota_set(struct configuration *config, const char *key,
		     const char *value, unsigned int line, struct error *why);

/* The key of a limit. */
const char *config_limit_name(enum config_limit limit);

void config_quota_deinit(struct config_quota *quota);

#endif
