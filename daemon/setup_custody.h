/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SETUP_CUSTODY_H
#define DAEMON_SETUP_CUSTODY_H

#include <stdbool.h>

#include "daemon/inheritance.h"
#include "daemon/setup.h"

/* Keeps what the service manager has in custody.
 *	1	it was prepared for a daemon without privilege; setup->probes,
 *		which is probes, says then what was found out, and nothing else
 *		is there to be opened
 *	0	it was not
 *	or a negative errno: something of it could not be taken over today, and
 *	its memory must not be given up for that. */
int setup_claim(struct setup *setup, struct inheritance *inheritance,
		struct probes *probes, struct error *why);

/* Leaves what this process opened with the service manager, where there is one;
 * -ENOENT where there is none.  What cannot be left there is logged, and the
 * first such failure returned. */
int setup_leave(const struct setup *setup, struct error *why);
/* Takes it back: nobody is to have it later. */
void setup_withdraw(const struct setup *setup);

#endif
