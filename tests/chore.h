/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CHORE_H
#define TESTS_CHORE_H

#include "daemon/worker.h"

/* Waits, 30 s at most, until a worker has done all idle jobs that it had
 * before. Nothing else may wait for it. */
void chore_await(struct worker *worker);

#endif
