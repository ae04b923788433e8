/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_PRINCIPALS_H
#define CONFIG_PRINCIPALS_H

#include "config/configuration.h"
#include "util/error.h"

/* Called for each entry of a list that is wrong. */
typedef void config_principals_complaint_fn(void *data, const char *reason);

/* A list as it stands in the file. */
struct config_list {
	const char *text;
	unsigned int line;
	config_principals_complaint_fn *complain;
	void *data;
};

/* Takes the blanks off both ends of text, which is written to. */
char *config_list_trim(char *text);

/* Adds the entries of a comma-separated list; wrong ones are complained about
 * and left out.  An empty list adds nobody.  Returns 0 or -ENOMEM. */
int config_principals_add(struct config_principals *principals, const char *list,
			  config_principals_complaint_fn *complain, void *data);

/* A group by name or number, for *gidp.  -ENOENT: there is no such group;
 * -EINVAL, -ERANGE: not a number of a group; -ENOMEM; or a negative errno of
 * the look-up. */
int config_group_find(const char *text, uint32_t *gidp, struct error *why);
/* The same for a user. */
int config_user_find(const char *text, uint32_t *uidp, struct error *why);

void config_principals_deinit(struct config_principals *principals);

#endif
