/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_DESCRIPTION_H
#define CONFIG_DESCRIPTION_H

#include "config/configuration.h"
#include "util/error.h"

/* One region, pool or simulated region as it is being described, key by key:
 * by a section of the file or by an option. */

/* Region names are wire strings: 63 bytes and a NUL. */
#define CONFIG_NAME_BYTES 64

/* -EINVAL: empty, longer than 63 bytes, or not visible ASCII. */
int config_name_check(const char *name, struct error *why);

/* -EINVAL: the name is none; -ENOMEM. */
int config_region_init(struct config_region *region, enum config_kind kind,
		       const char *name, unsigned int line, struct error *why);
void config_region_deinit(struct config_region *region);

/* Sets one key.  -ENOENT: no such key for this kind; -EEXIST: it was set
 * before; -EINVAL, -ERANGE: bad value; -ENOMEM. */
int config_region_set(struct config_region *region, const char *key,
		      const char *value, struct error *why);

/* What can only be said when all keys are known.  -EINVAL: a size is missing
 * or is not a multiple of what it is made of, or a guard is not, or leaves no
 * room. */
int config_region_check(const struct config_region *region, struct error *why);

/* Takes what region owns, and leaves it empty, but only where it returns 0.
 * -EEXIST: the name is taken; -ENOMEM. */
int config_append_region(struct configuration *config,
			 struct config_region *region, struct error *why);

#endif
