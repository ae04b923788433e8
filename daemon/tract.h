/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_TRACT_H
#define DAEMON_TRACT_H

#include <stdbool.h>

#include "daemon/backend.h"
#include "daemon/probes.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/list.h"

/* A range of memory on its way from a description to a region: what it is to
 * be, and once it is open, its memory. */
struct tract {
	struct list link; // setup::tracts
	char *name;
	const struct backend *backend;
	bool public_base;   /* as region::public_base */
	bool wants_default; /* unless the configuration says otherwise */
	struct memory_spec spec; /* its region is name */
	struct memory *memory;	 /* owned; NULL: not open */
};

struct tract_description {
	const char *name;
	const char *backend; /* by name */
	bool public_base;
	bool wants_default;
	struct memory_spec memory; /* its region is set from name */
};

/* A tract that is not open.  -ENOENT: there is no backend of that name;
 * -ENOMEM. */
int tract_new(struct tract **tractp, const struct tract_description *description,
	      struct error *why);
struct tract *tract_free(struct tract *tract);
DEFINE_CLEANUP(struct tract *, tract_free)

/* Opens its memory, with the privileges that takes.  -ENOTSUP: the backend does
 * not serve here; or what opening it gives. */
int tract_open(struct tract *tract, const struct backend_options *options,
	       const struct probes *probes, struct error *why);

#endif
