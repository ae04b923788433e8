/* SPDX-License-Identifier: MIT */
#include "daemon/policy.h"

/*
 * Rights, from the configuration's lists and the identity that the kernel
 * stated at connect.  Who may connect at all is the mode and group of the
 * socket; whoever is connected may allocate.
 *
 * Root and the daemon's own user have every right whatever the lists say: both
 * could read the daemon's memory, so refusing them protects nothing, and the
 * operator must not be able to lock himself out.  The lists are empty by
 * default, so nobody else has any.
 */

#define ROOT_UID 0

static bool has_right(const struct policy *policy,
		      const struct config_principals *list,
		      const struct credentials *credentials)
{
	if (credentials->uid == ROOT_UID || credentials->uid == policy->own_uid)
		return true;
	return config_principals_match(list, credentials->uid, credentials->gid,
				       credentials->groups,
				       credentials->n_groups);
}

void policy_init(struct policy *policy, const struct configuration *config,
		 uint32_t own_uid)
{
	*policy = (struct policy){
		.own_uid = own_uid,
		.phys = &config->phys,
		.admin = &config->admin,
	};
}

bool policy_may_see_phys(const struct policy *policy,
			 const struct credentials *credentials)
{
	return has_right(policy, policy->phys, credentials);
}

bool policy_is_admin(const struct policy *policy,
		     const struct credentials *credentials)
{
	return has_right(policy, policy->admin, credentials);
}
