/* SPDX-License-Identifier: MIT */
#include "daemon/quota.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/quotas.h"
#include "util/format.h"

/*
 * How much one uid may have, over all its connections:
 *
 *	quota of uid 1000 ([quota *] bytes, contigd.conf:12): 60M of 64M in use,
 *	8M requested
 *
 * What is in use stands in the account, to which buffers are charged until
 * their memory is really back, in whole granules.  A request is checked in the
 * same turn in which it is charged, also one that has waited, so nothing can
 * come in between.
 *
 * Which section decides is asked each time: it may be that of a group, and two
 * processes of a user can be in different ones.  Groups do not share a quota;
 * each uid has its own.
 *
 * Root and the daemon's own user are bound by sections that name them alone.
 */

/* One of the things that are limited. */
struct figures {
	enum config_limit limit;
	uint64_t used;
	uint64_t asked;
	uint64_t draining_bytes; /* of what is used */
};

static const char *unit(enum config_limit limit, uint64_t n)
{
	if (limit == CONFIG_BUFFERS)
		return n == 1 ? " buffer" : " buffers";
	return n == 1 ? " connection" : " connections";
}

static const char *format_amount(char *buf, size_t size,
				 enum config_limit limit, uint64_t n)
{
	char bytes[FORMAT_SIZE_BYTES];

	if (limit == CONFIG_BYTES)
		(void)snprintf(buf, size, "%s", format_size(bytes, n));
	else
		(void)snprintf(buf, size, "%" PRIu64, n);
	return buf;
}

static void explain(struct error *why, const struct policy *policy,
		    const struct config_quota *quota,
		    const struct figures *figures, uint32_t uid)
{
	enum config_limit limit = figures->limit;
	char rule[POLICY_RULE_BYTES], used[32], allowed[32], asked[32];
	uint64_t value = quota->limits[limit].value;
	char size[FORMAT_SIZE_BYTES], draining[32] = "";

	if (figures->draining_bytes > 0)
		(void)snprintf(draining, sizeof(draining), "; %s draining",
			       format_size(size, figures->draining_bytes));
	error_write(why,
		    "quota of uid %" PRIu32 " ([quota %.64s] %s, %.96s): "
		    "%s of %s%s in use, %s requested%s",
		    uid, quota->name, config_limit_name(limit),
		    policy_line(policy, rule, quota->limits[limit].line),
		    format_amount(used, sizeof(used), limit, figures->used),
		    format_amount(allowed, sizeof(allowed), limit, value),
		    limit == CONFIG_BYTES ? "" : unit(limit, value),
		    format_amount(asked, sizeof(asked), limit, figures->asked),
		    draining);
}

static int check_one(const struct policy *policy, const struct credentials *who,
		     const struct figures *figures, struct error *why)
{
	const struct config_subject subject = {
		.uid = who->uid,
		.gid = who->gid,
		.groups = who->groups,
		.n_groups = who->n_groups,
		.by_name_only = policy_is_trusted(policy, who),
	};
	const struct config_quota *quota =
		config_find_quota(policy->config, figures->limit, &subject);
	uint64_t value =
		quota ? quota->limits[figures->limit].value : CONFIG_UNLIMITED;

	if (value == CONFIG_UNLIMITED ||
	    (figures->used <= value && figures->asked <= value - figures->used))
		return 0;
	if (why)
		explain(why, policy, quota, figures, who->uid);
	return figures->asked <= value ? QUOTA_E_FULL : QUOTA_E_NEVER;
}

int quota_check(const struct policy *policy, const struct credentials *who,
		const struct account *account,
		const struct quota_charge *charge, struct error *why)
{
	static const struct account nothing = {.references = 0};
	const struct account *has = account ? account : &nothing;
	const struct figures figures[CONFIG_N_LIMITS] = {
		{CONFIG_BYTES, has->bytes, charge->bytes, has->draining_bytes},
		{CONFIG_BUFFERS, has->n_buffers, charge->buffers,
		 has->draining_bytes},
		{CONFIG_CONNECTIONS, has->n_clients, charge->connections, 0},
	};
	const struct figures *worst = NULL;
	int outcome = 0;

	/* one that never ends comes before one that may */
	for (size_t i = 0; i < CONFIG_N_LIMITS; i++) {
		int r = figures[i].asked > 0
				? check_one(policy, who, &figures[i], NULL)
				: 0;

		if (r <= outcome)
			continue;
		outcome = r;
		worst = &figures[i];
	}
	if (worst && why)
		(void)check_one(policy, who, worst, why);
	return outcome;
}
