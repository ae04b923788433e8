/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_VAULT_H
#define DAEMON_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/inheritance.h"
#include "daemon/ledger.h"
#include "daemon/ledger_file.h"
#include "daemon/shelves.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/list.h"

/*
 * What outlives the daemon: the ledger of what is lent, and the shelves on
 * which the descriptors lie.  A daemon without a service manager has none, and
 * what is NULL here does nothing.
 */

struct vault;

/* One lent run in it. */
struct vault_entry {
	struct list link; // vault::entries
	struct vault *vault;
	struct shelf_item item;
	size_t place;  /* of its record */
	bool recorded; /* it has one */
	int fd; /* found at the start and taken by nobody yet, owned; or -1 */
};

struct vault {
	struct ledger_file file;
	struct shelves shelves;
	struct list entries; // vault_entry::link
	bool frozen;	     /* nothing changes any more */

	/* while the daemon starts: what was lent */
	struct vault_lent {
		uint64_t id; /* on the shelf; sorted by it */
		size_t place;
		struct vault_entry *entry; /* NULL: no descriptor was found */
	} * lent;
	size_t n_lent;
};

struct vault_spec {
	const struct shelf_keeper *keeper; /* NULL: the service manager */
	const char *directory;		   /* as ledger_places */
	const char *boot_id;
};

#define VAULT_LEDGER "ledger" /* its name with the manager */

/* Takes the ledger and the shelves out of what was inherited, or makes new ones
 * and leaves them with the manager.  A negative errno: it cannot be done, and
 * nothing may be lent. */
int vault_open(struct vault **vaultp, struct inheritance *inheritance,
	       const struct vault_spec *spec, struct error *why);
/* What is in it stays as it is. */
struct vault *vault_free(struct vault *vault);
DEFINE_CLEANUP(struct vault *, vault_free)

/* The manager keeps nothing after all: has it forget what it may have, and
 * frees the vault, in which nothing must have been entered. */
struct vault *vault_withdraw(struct vault *vault);

/* The daemon ends, and its buffers do not: from now on, nothing that is said
 * below has an effect but to free entries. */
void vault_freeze(struct vault *vault);

/* ---- lending: in this order ---- */

/* There will be a buffer, whose descriptor will be kept under its own id;
 * *entryp stays NULL without a vault.  Or what ledger_claim() gives. */
int vault_claim(struct vault *vault, const struct ledger_claim *claim,
		struct vault_entry **entryp);
/* Its descriptor exists: n of them, all or nothing.  Or what shelves_put()
 * gives. */
int vault_keep(struct vault_entry *const *entries, const int *fds_borrow,
	       size_t n);
/* Clients may have it from now on. */
void vault_lend(struct vault_entry *entry, const struct ledger_object *object);
void vault_note_guard(struct vault_entry *entry);
/* Its owner let go of it. */
void vault_drain(struct vault_entry *entry);
/* Nobody holds it, or ever did.  Returns NULL. */
struct vault_entry *vault_erase(struct vault_entry *entry);

/* ---- lending the same object again ---- */

/* Nobody holds the buffer any more, but its descriptor stays where it lies, for
 * another one.  False: it lies nowhere, and nothing has changed.  True for
 * NULL, too. */
bool vault_clear(struct vault_entry *entry);
/* There will be a buffer that gets that descriptor, as vault_claim(); it need
 * not be kept again. */
int vault_claim_again(struct vault_entry *entry,
		      const struct ledger_claim *claim);
/* Whether its descriptor lies on a shelf. */
bool vault_has_kept(const struct vault_entry *entry);

/* ---- starting ---- */

/* The first id that no buffer ever had. */
uint64_t vault_first_id(const struct vault *vault);
/* As ledger_count() and ledger_next(); nothing where there is no ledger. */
size_t vault_count(const struct vault *vault);
const struct ledger_record *vault_next(const struct vault *vault,
				       size_t *placep);
/* The entry of a buffer whose descriptor was found, by ledger_record::shelf_id,
 * and with *fdp the descriptor, which is the caller's; NULL: it was not, or is
 * taken. */
struct vault_entry *vault_take(struct vault *vault, uint64_t shelf_id, int *fdp);
/* Puts back what was taken. */
void vault_put_back_consume(struct vault_entry *entry, int fd);
/* The record says of a run what nobody can know. */
void vault_quarantine(struct vault *vault, size_t place);
/* The record speaks of something that is no more, or never was. */
void vault_void(struct vault *vault, size_t place);
/* Start-up is over. */
void vault_settle(struct vault *vault);

#endif
