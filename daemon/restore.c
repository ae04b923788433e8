/* SPDX-License-Identifier: MIT */
#include "daemon/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "util/fd.h"
#include "util/format.h"
#include "util/log.h"

/*
 * A daemon that starts anew knows nothing but what the vault says, and may give
 * out only what nobody can have.  Of each region there are three answers.
 *
 * Its memory was made by this very start: nobody had it before, and whatever
 * the vault says of a region of that name is about other memory.
 *
 * It was there before, and the vault is whole: what is recorded as lent is
 * taken, everything else is free.  Where the descriptor was found too, there is
 * a buffer again, at its address, charged to its owner, though without his
 * connection.  Where it was not, nobody can see when it is free: quarantined.
 *
 * It was there before, and the vault is in doubt, or it says something that
 * cannot be true of this region: nothing of it is lent.
 *
 * Permanent memory is known by its addresses, other memory by its region's
 * name, as its addresses are made up or were found out.
 */

#define LOGGED_MAX 50 /* of one region; thousands more say the same */

static bool meets(const struct memory *memory,
		  const struct ledger_record *record)
{
	const struct run run = {record->phys, record->size_bytes};

	for (size_t i = 0; i < memory->n_segments; i++) {
		const struct run *segment = &memory->segments[i];

		if (run.phys <= run_last(segment) &&
		    segment->phys <= run_last(&run))
			return true;
	}
	return false;
}

static bool has_name(const struct ledger_record *record,
		     const struct restore_memory *what)
{
	return strcmp(record->backend, what->memory->backend->name) == 0 &&
	       strcmp(record->region, what->region) == 0;
}

/* Whether a record speaks of this memory. */
static bool is_about(const struct ledger_record *record,
		     const struct restore_memory *what)
{
	const struct backend *backend = what->memory->backend;

	if (!backend->permanent)
		return what->kept && has_name(record, what);
	return strcmp(record->backend, backend->name) == 0 &&
	       meets(what->memory, record);
}

/* Whether it speaks of other memory, in the place of which this one is. */
static bool is_outdated(const struct ledger_record *record,
			const struct restore_memory *what)
{
	return !what->memory->backend->permanent && !what->kept &&
	       has_name(record, what);
}

/* Whoever holds it keeps it; the daemon has no more to do with it. */
static void forget(struct vault *vault, size_t place)
{
	const struct ledger_record *record = vault_next(vault, &place);
	struct vault_entry *entry;
	int fd = -1;

	log_warning("buffer %" PRIu64 " '%s' of uid %" PRIu32
		    " is of a region '%s' that is no more; it is forgotten",
		    record->id, record->name, record->owner_uid, record->region);
	entry = vault_take(vault, record->shelf_id, &fd);
	if (entry)
		(void)vault_erase(entry);
	else
		vault_void(vault, place);
	(void)fd_close(fd);
}

/* Whether what it says could be true. */
static bool fits(const struct ledger_record *record,
		 const struct restore_memory *what)
{
	const struct memory *memory = what->memory;
	const struct run run = {record->phys, record->size_bytes};
	uint64_t mask = what->granule_bytes - 1;
	bool made_up = record->flags & LEDGER_MADE_UP;

	if (made_up == !!(memory->guarantees & CONTIG_MSG_PHYS_KNOWN) ||
	    ((run.phys | run.size_bytes | record->guard_bytes) & mask))
		return false;
	for (size_t i = 0; i < memory->n_segments; i++)
		if (run.phys >= memory->segments[i].phys &&
		    run_last(&run) <= run_last(&memory->segments[i]))
			return true;
	return false;
}

static void doubt(struct restore *restore, const struct ledger_record *record)
{
	restore->whole = true;
	error_write(&restore->reason,
		    "buffer %" PRIu64 " is recorded to have %" PRIu64
		    " bytes at 0x%" PRIx64 ", which is no place in it",
		    record->id, record->size_bytes, record->phys);
}

/* Looks through all records. */
static int look_up(struct restore *restore, const struct restore_memory *what)
{
	size_t room = vault_count(restore->vault);
	const struct ledger_record *record;

	restore->runs = calloc(room + 1, sizeof(*restore->runs));
	restore->places = calloc(room + 1, sizeof(*restore->places));
	if (!restore->runs || !restore->places)
		return -ENOMEM;
	for (size_t place = 0; (record = vault_next(restore->vault, &place));
	     place++) {
		if (record->state == LEDGER_CLAIMED)
			continue;
		if (is_outdated(record, what))
			forget(restore->vault, place);
		if (!is_about(record, what))
			continue;
		if (!fits(record, what)) {
			doubt(restore, record);
			return 0;
		}
		restore->runs[restore->n] =
			(struct run){record->phys, record->size_bytes};
		restore->places[restore->n++] = place;
	}
	return 0;
}

static bool is_doubted(const struct vault *vault, const struct memory *memory)
{
	switch (vault->file.doubt) {
	case LEDGER_DOUBTS_ALL:
		return true;
	case LEDGER_DOUBTS_PERMANENT:
		return memory->backend->permanent;
	default:
		return false;
	}
}

static int take_all(struct restore *restore, const struct memory *memory)
{
	free(restore->runs);
	restore->runs = calloc(memory->n_segments, sizeof(*restore->runs));
	if (!restore->runs)
		return -ENOMEM;
	memcpy(restore->runs, memory->segments,
	       memory->n_segments * sizeof(*restore->runs));
	restore->n = memory->n_segments;
	return 0;
}

int restore_plan(struct restore *restore, struct vault *vault,
		 const struct restore_memory *what)
{
	int r = 0;

	*restore = (struct restore){.vault = vault};
	if (!vault)
		return 0;
	if (is_doubted(vault, what->memory)) {
		restore->whole = true;
		restore->reason = vault->file.reason;
	} else if (!vault->file.store_lost || what->memory->backend->permanent) {
		r = look_up(restore, what);
	}
	if (r == 0 && restore->whole)
		r = take_all(restore, what->memory);
	if (r < 0)
		restore_deinit(restore);
	return r;
}

void restore_deinit(struct restore *restore)
{
	free(restore->runs);
	free(restore->places);
	restore->runs = NULL;
	restore->places = NULL;
	restore->n = 0;
}

/* ---- one buffer ---------------------------------------------------------- */

struct tally {
	size_t n_restored;
	size_t n_quarantined;
};

static void quarantine(struct tally *tally, struct region *region,
		       const struct ledger_record *record, const char *text)
{
	const struct log_fields fields = {
		.region = region->name,
		.buffer = record->name,
		.has_uid = true,
		.uid = record->owner_uid,
	};
	char size[FORMAT_SIZE_BYTES];

	region->quarantined_bytes += record->size_bytes;
	if (tally->n_quarantined++ >= LOGGED_MAX)
		return;
	log_message(LOG_LEVEL_ERR, &fields,
		    "region '%s': %s at 0x%" PRIx64 ", lent as buffer %" PRIu64
		    " '%s' to uid %" PRIu32 ", are quarantined: %s",
		    region->name, format_size(size, record->size_bytes),
		    record->phys, record->id, record->name, record->owner_uid,
		    text);
}

static int adopt(struct region *region, const struct ledger_record *record,
		 int fd, struct object **objectp, struct error *why)
{
	const struct object what = {
		.run.phys = record->phys,
		.run.size_bytes = record->size_bytes - record->guard_bytes,
		.guard_bytes = record->guard_bytes,
		.fd = fd,
		.token = record->token,
		.device = record->device,
		.inode = record->inode,
		.references = 2, /* this one, and the one on the shelf */
	};

	return region->memory->backend->object_adopt(region->memory, &what,
						     objectp, why);
}

/* What the vault has of one buffer. */
struct found {
	const struct ledger_record *record;
	struct vault_entry *entry;
	int fd;
};

/* 0; -EPROTO: the descriptor is not what it should be; or another negative
 * errno, which may not happen the next time. */
static int make_buffer(struct lender *lender, struct region *region,
		       const struct found *found, struct error *why)
{
	const struct ledger_record *record = found->record;
	struct buffer_past past = {
		.id = record->id,
		.name = record->name,
		.state = record->state == LEDGER_LENT ? BUFFER_LENT
						      : BUFFER_DRAINING,
		.region = region,
		.accounts = &lender->accounts,
		.owner_uid = record->owner_uid,
		.guard_filled = record->guard == LEDGER_GUARD_FILLED,
		.entry = found->entry,
	};
	struct buffer *buffer;
	int r = adopt(region, record, found->fd, &past.object, why);

	if (r < 0)
		return r;
	r = buffer_restore(&buffer, &past);
	if (r < 0) {
		free(past.object); /* its descriptor is still the caller's */
		return error_set(why, r, "out of memory");
	}
	lender_add_buffer(lender, buffer);
	return 0;
}

static void restore_buffer(struct tally *tally, struct vault *vault,
			   struct lender *lender, struct region *region,
			   size_t place)
{
	struct found found = {.record = vault_next(vault, &place)};
	struct error why = ERROR_INIT;
	int r;

	if (found.record->state == LEDGER_QUARANTINED) {
		quarantine(tally, region, found.record, "as they were before");
		return;
	}
	found.entry = vault_take(vault, found.record->shelf_id, &found.fd);
	if (!found.entry) {
		quarantine(tally, region, found.record,
			   "nothing was kept that tells whether somebody uses "
			   "them");
		vault_quarantine(vault, place);
		return;
	}
	r = make_buffer(lender, region, &found, &why);
	if (r == 0) {
		tally->n_restored++;
		return;
	}
	quarantine(tally, region, found.record, why.text);
	vault_put_back_consume(found.entry, found.fd);
	if (r == -EPROTO)
		vault_quarantine(vault, place);
}

static void report(const struct tally *tally, const struct region *region)
{
	const struct log_fields fields = {.region = region->name};
	char lent[FORMAT_SIZE_BYTES], quarantined[FORMAT_SIZE_BYTES];

	if (tally->n_restored + tally->n_quarantined == 0)
		return;
	log_message(
		LOG_LEVEL_INFO, &fields,
		"region '%s': %s in %zu buffer%s still lent, %s "
		"quarantined",
		region->name,
		format_size(lent, region->lent_bytes + region->draining_bytes),
		tally->n_restored, tally->n_restored == 1 ? "" : "s",
		format_size(quarantined, region->quarantined_bytes));
}

void restore_region(const struct restore *restore, struct lender *lender,
		    struct region *region)
{
	const struct log_fields fields = {.region = region->name};
	struct tally tally = {.n_restored = 0};

	if (restore->whole) {
		region->quarantined_bytes = region_size_bytes(region);
		log_message(LOG_LEVEL_ERR, &fields,
			    "region '%s': all of it is quarantined: %s",
			    region->name, restore->reason.text);
		return;
	}
	for (size_t i = 0; i < restore->n; i++)
		restore_buffer(&tally, restore->vault, lender, region,
			       restore->places[i]);
	report(&tally, region);
}

/* ---- what is left -------------------------------------------------------- */

/* Without the store, what was lent of memory that had to be made is gone. */
static bool is_void(const struct vault *vault,
		    const struct ledger_record *record)
{
	const struct backend *backend = backend_find(record->backend);

	return record->state == LEDGER_CLAIMED ||
	       (vault->file.store_lost && backend && !backend->permanent);
}

void restore_settle(struct vault *vault)
{
	const struct ledger_record *record;
	size_t n_waiting = 0;

	if (!vault)
		return;
	for (size_t place = 0; (record = vault_next(vault, &place)); place++) {
		struct vault_entry *entry;
		int fd;

		if (is_void(vault, record)) {
			vault_void(vault, place);
			continue;
		}
		entry = vault_take(vault, record->shelf_id, &fd);
		if (!entry)
			continue;
		vault_put_back_consume(entry, fd);
		n_waiting++;
	}
	if (n_waiting > 0)
		log_warning("%zu of the buffers that are lent belong to no "
			    "region that is served; they are kept",
			    n_waiting);
	vault_settle(vault);
}
