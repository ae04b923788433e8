/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_PRINCIPALS_H
#define CONFIG_PRINCIPALS_H

#include "config/configuration.h"
#include "config/lists.h"
#include "util/error.h"

/* Adds the entries of a list; an empty one adds nobody.  Wrong entries are
 * complained about and left out.  Returns 0 or -ENOMEM. */
int config_principals_add(struct config_principals *principals,
			  const struct config_list *list);

/* A group by name or number, for *gidp.  -ENOENT: there is no such group;
 * -EINVAL, -ERANGE: not a number of a group; -ENOMEM; or a negative errno of
 * the look-up. */
int config_group_find(const char *text, uint32_t *gidp, struct error *why);
/* The same for a user. */
int config_user_find(const char *text, uint32_t *uidp, struct error *why);

void config_principals_deinit(struct config_principals *principals);

#endif
