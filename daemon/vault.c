/* SPDX-License-Identifier: MIT */
#include "daemon/vault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/manager.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * The two halves of a restart without loss, and the order between them.
 *
 *	claimed	the record is entered		nobody has it: void
 *	kept	the descriptor lies on a shelf	the same
 *	lent	the record says so		somebody may have it: go on
 *	...	clients get descriptors
 *	erased	the record is free		nobody has it: dirty memory
 *	dropped	what lies on the shelf is garbage
 *
 * An object that may be lent again is cleared instead of being dropped: it lies
 * on its shelf and no record speaks of it, which to the next daemon is garbage.
 * The next buffer that gets it is claimed with the shelf's id in its record, is
 * kept already, and is lent.  So no descriptor is sent a second time, and the
 * references of the daemon stay as many as they were.
 *
 * A daemon that is killed between two of these steps leaves what stands in the
 * last column of the one before.  A record that says lent without a descriptor
 * is never left behind by a kill, only by a store that was lost: then nothing
 * can tell when its memory is free, and it is not.
 *
 * At start-up everything is found again by the id on the shelf.  An entry whose
 * region does not exist today stays where it is: it may exist again tomorrow.
 */

static const struct shelf_keeper the_manager = {
	.store = manager_store,
	.forget = manager_forget,
	.prove_store = manager_prove_store,
};

static struct vault_entry *entry_new(struct vault *vault)
{
	struct vault_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->vault = vault;
	entry->fd = -1;
	shelf_item_init(&entry->item, 0, -1);
	list_append(&vault->entries, &entry->link);
	return entry;
}

static void entry_free(struct vault_entry *entry)
{
	list_remove(&entry->link);
	list_remove(&entry->item.link);
	(void)fd_close(entry->fd);
	free(entry);
}

/* ---- lending ------------------------------------------------------------- */

static int enter(struct vault_entry *entry, const struct ledger_claim *claim,
		 uint64_t shelf_id)
{
	struct ledger_claim entered = *claim;
	int r;

	entered.shelf_id = shelf_id;
	r = ledger_claim(entry->vault->file.ledger, &entered, &entry->place);
	entry->recorded = r == 0;
	return r;
}

int vault_claim(struct vault *vault, const struct ledger_claim *claim,
		struct vault_entry **entryp)
{
	struct vault_entry *entry;
	int r;

	*entryp = NULL;
	if (!vault || !vault->file.ledger)
		return 0;
	entry = entry_new(vault);
	if (!entry)
		return -ENOMEM;
	r = enter(entry, claim, claim->id);
	if (r < 0) {
		entry_free(entry);
		return r;
	}
	entry->item.id = claim->id;
	*entryp = entry;
	return 0;
}

int vault_keep(struct vault_entry *const *entries, const int *fds_borrow,
	       size_t n)
{
	struct shelf_item *items[SHELF_BATCH];

	for (size_t i = 0; i < n; i++) {
		entries[i]->item.fd = fds_borrow[i];
		items[i] = &entries[i]->item;
	}
	return shelves_put(&entries[0]->vault->shelves, items, n);
}

static bool is_open(const struct vault_entry *entry)
{
	return entry && !entry->vault->frozen;
}

void vault_lend(struct vault_entry *entry, const struct ledger_object *object)
{
	if (is_open(entry))
		ledger_lend(entry->vault->file.ledger, entry->place, object);
}

void vault_note_guard(struct vault_entry *entry)
{
	if (is_open(entry))
		ledger_note_guard(entry->vault->file.ledger, entry->place);
}

void vault_drain(struct vault_entry *entry)
{
	if (is_open(entry))
		ledger_drain(entry->vault->file.ledger, entry->place);
}

static void erase_record(struct vault_entry *entry)
{
	if (entry->recorded)
		ledger_erase(entry->vault->file.ledger, entry->place);
	entry->recorded = false;
}

struct vault_entry *vault_erase(struct vault_entry *entry)
{
	if (!entry)
		return NULL;
	if (is_open(entry)) {
		erase_record(entry);
		shelves_drop(&entry->vault->shelves, &entry->item);
	}
	entry_free(entry);
	return NULL;
}

bool vault_has_kept(const struct vault_entry *entry)
{
	return entry && entry->item.shelf;
}

bool vault_clear(struct vault_entry *entry)
{
	if (!entry)
		return true;
	if (!vault_has_kept(entry))
		return false;
	if (is_open(entry))
		erase_record(entry);
	return true;
}

int vault_claim_again(struct vault_entry *entry,
		      const struct ledger_claim *claim)
{
	return enter(entry, claim, entry->item.id);
}

void vault_freeze(struct vault *vault)
{
	if (vault)
		vault->frozen = true;
}

/* ---- starting ------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
	const struct vault_lent *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static struct vault_lent *find_lent(const struct vault *vault, uint64_t id)
{
	const struct vault_lent key = {.id = id};

	return vault->n_lent == 0 ? NULL
				  : bsearch(&key, vault->lent, vault->n_lent,
					    sizeof(key), by_id);
}

static int list_lent(struct vault *vault)
{
	const struct ledger_record *record;

	vault->lent = calloc(vault_count(vault) + 1, sizeof(*vault->lent));
	if (!vault->lent)
		return -ENOMEM;
	for (size_t place = 0; (record = vault_next(vault, &place)); place++)
		if (record->state == LEDGER_LENT ||
		    record->state == LEDGER_DRAINING)
			vault->lent[vault->n_lent++] = (struct vault_lent){
				.id = record->shelf_id, .place = place};
	qsort(vault->lent, vault->n_lent, sizeof(*vault->lent), by_id);
	return 0;
}

/* A descriptor on a shelf: of a buffer that is lent, or of none any more. */
static int on_found(void *data, uint64_t id, int fd, struct shelf_item **itemp)
{
	struct vault *vault = data;
	struct vault_lent *lent = find_lent(vault, id);
	struct vault_entry *entry;

	*itemp = NULL;
	if (!lent || lent->entry) {
		(void)fd_close(fd);
		return 0;
	}
	entry = entry_new(vault);
	if (!entry) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	entry->place = lent->place;
	entry->recorded = true;
	lent->entry = entry;
	entry->fd = fd;
	shelf_item_init(&entry->item, id, fd);
	*itemp = &entry->item;
	return 0;
}

static int open_ledger(struct vault *vault, struct inheritance *inheritance,
		       const struct vault_spec *spec, struct error *why)
{
	const struct ledger_places places = {
		.stored_fd = inheritance_take(inheritance, VAULT_LEDGER),
		.shelves_stored = shelves_are_in(inheritance),
		.directory = spec->directory,
		.boot_id = spec->boot_id,
	};
	int r = ledger_file_get(&vault->file, &places, why);

	if (r < 0)
		return r;
	if (vault->file.doubt != LEDGER_CERTAIN)
		log_err("%s: %s memory is lent", vault->file.reason.text,
			vault->file.doubt == LEDGER_DOUBTS_ALL
				? "no"
				: "no permanent");
	if (!vault->file.ledger || vault->file.is_stored)
		return 0;
	r = vault->shelves.keeper->store(VAULT_LEDGER,
					 ledger_fd(vault->file.ledger));
	return r < 0 ? error_set(why, r,
				 "the ledger cannot be left with the service "
				 "manager: %s",
				 strerror(-r))
		     : 0;
}

/* Where the ledger was refused, the shelves are left to a daemon that can read
 * it. */
static int open_shelves(struct vault *vault, struct inheritance *inheritance,
			struct error *why)
{
	int r;

	if (!vault->file.ledger)
		return 0;
	r = list_lent(vault);
	if (r == 0)
		r = shelves_inherit(&vault->shelves, inheritance);
	if (r < 0)
		return error_set(why, r, "out of memory");
	/* what is not found is quarantined, and that is logged; but never for
	 * something that will have passed when contigd is started anew */
	r = shelves_recover(&vault->shelves, on_found, vault);
	if (error_may_pass(r))
		return error_set(why, r,
				 "what is lent cannot be taken over from the "
				 "service manager: %s",
				 strerror(-r));
	return 0;
}

int vault_open(struct vault **vaultp, struct inheritance *inheritance,
	       const struct vault_spec *spec, struct error *why)
{
	_cleanup_(vault_freep) struct vault *vault = calloc(1, sizeof(*vault));
	int r;

	if (!vault)
		return error_set(why, -ENOMEM, "out of memory");
	shelves_init(&vault->shelves,
		     spec->keeper ? spec->keeper : &the_manager);
	list_init(&vault->entries);
	r = open_ledger(vault, inheritance, spec, why);
	if (r == 0)
		r = open_shelves(vault, inheritance, why);
	if (r < 0)
		return r;
	*vaultp = TAKE_PTR(vault);
	return 0;
}

struct vault *vault_withdraw(struct vault *vault)
{
	if (vault)
		(void)vault->shelves.keeper->forget(VAULT_LEDGER);
	return vault_free(vault);
}

struct vault *vault_free(struct vault *vault)
{
	struct vault_entry *entry, *next;

	if (!vault)
		return NULL;
	list_for_each_safe (entry, next, &vault->entries, link)
		entry_free(entry);
	shelves_deinit(&vault->shelves);
	(void)ledger_free(vault->file.ledger);
	free(vault->lent);
	free(vault);
	return NULL;
}

uint64_t vault_first_id(const struct vault *vault)
{
	return vault && vault->file.ledger ? ledger_first_id(vault->file.ledger)
					   : 1;
}

size_t vault_count(const struct vault *vault)
{
	return vault->file.ledger ? ledger_count(vault->file.ledger) : 0;
}

const struct ledger_record *vault_next(const struct vault *vault, size_t *placep)
{
	return vault->file.ledger ? ledger_next(vault->file.ledger, placep)
				  : NULL;
}

struct vault_entry *vault_take(struct vault *vault, uint64_t shelf_id, int *fdp)
{
	struct vault_lent *lent = find_lent(vault, shelf_id);

	if (!lent || !lent->entry || lent->entry->fd < 0)
		return NULL;
	*fdp = TAKE_FD(lent->entry->fd);
	return lent->entry;
}

void vault_put_back_consume(struct vault_entry *entry, int fd)
{
	entry->fd = fd;
}

void vault_quarantine(struct vault *vault, size_t place)
{
	ledger_quarantine(vault->file.ledger, place);
}

void vault_void(struct vault *vault, size_t place)
{
	ledger_erase(vault->file.ledger, place);
}

void vault_settle(struct vault *vault)
{
	if (!vault)
		return;
	free(vault->lent);
	vault->lent = NULL;
	vault->n_lent = 0;
}
