/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_ACCESS_H
#define CONFIG_ACCESS_H

#include "config/configuration.h"
#include "config/principals.h"

/* The lists of who may do what: of the daemon as a whole or of one region. */

/* The key that names a right. */
const char *config_right_name(enum config_right right);

/* Adds the entries of a list to the right that key names, as
 * config_principals_add() does.  -ENOENT: it names none; -ENOMEM. */
int config_access_add(struct config_access *access, const char *key,
		      const struct config_list *list);

void config_access_deinit(struct config_access *access);

#endif
