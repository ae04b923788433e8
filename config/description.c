/* SPDX-License-Identifier: MIT */
#include "config/description.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/access.h"
#include "config/reservations.h"
#include "util/cleanup.h"
#include "util/parse.h"
#include "util/power.h"

/*
 * What may be said about one region.  The table below is the only place that
 * knows which key belongs to which kind; the file's sections and the options
 * of the command line both come here with pairs of key and value.
 *
 * Checks are of two sorts: of a value by itself, when it is set, and of values
 * against one another, once all are there, as their order is free.  Whether
 * the machine can serve what is asked for is the daemon's to find out.
 */

#define SMALLEST_PAGE	  UINT64_C(4096) /* of any Linux */
#define DEFAULT_POOL_PAGE (UINT64_C(2) << 20)

#define FOR(kind) (1u << (kind))

static int set_string(char **stringp, const char *value, struct error *why)
{
	char *copy;

	if (value[0] == '\0')
		return error_set(why, -EINVAL, "the value is empty");
	copy = strdup(value);
	if (!copy)
		return error_set(why, -ENOMEM, "out of memory");
	free(*stringp);
	*stringp = copy;
	return 0;
}

static int set_power_of_two(uint64_t *bytesp, const char *value,
			    struct error *why)
{
	uint64_t bytes;
	int r = parse_size(value, &bytes, why);

	if (r < 0)
		return r;
	if (bytes < SMALLEST_PAGE || !is_power_of_two(bytes))
		return error_set(why, -EINVAL,
				 "'%.64s' is not a power of two from 4K on",
				 value);
	*bytesp = bytes;
	return 0;
}

static int set_node(struct config_region *region, const char *value,
		    struct error *why)
{
	return set_string(&region->node, value, why);
}

static int set_adopt(struct config_region *region, const char *value,
		     struct error *why)
{
	return parse_bool(value, &region->adopt, why);
}

static int set_backend(struct config_region *region, const char *value,
		       struct error *why)
{
	return set_string(&region->backend, value, why);
}

static int set_size(struct config_region *region, const char *value,
		    struct error *why)
{
	uint64_t bytes;
	int r = parse_size(value, &bytes, why);

	if (r < 0)
		return r;
	if (bytes == 0)
		return error_set(why, -EINVAL, "a size of 0 holds nothing");
	region->size_bytes = bytes;
	return 0;
}

static int set_page_size(struct config_region *region, const char *value,
			 struct error *why)
{
	return set_power_of_two(&region->page_bytes, value, why);
}

static int set_granule(struct config_region *region, const char *value,
		       struct error *why)
{
	return set_power_of_two(&region->granule_bytes, value, why);
}

static int set_guard(struct config_region *region, const char *value,
		     struct error *why)
{
	bool wanted = true;
	uint64_t bytes;
	int r;

	/* "no" and its like; "yes" does not say how much */
	if (parse_bool(value, &wanted, NULL) == 0 && !wanted) {
		region->guard_bytes = 0;
		return 0;
	}
	r = parse_size(value, &bytes, why);
	if (r < 0)
		return r;
	if (bytes % SMALLEST_PAGE)
		return error_set(why, -EINVAL,
				 "'%.64s' is not a multiple of 4K", value);
	region->guard_bytes = bytes;
	return 0;
}

#define EVERY_KIND \
	(FOR(CONFIG_REGION) | FOR(CONFIG_POOL) | FOR(CONFIG_SIMULATE))

static const struct {
	const char *name;
	unsigned int kinds;
	int (*set)(struct config_region *region, const char *value,
		   struct error *why);
} keys[] = {
	{"node", FOR(CONFIG_REGION), set_node},
	{"adopt", FOR(CONFIG_REGION), set_adopt},
	{"backend", FOR(CONFIG_REGION), set_backend},
	{"size", FOR(CONFIG_POOL) | FOR(CONFIG_SIMULATE), set_size},
	{"page-size", FOR(CONFIG_POOL), set_page_size},
	{"granule", EVERY_KIND, set_granule},
	{"guard", EVERY_KIND, set_guard},
};

int config_name_check(const char *name, struct error *why)
{
	if (name[0] == '\0')
		return error_set(why, -EINVAL, "the name is empty");
	if (strlen(name) >= CONFIG_NAME_BYTES)
		return error_set(why, -EINVAL,
				 "the name '%.64s...' is longer than %d bytes",
				 name, CONFIG_NAME_BYTES - 1);
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~')
			return error_set(why, -EINVAL,
					 "the name '%s' has a byte 0x%02x; "
					 "only visible ASCII may be in it",
					 name, (unsigned char)*c);
	return 0;
}

int config_region_init(struct config_region *region, enum config_kind kind,
		       const char *name, unsigned int line, struct error *why)
{
	int r = config_name_check(name, why);

	*region = (struct config_region){
		.kind = kind,
		.line = line,
		.adopt = kind == CONFIG_REGION,
		.page_bytes = kind == CONFIG_POOL ? DEFAULT_POOL_PAGE : 0,
	};
	if (r < 0)
		return r;
	return set_string(&region->name, name, why);
}

void config_region_deinit(struct config_region *region)
{
	free(region->name);
	free(region->node);
	free(region->backend);
	config_access_deinit(&region->access);
	config_reservations_deinit(&region->reservations);
	*region = (struct config_region){.name = NULL};
}

int config_region_set(struct config_region *region, const char *key,
		      const char *value, struct error *why)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int r;

		if (strcmp(keys[i].name, key) != 0 ||
		    !(keys[i].kinds & FOR(region->kind)))
			continue;
		if (region->keys_given & (1u << i))
			return error_set(why, -EEXIST, "%s is given twice", key);
		region->keys_given |= 1u << i;
		r = keys[i].set(region, value, why);
		return r < 0 ? error_prefix(why, r, "%s", key) : 0;
	}
	return error_set(why, -ENOENT, "unknown key '%.64s'", key);
}

static int check_guard(const struct config_region *region, struct error *why)
{
	uint64_t granule = region->granule_bytes;

	if (granule && region->guard_bytes % granule)
		return error_set(why, -EINVAL,
				 "guard %" PRIu64
				 " is not a multiple of the granule %" PRIu64,
				 region->guard_bytes, granule);
	return 0;
}

int config_region_check(const struct config_region *region, struct error *why)
{
	uint64_t unit = region->granule_bytes;
	const char *what = "granule";
	int r = check_guard(region, why);

	if (r < 0 || region->kind == CONFIG_REGION)
		return r;
	if (region->size_bytes == 0)
		return error_set(why, -EINVAL, "size is missing");
	if (unit < SMALLEST_PAGE)
		unit = SMALLEST_PAGE;
	if (region->kind == CONFIG_POOL) {
		unit = region->page_bytes;
		what = "page-size";
	}
	if (region->size_bytes % unit)
		return error_set(why, -EINVAL,
				 "size %" PRIu64
				 " is not a multiple of the %s %" PRIu64,
				 region->size_bytes, what, unit);
	if (region->guard_bytes >= region->size_bytes)
		return error_set(why, -EINVAL,
				 "guard %" PRIu64
				 " leaves no room for a buffer in %" PRIu64,
				 region->guard_bytes, region->size_bytes);
	return 0;
}

int config_append_region(struct configuration *config,
			 struct config_region *region, struct error *why)
{
	size_t n = config->n_regions;
	struct config_region *regions;

	if (config_find_region(config, region->name))
		return error_set(why, -EEXIST, "there is a region '%s' already",
				 region->name);
	regions = reallocarray(config->regions, n + 1, sizeof(*regions));
	if (!regions)
		return error_set(why, -ENOMEM, "out of memory");
	config->regions = regions;
	regions[n] = *region;
	config->n_regions = n + 1;
	*region = (struct config_region){.name = NULL};
	return 0;
}
