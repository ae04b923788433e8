/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PROBES_H
#define DAEMON_PROBES_H

#include <stddef.h>

#include "daemon/backend.h"

#define PROBES_MAX_BACKENDS 8

/* What start-up found out about each backend, in the order of `backends`. */
struct probes {
	struct {
		const struct backend *backend;
		struct backend_report report;
	} items[PROBES_MAX_BACKENDS];
	size_t n;
};

/* Probes every backend and logs what each one said. */
void probes_run(struct probes *probes, const struct backend_options *options);

/* What probing the backend said, or NULL where it was not probed. */
const struct backend_report *probes_find(const struct probes *probes,
					 const struct backend *backend);

#endif
