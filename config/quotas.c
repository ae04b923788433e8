/* SPDX-License-Identifier: MIT */
#include "config/quotas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/principals.h"
#include "util/cleanup.h"
#include "util/parse.h"

/*
 *	[quota *]
 *	bytes = 64M
 *	[quota @video]
 *	bytes = 256M
 *
 * Each limit is looked up by itself: the section of the user decides where it
 * has that key, else the first section in the file of a group that the user is
 * in, else the one of each user; where none has it there is no limit.  So a
 * section says only in what its users differ from all others, and it is one
 * line of the file that decides.
 *
 * A value that cannot be read limits to nothing: a typing mistake must not be
 * how somebody gets more than was meant.
 */

static const char *const names[] = {
	[CONFIG_BYTES] = "bytes",
	[CONFIG_BUFFERS] = "buffers",
	[CONFIG_CONNECTIONS] = "connections",
};

const char *config_limit_name(enum config_limit limit)
{
	return names[limit];
}

static int find_holder(struct config_quota *quota, const char *name,
		       struct error *why)
{
	if (strcmp(name, "*") == 0) {
		quota->holder = CONFIG_EACH;
		return 0;
	}
	if (name[0] == '@') {
		quota->holder = CONFIG_GROUP;
		return config_group_find(name + 1, &quota->id, why);
	}
	quota->holder = CONFIG_USER;
	return config_user_find(name, &quota->id, why);
}

static const struct config_quota *find_same(const struct configuration *config,
					    const struct config_quota *quota)
{
	for (size_t i = 0; i < config->n_quotas; i++)
		if (config->quotas[i].holder == quota->holder &&
		    config->quotas[i].id == quota->id)
			return &config->quotas[i];
	return NULL;
}

int config_quota_append(struct configuration *config, const char *name,
			unsigned int line, struct error *why)
{
	_cleanup_(config_quota_deinit) struct config_quota quota = {.line = line};
	const struct config_quota *same;
	struct config_quota *quotas;
	int r;

	if (name[0] == '\0' || strcmp(name, "@") == 0)
		return error_set(why, -EINVAL, "the name is missing");
	r = find_holder(&quota, name, why);
	if (r < 0)
		return r;
	same = find_same(config, &quota);
	if (same)
		return error_set(why, -EEXIST,
				 "there is a quota of '%.64s' already, from "
				 "line %u",
				 name, same->line);
	quota.name = strdup(name);
	quotas = reallocarray(config->quotas, config->n_quotas + 1,
			      sizeof(*quotas));
	if (quotas)
		config->quotas = quotas;
	if (!quota.name || !quotas)
		return error_set(why, -ENOMEM, "out of memory");
	quotas[config->n_quotas++] = quota;
	quota.name = NULL;
	return 0;
}

static int read_value(enum config_limit limit, const char *text,
		      uint64_t *valuep, struct error *why)
{
	if (strcmp(text, "unlimited") == 0) {
		*valuep = CONFIG_UNLIMITED;
		return 0;
	}
	return limit == CONFIG_BYTES ? parse_size(text, valuep, why)
				     : parse_u64(text, valuep, why);
}

int config_quota_set(struct configuration *config, const char *key,
		     const char *value, unsigned int line, struct error *why)
{
	struct config_quota *quota = &config->quotas[config->n_quotas - 1];

	for (unsigned int i = 0; i < CONFIG_N_LIMITS; i++) {
		int r;

		if (strcmp(names[i], key) != 0)
			continue;
		if (quota->limits[i].line)
			return error_set(why, -EEXIST, "%s is given twice", key);
		quota->limits[i].line = line;
		r = read_value((enum config_limit)i, value,
			       &quota->limits[i].value, why);
		return r < 0 ? error_prefix(why, r, "%s is 0 now", key) : 0;
	}
	return error_set(why, -ENOENT, "unknown key '%.64s'", key);
}

void config_quota_deinit(struct config_quota *quota)
{
	free(quota->name);
	quota->name = NULL;
}

static bool covers(const struct config_quota *quota, enum config_holder holder,
		   const struct config_subject *subject)
{
	const struct config_principals group = {
		.gids = (uint32_t *)&quota->id,
		.n_gids = 1,
	};

	if (quota->holder != holder)
		return false;
	switch (holder) {
	case CONFIG_USER:
		return quota->id == subject->uid;
	case CONFIG_GROUP:
		return config_principals_match(&group, subject->uid,
					       subject->gid, subject->groups,
					       subject->n_groups);
	default:
		return true;
	}
}

const struct config_quota *
config_find_quota(const struct configuration *config, enum config_limit limit,
		  const struct config_subject *subject)
{
	const unsigned int last =
		subject->by_name_only ? CONFIG_USER : CONFIG_EACH;

	for (unsigned int holder = CONFIG_USER; holder <= last; holder++)
		for (size_t i = 0; i < config->n_quotas; i++)
			if (config->quotas[i].limits[limit].line &&
			    covers(&config->quotas[i],
				   (enum config_holder)holder, subject))
				return &config->quotas[i];
	return NULL;
}
