/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PREPARE_H
#define DAEMON_PREPARE_H

#include "config/configuration.h"
#include "daemon/setup_devicetree.h"
#include "util/error.h"

/* What contigd --prepare does: opens, with privilege, the memory that the
 * devicetree and the configuration describe and that was not prepared before,
 * and leaves it with the service manager.  runtime_directory is the service's
 * own; NULL, as without a service manager, is an error. */
int prepare_run(const struct configuration *config,
		const struct setup_tree *tree,
		const struct backend_options *options,
		const char *runtime_directory, struct error *why);

#endif
