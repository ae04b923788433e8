/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PROBES_H
#define DAEMON_PROBES_H

#include <stddef.h>

#include "daemon/backend.h"
#include "util/error.h"

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

/* Makes a sealed record of them; a descriptor or a negative errno. */
int probes_write(const struct probes *probes, struct error *why);
/* Reads one: 0; enum sealed_outcome; or a negative errno. */
int probes_read(struct probes *probes, int fd_borrow, struct error *why);

/* As above of the bytes within the record, whatever they are. */
int probes_decode(struct probes *probes, const void *bytes, size_t length,
		  struct error *why);

#endif
