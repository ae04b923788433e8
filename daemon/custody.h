/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CUSTODY_H
#define DAEMON_CUSTODY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/inheritance.h"
#include "daemon/probes.h"
#include "daemon/tract.h"
#include "util/error.h"

/*
 * Memory in the custody of the service manager: one process opens it and leaves
 * it there, the daemon that starts next, and every one after it, claims it.
 */

/* Leaves a tract that is open, in the place of whatever has its name.
 * 0 or a negative errno; whether the manager kept it is not known. */
int custody_leave(const struct tract *tract,
		  const struct backend_options *options, struct error *why);
/* Has the manager drop it again. */
void custody_withdraw(const struct tract *tract);
int custody_leave_probes(const struct probes *probes, struct error *why);
/* The seal of the roll (roll.h) of that number, which nobody claims. */
int custody_leave_seal(uint64_t number, int seal_fd, struct error *why);
void custody_withdraw_seal(uint64_t number);

/* Claims the next tract, and opens it.  1: *tractp is one, the caller's;
 * 0: there is none left; a negative errno: this one cannot be had, and why says
 * which and why not. */
int custody_claim(struct inheritance *inheritance,
		  const struct backend_options *options,
		  struct tract **tractp, struct error *why);
/* 1 or 0: they were there or not; or a negative errno. */
int custody_claim_probes(struct inheritance *inheritance,
			 struct probes *probes, struct error *why);

#endif
