/* SPDX-License-Identifier: MIT */
#include "daemon/setup_custody.h"

#include <errno.h>

#include "daemon/custody.h"
#include "daemon/manager.h"
#include "util/log.h"

/*
 * Memory outlives the daemon in the custody of the service manager.  There are
 * two ways in which it gets there, and a daemon can tell them apart by what the
 * backends said, which only --prepare leaves:
 *
 *	somebody with privilege ran contigd --prepare: everything there is to
 *	lend is there, and this daemon could not open more;
 *
 *	this daemon, or the one before, opened it itself: what is not there yet
 *	is opened now, and left for the next one.
 *
 * What is damaged is left out.  But a region that cannot be taken over for lack
 * of a descriptor or of memory is as good as ever: without it, another one would
 * be made in its place, and what is lent of it forgotten.
 */

int setup_claim(struct setup *setup, struct inheritance *inheritance,
		struct probes *probes, struct error *why)
{
	struct error own = ERROR_INIT;
	struct tract *tract;
	int prepared, r;

	prepared = custody_claim_probes(inheritance, probes, &own);
	if (prepared < 0 && error_may_pass(prepared))
		return error_set(why, prepared, "%s", own.text);
	if (prepared < 0)
		log_err("%s", own.text);
	while ((r = custody_claim(inheritance, setup->options, &tract, &own))) {
		if (r > 0)
			setup_keep_consume(setup, tract);
		else if (error_may_pass(r))
			return error_set(why, r, "%s", own.text);
		else
			log_err("%s", own.text);
	}
	return prepared != 0;
}

void setup_withdraw(const struct setup *setup)
{
	const struct tract *tract;

	list_for_each (tract, &setup->tracts, link)
		if (!tract->kept)
			custody_withdraw(tract);
}

int setup_leave(const struct setup *setup, struct error *why)
{
	const struct tract *tract;
	int result = 0;

	if (!manager_has_store())
		return error_set(why, -ENOENT, "there is no service manager");
	list_for_each (tract, &setup->tracts, link) {
		struct error own = ERROR_INIT;
		int r;

		if (tract->kept || !tract->memory)
			continue;
		r = custody_leave(tract, setup->options, &own);
		if (r == 0)
			continue;
		log_err("%s", own.text);
		if (result == 0)
			result = error_set(why, r, "%s", own.text);
	}
	return result;
}
