/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_POLICY_H
#define DAEMON_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/configuration.h"
#include "daemon/credentials.h"

/* Who may do what.  Everything else is decided by who owns a buffer. */
struct policy {
	uint32_t own_uid;		       /* of the daemon */
	const struct config_principals *phys;  /* borrowed */
	const struct config_principals *admin; /* borrowed */
};

/* config outlives the policy. */
void policy_init(struct policy *policy, const struct configuration *config,
		 uint32_t own_uid);

/* Physical addresses of its own buffers and of regions. */
bool policy_may_see_phys(const struct policy *policy,
			 const struct credentials *credentials);

/* Buffers and clients of other users. */
bool policy_is_admin(const struct policy *policy,
		     const struct credentials *credentials);

#endif
