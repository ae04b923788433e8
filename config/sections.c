/* SPDX-License-Identifier: MIT */
#include "config/sections.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config/access.h"
#include "config/principals.h"
#include "config/description.h"
#include "config/quotas.h"
#include "config/reservations.h"
#include "config/syntax.h"
#include "util/cleanup.h"
#include "util/parse.h"

/*
 * What headings and entries mean.  Three sections have no name and set fields
 * of the configuration; three carry a name and each make a region, which is
 * put together aside and joins the configuration when the next heading or the
 * end of the file shows that it is complete.  A quota carries a name, too, and
 * is filled where it is.
 *
 * Nothing wrong is worth stopping for: it is complained about and passed over.
 * A heading that is wrong takes its entries with it, silently, as one mistake
 * deserves one complaint.  A region of which any entry is wrong is left out as
 * a whole, as half of a description describes something else.
 */

struct section;

struct reader {
	struct configuration *config;
	const char *path;
	config_complaint_fn *complain;
	void *data;
	int n_complaints;
	bool out_of_memory;

	const struct section *section; /* NULL: entries are passed over */
	bool before_heading;
	unsigned int line;   /* of the entry at hand */
	uint32_t keys_given; /* in sections without a name; bits by index */

	struct config_region region; /* of a section with a name */
	bool region_wrong;
};

struct section {
	const char *name;
	enum {
		SORT_PLAIN, /* has no name */
		SORT_REGION,
		SORT_QUOTA,
	} sort;
	enum config_kind kind; /* of a region */
};

static const struct section section_daemon = {.name = "daemon"};
static const struct section section_udmabuf = {.name = "udmabuf"};
static const struct section section_access = {.name = "access"};
static const struct section section_region = {"region", SORT_REGION,
					      CONFIG_REGION};
static const struct section section_pool = {"pool", SORT_REGION, CONFIG_POOL};
static const struct section section_simulate = {"simulate", SORT_REGION,
						CONFIG_SIMULATE};

static const struct section section_quota = {"quota", SORT_QUOTA, 0};

static const struct section *const sections[] = {
	&section_daemon, &section_udmabuf,  &section_access, &section_region,
	&section_pool,	 &section_simulate, &section_quota,
};

static void complain_at(struct reader *reader, unsigned int line,
			const char *reason)
{
	struct error text;

	error_write(&text, "%s:%u: %s", reader->path, line, reason);
	reader->complain(reader->data, text.text);
	reader->n_complaints++;
}

/* What setting a key returned. */
static void handle_result(struct reader *reader, unsigned int line, int r,
			  const struct error *why)
{
	if (r == -ENOMEM)
		reader->out_of_memory = true;
	else if (r < 0)
		complain_at(reader, line, why->text);
}

static int replace_string(char **stringp, const char *value, struct error *why)
{
	char *copy = strdup(value);

	if (!copy)
		return error_set(why, -ENOMEM, "out of memory");
	free(*stringp);
	*stringp = copy;
	return 0;
}

static int set_socket(struct reader *reader, const char *value,
		      struct error *why)
{
	const size_t limit = sizeof(((struct sockaddr_un *)NULL)->sun_path);

	if (value[0] != '/')
		return error_set(why, -EINVAL,
				 "'%.64s' is not an absolute path", value);
	if (strlen(value) >= limit)
		return error_set(why, -EINVAL,
				 "'%.64s...' is longer than the %zu bytes that "
				 "a socket's path may have",
				 value, limit - 1);
	return replace_string(&reader->config->socket, value, why);
}

static int set_socket_group(struct reader *reader, const char *value,
			    struct error *why)
{
	int r = config_group_find(value, &reader->config->socket_group, why);

	if (r < 0)
		return r;
	reader->config->has_socket_group = true;
	return 0;
}

static int set_user(struct reader *reader, const char *value,
		    struct error *why)
{
	int r = config_identity_find(value, &reader->config->user, why);

	if (r < 0)
		return r;
	reader->config->has_user = true;
	return 0;
}

static int set_log_level(struct reader *reader, const char *value,
			 struct error *why)
{
	if (log_level_from_name(value, &reader->config->log_level) < 0)
		return error_set(why, -EINVAL,
				 "'%.64s' is none of err, warning, info and "
				 "debug",
				 value);
	reader->config->has_log_level = true;
	return 0;
}

static int set_default_region(struct reader *reader, const char *value,
			      struct error *why)
{
	int r = config_name_check(value, why);

	if (r < 0)
		return r;
	return replace_string(&reader->config->default_region, value, why);
}

static int set_make_ahead(struct reader *reader, const char *value,
			  struct error *why)
{
	bool ahead;
	int r = parse_bool(value, &ahead, why);

	if (r == 0)
		reader->config->nothing_ahead = !ahead;
	return r;
}

static int set_allow_corrupting_kernel(struct reader *reader, const char *value,
				       struct error *why)
{
	return parse_bool(value, &reader->config->allow_corrupting_kernel, why);
}

static void complain_principal(void *data, const char *reason)
{
	struct reader *reader = data;

	complain_at(reader, reader->line, reason);
}

/* An entry that is a list of rights, of the daemon or of a region. */
static int add_right(struct reader *reader, const char *key, const char *value)
{
	const struct config_list list = {
		.text = value,
		.line = reader->line,
		.complain = complain_principal,
		.data = reader,
	};
	bool is_region = reader->section->sort == SORT_REGION;

	if (is_region && strcmp(key, "reserve") == 0)
		return config_reservations_add(&reader->region.reservations,
					       &list);
	if (is_region || reader->section == &section_access)
		return config_access_add(is_region ? &reader->region.access
						   : &reader->config->access,
					 key, &list);
	return -ENOENT;
}

/* The keys of the sections without a name. */
static const struct {
	const struct section *section;
	const char *name;
	int (*set)(struct reader *reader, const char *value, struct error *why);
} keys[] = {
	{&section_daemon, "socket", set_socket},
	{&section_daemon, "socket-group", set_socket_group},
	{&section_daemon, "user", set_user},
	{&section_daemon, "log-level", set_log_level},
	{&section_daemon, "default-region", set_default_region},
	{&section_daemon, "make-ahead", set_make_ahead},
	{&section_udmabuf, "allow-corrupting-kernel",
	 set_allow_corrupting_kernel},
};

static int set_key(struct reader *reader, const char *key, const char *value,
		   struct error *why)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int r;

		if (keys[i].section != reader->section ||
		    strcmp(keys[i].name, key) != 0)
			continue;
		if (reader->keys_given & (1u << i))
			return error_set(why, -EEXIST, "%s is given twice", key);
		reader->keys_given |= 1u << i;
		r = keys[i].set(reader, value, why);
		return r < 0 ? error_prefix(why, r, "%s", key) : 0;
	}
	return error_set(why, -ENOENT, "unknown key '%.64s'", key);
}

static void handle_entry(void *data, unsigned int line, const char *key,
			 const char *value)
{
	struct reader *reader = data;
	struct error why = ERROR_INIT;
	int r;

	reader->line = line;
	if (reader->before_heading)
		complain_at(reader, line, "an entry before the first section");
	if (!reader->section)
		return;
	/* what a list says wrong is complained about already */
	r = add_right(reader, key, value);
	if (r != -ENOENT) {
		reader->out_of_memory |= r == -ENOMEM;
		return;
	}
	switch (reader->section->sort) {
	case SORT_REGION:
		r = config_region_set(&reader->region, key, value, &why);
		reader->region_wrong |= r < 0;
		break;
	case SORT_QUOTA:
		r = config_quota_set(reader->config, key, value, line, &why);
		break;
	default:
		r = set_key(reader, key, value, &why);
	}
	handle_result(reader, line, r, &why);
}

/* The region of the section that ends here joins the configuration. */
static void finish_region(struct reader *reader)
{
	struct config_region *region = &reader->region;
	struct error why = ERROR_INIT;
	int r = 0;

	if (region->name && !reader->region_wrong) {
		r = config_region_check(region, &why);
		if (r == 0)
			r = config_append_region(reader->config, region, &why);
	}
	handle_result(reader, region->line, r, &why);
	config_region_deinit(region);
	reader->region_wrong = false;
}

/* The section whose name heading begins with; *restp is what follows it. */
static const struct section *find_section(const char *heading,
					  const char **restp)
{
	size_t len = strcspn(heading, " \t");

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		if (strlen(sections[i]->name) == len &&
		    strncmp(sections[i]->name, heading, len) == 0) {
			*restp = heading + len + strspn(heading + len, " \t");
			return sections[i];
		}
	return NULL;
}

static int begin_region(struct reader *reader, const struct section *section,
			const char *name, unsigned int line, struct error *why)
{
	const struct config_region *same =
		config_find_region(reader->config, name);

	if (!same)
		return config_region_init(&reader->region, section->kind, name,
					  line, why);
	if (same->line == 0)
		return error_set(why, -EEXIST, "there is a region '%s' already",
				 name);
	return error_set(why, -EEXIST,
			 "there is a region '%s' already, from line %u", name,
			 same->line);
}

static void handle_heading(void *data, unsigned int line, const char *heading)
{
	struct reader *reader = data;
	struct error why = ERROR_INIT;
	const struct section *section;
	const char *rest;
	int r = 0;

	finish_region(reader);
	reader->before_heading = false;
	reader->section = NULL;
	if (!heading)
		return;
	section = find_section(heading, &rest);
	if (!section)
		r = error_set(&why, -ENOENT, "unknown section '%.64s'", heading);
	else if (section->sort == SORT_REGION)
		r = begin_region(reader, section, rest, line, &why);
	else if (section->sort == SORT_QUOTA)
		r = config_quota_append(reader->config, rest, line, &why);
	else if (*rest)
		r = error_set(&why, -EINVAL, "section '%s' takes no name",
			      section->name);
	if (r < 0)
		config_region_deinit(&reader->region);
	else
		reader->section = section;
	handle_result(reader, line, r, &why);
}

static void handle_complaint(void *data, unsigned int line, const char *reason)
{
	struct reader *reader = data;

	reader->region_wrong = true;
	complain_at(reader, line, reason);
}

static int set_file(struct configuration *config, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct error why;

	return replace_string(&config->file, slash ? slash + 1 : path, &why);
}

int sections_read(struct configuration *config,
		  const struct sections_file *file,
		  config_complaint_fn *complain, void *data)
{
	static const struct syntax_events events = {
		.heading = handle_heading,
		.entry = handle_entry,
		.complain = handle_complaint,
	};
	struct reader reader = {
		.config = config,
		.path = file->path,
		.complain = complain,
		.data = data,
		.before_heading = true,
	};
	int r = set_file(config, file->path);

	if (r == 0)
		r = syntax_read(file->text, file->len, &events, &reader);

	finish_region(&reader);
	if (r < 0 || reader.out_of_memory)
		return -ENOMEM;
	return reader.n_complaints;
}
