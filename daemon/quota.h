/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_QUOTA_H
#define DAEMON_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/account.h"
#include "daemon/policy.h"
#include "util/error.h"

/* What somebody would have more than now. */
struct quota_charge {
	uint64_t bytes;
	uint64_t buffers;
	uint64_t connections;
};

enum quota_outcome {
	QUOTA_E_FULL = 1,  /* it would be enough if he gave something back */
	QUOTA_E_NEVER = 2, /* it is more than he may ever have */
};

/* Whether the account, NULL: nothing is used yet, may be charged with that: 0,
 * or an outcome with the rule and its figures in *why (may be NULL). */
int quota_check(const struct policy *policy, const struct credentials *who,
		const struct account *account,
		const struct quota_charge *charge, struct error *why);

#endif
