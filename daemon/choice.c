/* SPDX-License-Identifier: MIT */
#include "daemon/choice.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/guarantee.h"

/*
 * A request that names a region gets that one or a refusal.  One that names
 * none and requires nothing gets the default region: memory of another kind
 * would be a surprise.  One that requires guarantees has said what it needs, so
 * every region that gives all of it will do, the default one first.
 *
 * A region that the client may not use is none of these.  It is no secret,
 * though: where it alone could have served, the refusal names it and the rule.
 */

/* What it names or requires, or the default, whoever asks. */
static bool is_meant(const struct region *region, const struct want *want)
{
	if (want->require & ~region->memory->guarantees)
		return false;
	if (want->region[0])
		return strcmp(region->name, want->region) == 0;
	return region->is_default || want->require != 0;
}

static bool may_use(const struct choice *choice, const struct region *region,
		    const struct want *want)
{
	return !choice->policy || !want->who ||
	       policy_allows(choice->policy, CONFIG_USE, region, want->who);
}

static bool may_serve(const struct choice *choice, const struct region *region,
		      const struct want *want)
{
	return is_meant(region, want) && may_use(choice, region, want);
}

struct region *choice_next(const struct choice *choice, const struct want *want,
			   const struct region *previous)
{
	struct region *region;
	bool passed = !previous || previous->is_default;

	if (!previous)
		list_for_each (region, choice->regions, link)
			if (region->is_default && may_serve(choice, region, want))
				return region;
	list_for_each (region, choice->regions, link) {
		if (passed && !region->is_default &&
		    may_serve(choice, region, want))
			return region;
		if (region == previous)
			passed = true;
	}
	return NULL;
}

static struct region *find_named(const struct choice *choice,
				 const struct want *want)
{
	struct region *region;

	list_for_each (region, choice->regions, link)
		if (strcmp(region->name, want->region) == 0)
			return region;
	return NULL;
}

/* The first one that would have served, were it allowed. */
static struct region *find_forbidden(const struct choice *choice,
				     const struct want *want)
{
	struct region *region;

	list_for_each (region, choice->regions, link)
		if (is_meant(region, want) && !may_use(choice, region, want))
			return region;
	return NULL;
}

static void refuse_forbidden(const struct choice *choice,
			     const struct region *region,
			     const struct want *want, struct refusal *refusal)
{
	const char *what = "no region was named, and the default";
	char rule[POLICY_RULE_BYTES];

	if (want->region[0])
		what = "region";
	else if (want->require)
		what = "of what gives all of that, region";
	refusal_set(refusal, CONTIG_MSG_R_DENIED,
		    "%s '%s' is not for uid %" PRIu32 " (%s)", what,
		    region->name, want->who->uid,
		    policy_rule(choice->policy, rule, CONFIG_USE, region));
}

static void refuse_guarantee(const struct region *region,
			     const struct want *want, struct refusal *refusal)
{
	char missing[GUARANTEE_TEXT_BYTES];

	refusal_set(refusal, CONTIG_MSG_R_GUARANTEE,
		    "region '%s' (%s) does not give: %s", region->name,
		    region->memory->backend->name,
		    guarantee_names(missing,
				    want->require & ~region->memory->guarantees));
}

static void refuse_named(const struct choice *choice, const struct want *want,
			 struct refusal *refusal)
{
	const struct region *region = find_named(choice, want);

	if (!region)
		refusal_set(refusal, CONTIG_MSG_R_NO_REGION,
			    "there is no region '%s'", want->region);
	else if (!may_use(choice, region, want))
		refuse_forbidden(choice, region, want, refusal);
	else
		refuse_guarantee(region, want, refusal);
}

void choice_refuse(const struct choice *choice, const struct want *want,
		   struct refusal *refusal)
{
	const struct region *forbidden = find_forbidden(choice, want);
	char names[GUARANTEE_TEXT_BYTES];

	if (list_empty(choice->regions))
		refusal_set(refusal, CONTIG_MSG_R_NO_REGION,
			    "the daemon has no region to serve from; its log "
			    "and status say why");
	else if (want->region[0])
		refuse_named(choice, want, refusal);
	else if (forbidden)
		refuse_forbidden(choice, forbidden, want, refusal);
	else if (want->require)
		refusal_set(refusal, CONTIG_MSG_R_GUARANTEE,
			    "no region gives all of: %s",
			    guarantee_names(names, want->require));
	else
		refusal_set(refusal, CONTIG_MSG_R_NO_REGION,
			    "no region was named, and none is the default");
}
