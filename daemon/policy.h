/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_POLICY_H
#define DAEMON_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/configuration.h"
#include "daemon/credentials.h"
#include "daemon/refusal.h"
#include "daemon/region.h"

/* Who may do what.  Everything else is decided by who owns a buffer. */
struct policy {
	uint32_t own_uid;		    /* of the daemon */
	const struct configuration *config; /* borrowed */
};

/* config outlives the policy. */
void policy_init(struct policy *policy, const struct configuration *config,
		 uint32_t own_uid);

/* Whether who has a right in a region; NULL: in the daemon as a whole. */
bool policy_allows(const struct policy *policy, enum config_right right,
		   const struct region *region, const struct credentials *who);

/* Root and the daemon's own user, to whom no list and no general quota is
 * applied. */
bool policy_is_trusted(const struct policy *policy,
		       const struct credentials *who);

/* Room for the place of a rule. */
#define POLICY_RULE_BYTES 192

/* Where it is said who has a right in a region: "[region camera] use,
 * contigd.conf:14".  Returns buf, of POLICY_RULE_BYTES. */
const char *policy_rule(const struct policy *policy, char *buf,
			enum config_right right, const struct region *region);

/* "contigd.conf:14".  Returns buf, of POLICY_RULE_BYTES. */
const char *policy_line(const struct policy *policy, char *buf,
			unsigned int line);

/* Adds to a refusal what of the region is reserved for others than who. */
void policy_name_reservations(const struct policy *policy,
			      const struct region *region,
			      const struct credentials *who,
			      struct refusal *refusal);

#endif
