/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIVES_H
#define TESTS_LIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/lender.h"
#include "daemon/loop.h"
#include "daemon/owner.h"
#include "daemon/region.h"
#include "daemon/vault.h"
#include "tests/custodian.h"

/*
 * Lives and deaths of a daemon within one process: everything between a vault
 * and a lender is the real thing, and the manager is a thread of the test.  A
 * life that ends in any way leaves what the vault has at that moment.
 */

#define LIVES_GRANULE UINT64_C(4096)
#define LIVES_SIZE    (UINT64_C(8) << 20)
#define LIVES_UID     1000

struct lives {
	/* how the next life finds things */
	bool kept;	/* the memory is an earlier life's */
	bool permanent; /* it is there before and after any daemon */
	uint64_t size_bytes;
	uint64_t granule_bytes;
	uint64_t guard_bytes;
	const char *name;      /* of the region */
	const char *boot_id;   /* NULL: the machine's */
	const char *directory; /* NULL: no runtime directory */

	struct custodian custodian;
	struct backend permanent_backend;

	/* of this one */
	struct loop *loop;
	struct lender *lender;
	struct vault *vault;
	struct region *region;
	struct owner owner; /* of LIVES_UID */
};

/* The first life begins: a kept region "camera" of LIVES_SIZE, of which the
 * ledger knows nothing. */
void lives_init(struct lives *lives);
void lives_deinit(struct lives *lives);

/* The log (logged.h) begins anew. */
void lives_start(struct lives *lives);
void lives_end(struct lives *lives);
void lives_restart(struct lives *lives);

/* Lends count buffers; the descriptors are the client's.  Returns the first
 * id, or 0 where it was refused. */
uint64_t lives_ask(struct lives *lives, uint64_t size_bytes, uint32_t count,
		   int *fds);
struct buffer *lives_find(const struct lives *lives, uint64_t id);
/* Waits until so many buffers are left, and all else is clean. */
void lives_wait_for_buffers(struct lives *lives, size_t n);

#endif
