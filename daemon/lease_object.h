/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LEASE_OBJECT_H
#define DAEMON_LEASE_OBJECT_H

#include "daemon/backend.h"

/*
 * The object functions of backends whose clients map a memfd.  They fit the
 * members of the same names in struct backend, and say more than those do only
 * here: discarding takes pages away even from who still maps them, and
 * memory->cpu_access decides what the memfd is.  Where that is
 * CONTIG_MSG_CPU_BOUNCE, it is a copy of the buffer.  Elsewhere it is the
 * memory itself, so the guard is part of it too.
 */

int lease_object_new(struct memory *memory, const struct run *run,
		     const char *name, struct object **objectp,
		     struct error *why);
int lease_object_prepare(struct memory *memory, uint64_t size_bytes,
			 struct object **objectp, struct error *why);
int lease_object_populate(struct object *object, uint64_t offset,
			  uint64_t length);
int lease_object_populate_huge(struct object *object, uint64_t offset);
int lease_object_populate_large(struct object *object, uint64_t offset,
				uint64_t length);
int lease_object_adopt(struct memory *memory, const struct object *what,
		       struct object **objectp, struct error *why);
void lease_object_free(struct object *object);
int lease_object_discard(struct object *object, uint64_t offset,
			 uint64_t length);
int lease_object_lend(struct object *object);
int lease_object_held(struct object *object);

/* Only where the memfd is the memory itself. */
int lease_object_guard_write(struct object *object, uint64_t offset,
			     const void *bytes, size_t length);
int lease_object_guard_read(struct object *object, uint64_t offset, void *bytes,
			    size_t length);

#endif
