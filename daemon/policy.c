/* SPDX-License-Identifier: MIT */
#include "daemon/policy.h"

#include <stdio.h>

#include "config/access.h"
#include "util/format.h"

/*
 * Rights, from the configuration's lists and the identity that the kernel
 * stated at connect.  Who may connect at all is the mode and group of the
 * socket.
 *
 * One list decides: the region's own where its section has one, else that of
 * [access], else the default, which lets everybody use memory and nobody see
 * addresses or what others have.  Lists never add up across sections, so that
 * whoever reads a region's section knows all who are in it.
 *
 * Root and the daemon's own user have every right whatever the lists say: both
 * could read the daemon's memory, so refusing them protects nothing, and the
 * operator must not be able to lock himself out.  Reservations are another
 * matter.  They are no right but a promise to somebody else, and on a board
 * where everything runs as root they would promise nothing if root were let in.
 */

#define ROOT_UID 0

void policy_init(struct policy *policy, const struct configuration *config,
		 uint32_t own_uid)
{
	*policy = (struct policy){.own_uid = own_uid, .config = config};
}

static const char *const sections[] = {
	[CONFIG_REGION] = "region",
	[CONFIG_POOL] = "pool",
	[CONFIG_SIMULATE] = "simulate",
};

/* The list that decides. */
static const struct config_principals *find_list(const struct policy *policy,
						 enum config_right right,
						 const struct region *region)
{
	const struct config_region *section = region ? region->section : NULL;

	return section && section->access.rights[right].given
		       ? &section->access.rights[right]
		       : &policy->config->access.rights[right];
}

bool policy_is_trusted(const struct policy *policy,
		       const struct credentials *who)
{
	return who->uid == ROOT_UID || who->uid == policy->own_uid;
}

bool policy_allows(const struct policy *policy, enum config_right right,
		   const struct region *region, const struct credentials *who)
{
	const struct config_principals *list = find_list(policy, right, region);

	if (policy_is_trusted(policy, who))
		return true;
	if (!list->given)
		return right == CONFIG_USE;
	return config_principals_match(list, who->uid, who->gid, who->groups,
				       who->n_groups);
}

const char *policy_line(const struct policy *policy, char *buf,
			unsigned int line)
{
	const char *file = policy->config->file;

	(void)snprintf(buf, POLICY_RULE_BYTES, "%s:%u",
		       file ? file : "configuration", line);
	return buf;
}

const char *policy_rule(const struct policy *policy, char *buf,
			enum config_right right, const struct region *region)
{
	const struct config_principals *list = find_list(policy, right, region);
	const struct config_region *section = region ? region->section : NULL;
	char line[POLICY_RULE_BYTES];

	if (!list->given)
		(void)snprintf(buf, POLICY_RULE_BYTES, "by default");
	else if (list == &policy->config->access.rights[right])
		(void)snprintf(buf, POLICY_RULE_BYTES, "[access] %s, %.96s",
			       config_right_name(right),
			       policy_line(policy, line, list->line));
	else
		(void)snprintf(buf, POLICY_RULE_BYTES, "[%s %s] %s, %.96s",
			       sections[section->kind], section->name,
			       config_right_name(right),
			       policy_line(policy, line, list->line));
	return buf;
}

void policy_name_reservations(const struct policy *policy,
			      const struct region *region,
			      const struct credentials *who,
			      struct refusal *refusal)
{
	const struct config_reservation *first = NULL;
	char size[FORMAT_SIZE_BYTES], line[POLICY_RULE_BYTES];
	uint64_t bytes = 0;
	size_t n = 0;

	for (size_t i = 0; i < region->partitions.n; i++) {
		const struct partition *item = &region->partitions.items[i];

		if (partition_is_open(item, who))
			continue;
		if (n++ == 0)
			first = item->reservation;
		bytes += space_size_bytes(item->space);
	}
	if (n > 0)
		refusal_add(refusal, "; %s reserved for %s (%s)",
			    format_size(size, bytes),
			    n == 1 ? first->name : "others",
			    policy_line(policy, line, first->line));
}
