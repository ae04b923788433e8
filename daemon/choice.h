/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CHOICE_H
#define DAEMON_CHOICE_H

#include <stdbool.h>

#include "daemon/policy.h"
#include "daemon/refusal.h"
#include "daemon/region.h"
#include "util/list.h"

/*
 * Which regions may serve a request, in which order.
 */

struct choice {
	const struct list *regions;
	const struct policy *policy; /* NULL: nothing is forbidden */
};

/* The next candidate after previous (NULL: the first), or NULL. */
struct region *choice_next(const struct choice *choice, const struct want *want,
			   const struct region *previous);

/* Why there is no candidate at all. */
void choice_refuse(const struct choice *choice, const struct want *want,
		   struct refusal *refusal);

#endif
