/* SPDX-License-Identifier: MIT */
#include "config/access.h"

#include <errno.h>
#include <string.h>

/*
 * A list that stands in the file counts even where it is empty or nothing in it
 * could be understood: whoever wrote "use = camra" meant to let somebody in,
 * and not everybody.  So each list remembers that it was given, and where.
 */

static const char *const names[] = {
	[CONFIG_USE] = "use",
	[CONFIG_PHYS] = "phys",
	[CONFIG_ADMIN] = "admin",
};

const char *config_right_name(enum config_right right)
{
	return names[right];
}

int config_access_add(struct config_access *access, const char *key,
		      const struct config_list *list)
{
	for (size_t i = 0; i < CONFIG_N_RIGHTS; i++) {
		struct config_principals *right = &access->rights[i];

		if (strcmp(names[i], key) != 0)
			continue;
		if (!right->given)
			right->line = list->line;
		right->given = true;
		return config_principals_add(right, list);
	}
	return -ENOENT;
}

void config_access_deinit(struct config_access *access)
{
	for (size_t i = 0; i < CONFIG_N_RIGHTS; i++)
		config_principals_deinit(&access->rights[i]);
}
