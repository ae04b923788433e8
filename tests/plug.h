/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PLUG_H
#define TESTS_PLUG_H

#include <semaphore.h>
#include <stdbool.h>

#include "daemon/loop.h"
#include "daemon/worker.h"

/* What keeps a worker busy until the test lets it go. */
struct plug {
	struct job job;
	sem_t sem;
	bool done;
};

void plug_worker(struct plug *plug, struct worker *worker);
/* Turns the loop, which dispatches the worker's jobs, until it is free. */
void plug_pull(struct plug *plug, struct loop *loop);

#endif
