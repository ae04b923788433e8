/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PRIVILEGE_H
#define DAEMON_PRIVILEGE_H

#include "config/configuration.h"
#include "config/identity.h"
#include "util/error.h"

/* The user that root becomes unless told otherwise, where there is one. */
#define PRIVILEGE_USER "contigd"

/* Whom the daemon is going to run as.  Root becomes the user of the
 * configuration, else PRIVILEGE_USER, else stays root; everybody else stays who
 * they are, with a warning in the log where another one is configured.  A
 * negative errno: whether there is such a user could not be found out. */
int privilege_choose(struct config_identity *identity,
		     const struct configuration *config, struct error *why);

/* Gives up, for good, whatever the process may do beyond what any program of
 * that user may: other users and groups, all capabilities, and every way to
 * gain some again.  Only the calling thread's: call it before there is a
 * second one.  An error means that something of it is still there, and why
 * says what. */
int privilege_drop(const struct config_identity *identity, struct error *why);

#endif
