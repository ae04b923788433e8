/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LEASE_OBJECT_H
#define DAEMON_LEASE_OBJECT_H

#include "daemon/backend.h"

/*
 * The object functions of backends whose clients map a memfd.  They fit the
 * members of the same names in struct backend, and say more than those do only
 * here: the token is kept where memory->cpu_access is CONTIG_MSG_CPU_BOUNCE,
 * and freeing gives the memfd's pages back even where somebody still maps it.
 */

int lease_object_new(struct memory *memory, const struct run *run,
		     const char *name, struct object **objectp,
		     struct error *why);
void lease_object_free(struct object *object);
int lease_object_lend(struct object *object);
int lease_object_held(struct object *object);

#endif
