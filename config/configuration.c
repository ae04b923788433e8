/* SPDX-License-Identifier: MIT */
#include "config/configuration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/access.h"
#include "config/description.h"
#include "config/quotas.h"
#include "config/sections.h"
#include "util/cleanup.h"
#include "util/fd.h"

/*
 * The configuration as a whole.  Parts come from a file and from options of
 * the command line, in any order, and add up; what is meant is a matter of
 * sections.c (the file) and arguments.c (the command line), which both describe
 * regions through description.c.
 *
 * A file is read at once and in full: it is small, and one that changes while
 * it is read must not be half of each.
 */

#define FILE_BYTES_LIMIT (1024 * 1024)

void config_init(struct configuration *config)
{
	*config = (struct configuration){.log_level = LOG_LEVEL_INFO};
}

void config_deinit(struct configuration *config)
{
	free(config->socket);
	free(config->default_region);
	free(config->file);
	config_access_deinit(&config->access);
	for (size_t i = 0; i < config->n_quotas; i++)
		config_quota_deinit(&config->quotas[i]);
	free(config->quotas);
	for (size_t i = 0; i < config->n_regions; i++)
		config_region_deinit(&config->regions[i]);
	free(config->regions);
	config_init(config);
}

const struct config_region *
config_find_region(const struct configuration *config, const char *name)
{
	for (size_t i = 0; i < config->n_regions; i++)
		if (strcmp(config->regions[i].name, name) == 0)
			return &config->regions[i];
	return NULL;
}

int config_read_file(struct configuration *config, const char *path,
		     config_complaint_fn *complain, void *data,
		     struct error *why)
{
	_cleanup_free_ char *text = NULL;
	struct sections_file file = {.path = path};
	int r = fd_read_file(path, FILE_BYTES_LIMIT, &text, &file.len);

	file.text = text;
	if (r == 0)
		r = sections_read(config, &file, complain, data);
	if (r < 0)
		return error_set(why, r, "%s: %s", path, strerror(-r));
	return r;
}
