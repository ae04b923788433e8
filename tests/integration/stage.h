/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INTEGRATION_STAGE_H
#define TESTS_INTEGRATION_STAGE_H

#include <contig.h>

#include <stdbool.h>

#include "tests/integration/faults.h"
#include "tests/integration/script.h"
#include "tests/integration/supervisor.h"
#include "tests/integration/sweep.h"
#include "util/error.h"

#define STAGE_ARGUMENTS 12

/*
 * A daemon whose calls can be made to fail, under its service manager, with
 * somebody who looks at it from outside.  Two regions: "plain", 8 MiB, the
 * default one, and "guarded", 1 MiB in granules of 4 KiB with guards.
 */
struct stage {
	struct supervisor supervisor;
	struct faults faults;
	struct contig *observer;
	const char *arguments[STAGE_ARGUMENTS]; /* of the daemon */
	char config[64];
	size_t n_clients; /* with the observer, when nothing is under way */
};

/* Nothing runs yet.  prepare: as in struct supervisor_spec. */
void stage_init(struct stage *stage, bool prepare);
void stage_deinit(struct stage *stage);
/* Another argument for the daemon. */
void stage_add_argument(struct stage *stage, const char *argument);

enum stage_start {
	STAGE_SERVES,
	STAGE_ENDED,
	STAGE_SILENT, /* neither, for a long time */
};

/* Ends it for good. */
void stage_kill(struct stage *stage);
/* Waits for how a start goes; a daemon that has ended is started again. */
enum stage_start stage_wait_start(struct stage *stage);
/* It has ended with a status that says so, and with a reason in its log. */
bool stage_has_explained(struct stage *stage, struct error *why);
/* Ends it, and forgets all that it has left. */
void stage_clear(struct stage *stage);

/* The functions of a sweep: data is a struct stage. */
void stage_renew(void *data);
struct sweep_measure stage_measure(void *data);
void stage_show(void *data);
/* Everything has come back, and an allocation succeeds. */
bool stage_judge(void *data, struct error *why);

/* Waits until the daemon serves, has everything back, and only the observer
 * and n_clients - 1 others are connected. */
bool stage_wait_idle(struct stage *stage, struct error *why);

/* The errors of calls where the daemon lacks something, 0 at the end. */
extern const int stage_promised[];
/* What the calls of a client came to, once everything is idle again. */
enum sweep_end stage_end(struct stage *stage, const struct script *script);

#endif
