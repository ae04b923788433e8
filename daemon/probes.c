/* SPDX-License-Identifier: MIT */
#include "daemon/probes.h"

#include <assert.h>

#include "util/log.h"

/*
 * Backends are probed once, at start-up, with the privileges that the daemon
 * has then.  What they said is logged and kept, so that a client can read it
 * long after: "which memory does this machine give, and if not, why not" is the
 * first question of everybody who sets up a board.
 */

void probes_run(struct probes *probes, const struct backend_options *options)
{
	*probes = (struct probes){.n = 0};
	for (size_t i = 0; backends[i]; i++) {
		struct backend_report *report;

		assert(i < PROBES_MAX_BACKENDS);
		report = &probes->items[i].report;
		probes->items[i].backend = backends[i];
		backends[i]->probe(options, report);
		probes->n = i + 1;
		log_info("backend %s %s: %s", backends[i]->name,
			 report->serves ? "serves" : "cannot serve",
			 report->text);
	}
}

const struct backend_report *probes_find(const struct probes *probes,
					 const struct backend *backend)
{
	for (size_t i = 0; i < probes->n; i++)
		if (probes->items[i].backend == backend)
			return &probes->items[i].report;
	return NULL;
}
