/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_TRACT_H
#define DAEMON_TRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/backend.h"
#include "daemon/parcel.h"
#include "daemon/probes.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/list.h"

/* A range of memory on its way from a description to a region: what it is to
 * be, and once it is open, its memory. */
struct tract {
	struct list link; // setup::tracts
	uint32_t id;	  /* of the region; 0: not yet known */
	char *name;
	const struct backend *backend;
	bool public_base;   /* as region::public_base */
	bool wants_default; /* unless the configuration says otherwise */
	char *section; /* of the configuration; NULL: the one of its name */
	struct memory_spec spec; /* its region is name */
	struct memory *memory;	 /* owned; NULL: not open */
	bool kept;		 /* it was there before this start */
	bool wanted;		 /* it is described by what this start reads */
};

struct tract_description {
	uint32_t id; /* 0: the next one */
	const char *name;
	const char *backend; /* by name */
	bool public_base;
	bool wants_default;
	const char *section; /* that describes it; NULL: the one of its name */
	struct memory_spec memory; /* its region is set from name */
};

/* A tract that is not open.  -ENOENT: there is no backend of that name;
 * -ENOMEM. */
int tract_new(struct tract **tractp,
	      const struct tract_description *description, struct error *why);
struct tract *tract_free(struct tract *tract);
DEFINE_CLEANUP(struct tract *, tract_free)

/* Opens its memory, with the privileges that takes.  -ENOTSUP: the backend does
 * not serve here; or what opening it gives. */
int tract_open(struct tract *tract, const struct backend_options *options,
	       const struct probes *probes, struct error *why);

/* Puts what opens it into a parcel, which is empty; it is open. */
int tract_pack(const struct tract *tract, const struct backend_options *options,
	       struct parcel *parcel, struct error *why);
/* Opens it with what is in a parcel, and without privilege. */
int tract_unpack(struct tract *tract, const struct backend_options *options,
		 struct parcel *parcel, struct error *why);

/* Whether it is as described, whatever its place where that is made up. */
bool tract_matches(const struct tract *tract,
		   const struct tract_description *description);

#endif
