/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RULES_H
#define TESTS_RULES_H

#include "config/configuration.h"
#include "daemon/policy.h"

#define RULES_OWN_UID 990 /* the daemon's */

/* A configuration as the text of a file says, which is called "f" in messages
 * and must be without fault, and the policy that follows from it. */
struct rules {
	struct configuration config;
	struct policy policy;
};

void rules_init(struct rules *rules, const char *text);
void rules_deinit(struct rules *rules);

#endif
