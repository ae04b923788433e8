/* SPDX-License-Identifier: MIT */
#include "daemon/privilege.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cap-ng.h>

#include "util/log.h"

/*
 * Privilege opens devices and reads addresses; serving clients takes none.  So
 * between the two everything goes, in this order, since each step takes rights
 * that a later one takes away:
 *
 *	1. securebits: being root no longer means having capabilities, and
 *	   changing that is locked;
 *	2. the bounding set, so that no program that is ever executed, set-uid or
 *	   with capabilities of its own, can bring one back;
 *	3. supplementary groups, gid and uid, real, effective and saved;
 *	4. what is left of the capabilities, ambient ones included;
 *	5. no_new_privs, which needs no right and which every child inherits.
 *
 * libcap-ng does the first four; that the kernel agrees is read back, as a call
 * that reports success and did half of it would be worse than one that fails.
 *
 * Without CAP_SETPCAP, as any ordinary user has it, the first two steps are
 * not possible, and need not be: with no_new_privs nothing can be gained from
 * the bounding set.  Who has nothing to give up makes none of these calls, which
 * a sandbox may forbid.
 *
 * A process that changes its user is no longer "dumpable": /proc/self then
 * belongs to root.  The kernel forgets nothing by making it so again, since the
 * daemon keeps no secrets from the user it is; started as that user by a
 * service manager it would be the same.
 */

int privilege_choose(struct config_identity *identity,
		     const struct configuration *config, struct error *why)
{
	int r;

	identity->uid = (uint32_t)geteuid();
	identity->gid = (uint32_t)getegid();
	if (identity->uid != 0) {
		if (config->has_user && config->user.uid != identity->uid)
			log_warning("it takes root to become uid %u: the "
				    "daemon stays uid %u",
				    config->user.uid, identity->uid);
		return 0;
	}
	if (config->has_user) {
		*identity = config->user;
		return 0;
	}
	r = config_identity_find(PRIVILEGE_USER, identity, why);
	/* who cannot be looked up may well exist: not a reason to stay root */
	return r == -ENOENT ? 0 : r;
}

static bool has_capabilities(void)
{
	return capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE ||
	       capng_have_capabilities(CAPNG_SELECT_AMBIENT) != CAPNG_NONE;
}

static int drop_everything(const struct config_identity *identity,
			   struct error *why)
{
	capng_flags_t flags = CAPNG_CLEAR_AMBIENT;
	int r;

	if (capng_get_caps_process() != 0)
		return error_set(why, -EPERM, "cannot read capabilities");
	if (geteuid() != 0 && !has_capabilities())
		return 0;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID))
		flags |= CAPNG_DROP_SUPP_GRP;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
		flags |= CAPNG_CLEAR_BOUNDING;
		if (capng_lock() != 0)
			return error_set(why, -EPERM, "cannot lock securebits");
	}
	capng_clear(CAPNG_SELECT_ALL);
	if (geteuid() == 0) {
		r = capng_change_id((int)identity->uid, (int)identity->gid,
				    flags);
		if (r != 0)
			return error_set(why, -EPERM,
					 "cannot become uid %u and gid %u "
					 "(libcap-ng: %d)",
					 identity->uid, identity->gid, r);
	}
	if (capng_apply(CAPNG_SELECT_CAPS) != 0 ||
	    capng_apply(CAPNG_SELECT_AMBIENT) != 0)
		return error_set(why, -EPERM, "cannot give up capabilities");
	return 0;
}

/* What the kernel says is left. */
static int verify(const struct config_identity *identity, struct error *why)
{
	uid_t uid[3];
	gid_t gid[3];

	if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 ||
	    getresgid(&gid[0], &gid[1], &gid[2]) < 0)
		return error_set(why, -errno, "cannot read uid and gid: %s",
				 strerror(errno));
	for (size_t i = 0; i < 3; i++)
		if (uid[i] != identity->uid || gid[i] != identity->gid)
			return error_set(why, -EPERM,
					 "uid %u and gid %u are left", uid[i],
					 gid[i]);
	if (capng_get_caps_process() != 0 || has_capabilities())
		return error_set(why, -EPERM, "capabilities are left");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return error_set(why, -EPERM, "no_new_privs is not set");
	return 0;
}

int privilege_drop(const struct config_identity *identity, struct error *why)
{
	int r = drop_everything(identity, why);

	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = error_set(why, -errno, "cannot set no_new_privs: %s",
			      strerror(errno));
	if (r == 0)
		r = verify(identity, why);
	if (r < 0)
		return error_prefix(why, r, "privileges cannot be dropped");
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return 0;
}
