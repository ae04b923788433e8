/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/configuration.h"
#include "config/description.h"
#include "util/cleanup.h"

/*
 * Regions that come from the command line: --simulate and --pool.  The first
 * word is [NAME=]SIZE, further ones are KEY=VALUE, with the keys and values of
 * the file; commas part them.  An option is wrong as a whole or not at all.
 */

/* The name for simulated memory that was given none: one not yet taken. */
static void name_simulated(const struct configuration *config,
			   char name[CONFIG_NAME_BYTES])
{
	(void)snprintf(name, CONFIG_NAME_BYTES, "simulated");
	for (size_t i = 2; config_find_region(config, name); i++)
		(void)snprintf(name, CONFIG_NAME_BYTES, "simulated%zu", i);
}

static int set_all(struct config_region *region, const char *size, char *rest,
		   struct error *why)
{
	char *key;
	int r = config_region_set(region, "size", size, why);

	while (r == 0 && (key = strsep(&rest, ","))) {
		char *value = strchr(key, '=');

		if (!value)
			return error_set(why, -EINVAL,
					 "'%.64s' is not KEY=VALUE", key);
		*value++ = '\0';
		r = config_region_set(region, key, value, why);
	}
	if (r == 0)
		r = config_region_check(region, why);
	return r == -ENOENT ? -EINVAL : r;
}

static int add_region(struct configuration *config, enum config_kind kind,
		      const char *text, struct error *why)
{
	_cleanup_(config_region_deinit) struct config_region region = {
		.name = NULL};
	_cleanup_free_ char *copy = strdup(text);
	char unnamed[CONFIG_NAME_BYTES];
	char *rest = copy, *size;
	const char *name;
	int r;

	if (!copy)
		return error_set(why, -ENOMEM, "out of memory");
	name = strsep(&rest, ",");
	size = strchr(name, '=');
	if (size) {
		*size++ = '\0';
	} else if (kind == CONFIG_SIMULATE) {
		size = copy;
		name_simulated(config, unnamed);
		name = unnamed;
	} else {
		return error_set(why, -EINVAL, "'%.64s' is not NAME=SIZE", text);
	}
	r = config_region_init(&region, kind, name, 0, why);
	if (r == 0)
		r = set_all(&region, size, rest, why);
	if (r == 0)
		r = config_append_region(config, &region, why);
	return r;
}

int config_add_simulated(struct configuration *config, const char *text,
			 struct error *why)
{
	int r = add_region(config, CONFIG_SIMULATE, text, why);

	return r < 0 ? error_prefix(why, r, "--simulate") : 0;
}

int config_add_pool(struct configuration *config, const char *text,
		    struct error *why)
{
	int r = add_region(config, CONFIG_POOL, text, why);

	return r < 0 ? error_prefix(why, r, "--pool") : 0;
}
