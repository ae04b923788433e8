/* SPDX-License-Identifier: MIT */
#include "daemon/tract.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Opening memory takes privilege, lending it does not, and the daemon that
 * lends may be another process than the one that opened it.  So what is known
 * of a range before anybody can lend it is a thing of its own: regions, with
 * their allocator and their zeroing, are made of tracts when all privilege is
 * gone.
 */

int tract_new(struct tract **tractp, const struct tract_description *description,
	      struct error *why)
{
	const struct backend *backend = backend_find(description->backend);
	_cleanup_(tract_freep) struct tract *tract = NULL;

	if (!backend)
		return error_set(why, -ENOENT, "there is no backend '%s'",
				 description->backend);
	tract = calloc(1, sizeof(*tract));
	if (!tract)
		return error_set(why, -ENOMEM, "out of memory");
	list_init(&tract->link);
	tract->name = strdup(description->name);
	if (description->section)
		tract->section = strdup(description->section);
	if (!tract->name || (description->section && !tract->section))
		return error_set(why, -ENOMEM, "out of memory");
	tract->id = description->id;
	tract->backend = backend;
	tract->public_base = description->public_base;
	tract->wants_default = description->wants_default;
	tract->spec = description->memory;
	tract->spec.region = tract->name;
	*tractp = TAKE_PTR(tract);
	return 0;
}

struct tract *tract_free(struct tract *tract)
{
	if (!tract)
		return NULL;
	list_remove(&tract->link);
	if (tract->memory)
		tract->backend->memory_close(tract->memory);
	free(tract->name);
	free(tract->section);
	free(tract);
	return NULL;
}

int tract_open(struct tract *tract, const struct backend_options *options,
	       const struct probes *probes, struct error *why)
{
	const struct backend_report *report =
		probes_find(probes, tract->backend);

	if (!report || !report->serves)
		return error_set(why, -ENOTSUP, "backend %s: %s",
				 tract->backend->name,
				 report ? report->text : "was not probed");
	return tract->backend->memory_open(options, &tract->spec,
					   &tract->memory, why);
}

int tract_pack(const struct tract *tract, const struct backend_options *options,
	       struct parcel *parcel, struct error *why)
{
	if (!tract->backend->memory_export)
		return 0;
	return tract->backend->memory_export(options, tract->memory, parcel,
					     why);
}

int tract_unpack(struct tract *tract, const struct backend_options *options,
		 struct parcel *parcel, struct error *why)
{
	if (!tract->backend->memory_import)
		return tract->backend->memory_open(options, &tract->spec,
						   &tract->memory, why);
	return tract->backend->memory_import(&tract->spec, parcel,
					     &tract->memory, why);
}

bool tract_matches(const struct tract *tract,
		   const struct tract_description *description)
{
	const struct memory_spec *is = &tract->spec, *wanted;
	bool made_up = tract->backend == &backend_simulated;

	wanted = &description->memory;
	return strcmp(tract->backend->name, description->backend) == 0 &&
	       (made_up || is->base == wanted->base) &&
	       is->size_bytes == wanted->size_bytes &&
	       is->granule_bytes == wanted->granule_bytes &&
	       is->page_bytes == wanted->page_bytes &&
	       is->guard_bytes == wanted->guard_bytes;
}
