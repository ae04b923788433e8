/* SPDX-License-Identifier: MIT */
#include "daemon/ledger_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/*
 * A ledger that is believed although it is wrong gives the same memory to two
 * clients, so everything is looked at before anything is used: each record by
 * itself (its check, and whether what it says is possible at all), then all of
 * them together (no id twice, no descriptor twice, no byte twice).  One wrong
 * record spoils the whole: what it was a record of cannot be known.
 *
 * What a daemon that was killed in the middle of a store leaves is right by the
 * order of its stores, and is not damage: see ledger_form.h.
 *
 * Addresses of different regions are compared with one another, as they are the
 * machine's; those that are made up count within their region.
 */

static int refuse_record(size_t index, const char *what, struct error *why)
{
	return error_set(why, LEDGER_E_DAMAGED,
			 "the ledger is damaged: record %zu %s", index, what);
}

static int check_header(const struct ledger_header *header, const char *boot_id,
			struct error *why)
{
	if (memcmp(header->magic, LEDGER_MAGIC, sizeof(header->magic)) != 0)
		return error_set(why, LEDGER_E_DAMAGED,
				 "the ledger is damaged: it does not begin as "
				 "one");
	if (header->version > LEDGER_VERSION)
		return error_set(
			why, LEDGER_E_NEWER,
			"the ledger is of version %" PRIu32
			", this contigd knows %d: a later one wrote it",
			header->version, LEDGER_VERSION);
	if (header->version != LEDGER_VERSION ||
	    header->record_bytes != sizeof(struct ledger_record) ||
	    header->check != ledger_header_sum(header) ||
	    !memchr(header->boot_id, '\0', sizeof(header->boot_id)))
		return error_set(why, LEDGER_E_DAMAGED,
				 "the ledger is damaged: its header is wrong");
	if (strcmp(header->boot_id, boot_id) != 0)
		return error_set(why, LEDGER_E_FOREIGN,
				 "the ledger is of another boot (%s)",
				 header->boot_id);
	return 0;
}

/* A promise that does not hold was being written: it may have been seen as the
 * next one already, and then have been damaged. */
static int check_promises(const struct ledger_header *header,
			  uint64_t *next_idp, struct error *why)
{
	bool both = true;
	uint64_t next = 0;

	for (size_t i = 0; i < 2; i++) {
		const struct ledger_promise *promise = &header->promises[i];

		if (!ledger_promise_holds(promise))
			both = false;
		else if (promise->ids_below > next)
			next = promise->ids_below;
	}
	if (next == 0)
		return error_set(why, LEDGER_E_DAMAGED,
				 "the ledger is damaged: it does not say which "
				 "ids were used");
	*next_idp = both ? next : next + LEDGER_PROMISE_STEP;
	return 0;
}

static bool is_text(const char *text, size_t size, bool may_be_empty)
{
	return memchr(text, '\0', size) && (may_be_empty || text[0] != '\0');
}

static bool is_possible(const struct ledger_record *record, uint64_t next_id)
{
	uint64_t last;

	return record->id > 0 && record->id < next_id && record->shelf_id > 0 &&
	       record->shelf_id <= record->id && record->size_bytes > 0 &&
	       !__builtin_add_overflow(record->phys, record->size_bytes - 1,
				       &last) &&
	       record->guard_bytes < record->size_bytes &&
	       is_text(record->region, sizeof(record->region), false) &&
	       is_text(record->backend, sizeof(record->backend), false) &&
	       is_text(record->name, sizeof(record->name), true);
}

static int check_record(const struct ledger_record *record, size_t index,
			uint64_t next_id, struct error *why)
{
	switch (record->state) {
	case LEDGER_CLAIMED:
		break;
	case LEDGER_LENT:
	case LEDGER_DRAINING:
	case LEDGER_QUARANTINED:
		if (record->lent_check != ledger_lent_sum(record))
			return refuse_record(index, "is not what was written",
					     why);
		break;
	default:
		return refuse_record(index, "has no state", why);
	}
	if (record->claim_check != ledger_claim_sum(record))
		return refuse_record(index, "is not what was written", why);
	if (!is_possible(record, next_id))
		return refuse_record(index, "says what cannot be", why);
	return 0;
}

static bool is_untouched(const uint8_t *bytes, size_t size)
{
	return size == 0 ||
	       (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

typedef int compare_fn(const void *, const void *);

static int by_id(const void *a, const void *b)
{
	const struct ledger_record *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static int by_shelf_id(const void *a, const void *b)
{
	const struct ledger_record *const *x = a, *const *y = b;

	return (*x)->shelf_id < (*y)->shelf_id ? -1
					       : (*x)->shelf_id > (*y)->shelf_id;
}

static int by_address(const void *a, const void *b)
{
	const struct ledger_record *const *x = a, *const *y = b;
	bool x_made_up = (*x)->flags & LEDGER_MADE_UP;
	bool y_made_up = (*y)->flags & LEDGER_MADE_UP;
	int order = 0;

	if (x_made_up != y_made_up)
		return x_made_up ? 1 : -1;
	if (x_made_up)
		order = strcmp((*x)->region, (*y)->region);
	if (order)
		return order;
	return (*x)->phys < (*y)->phys ? -1 : (*x)->phys > (*y)->phys;
}

static bool is_same_space(const struct ledger_record *a,
			  const struct ledger_record *b)
{
	if ((a->flags & LEDGER_MADE_UP) != (b->flags & LEDGER_MADE_UP))
		return false;
	return !(a->flags & LEDGER_MADE_UP) || strcmp(a->region, b->region) == 0;
}

/* What no two records may have in common. */
static int compare_records(const struct ledger_record **records, size_t n,
			   struct error *why)
{
	qsort(records, n, sizeof(struct ledger_record *), by_id);
	for (size_t i = 1; i < n; i++)
		if (records[i - 1]->id == records[i]->id)
			return error_set(
				why, LEDGER_E_DAMAGED,
				"the ledger is damaged: buffer %" PRIu64
				" is in it twice",
				records[i]->id);
	qsort(records, n, sizeof(struct ledger_record *), by_shelf_id);
	for (size_t i = 1; i < n; i++)
		if (records[i - 1]->shelf_id == records[i]->shelf_id)
			return error_set(
				why, LEDGER_E_DAMAGED,
				"the ledger is damaged: buffers %" PRIu64
				" and %" PRIu64 " share a descriptor",
				records[i - 1]->id, records[i]->id);
	qsort(records, n, sizeof(struct ledger_record *), by_address);
	for (size_t i = 1; i < n; i++) {
		const struct ledger_record *a = records[i - 1], *b = records[i];

		if (is_same_space(a, b) && b->phys - a->phys < a->size_bytes)
			return error_set(
				why, LEDGER_E_DAMAGED,
				"the ledger is damaged: buffers %" PRIu64
				" and %" PRIu64 " overlap at 0x%" PRIx64,
				a->id, b->id, b->phys);
	}
	return 0;
}

static int check_records(const struct ledger_record *records,
			 struct ledger_summary *summary, struct error *why)
{
	_cleanup_free_ const struct ledger_record **used = NULL;
	size_t n_used = 0, n = summary->n_records;

	used = calloc(n + 1, sizeof(struct ledger_record *));
	if (!used)
		return error_set(why, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		int r;

		if (records[i].state == LEDGER_FREE)
			continue;
		if (records[i].state == LEDGER_UNTOUCHED &&
		    is_untouched((const uint8_t *)&records[i],
				 (n - i) * sizeof(*records))) {
			n = i;
			break;
		}
		r = check_record(&records[i], i, summary->next_id, why);
		if (r)
			return r;
		used[n_used++] = &records[i];
	}
	summary->n_touched = n;
	return compare_records(used, n_used, why);
}

int ledger_check(const void *bytes, size_t size, const char *boot_id,
		 struct ledger_summary *summary, struct error *why)
{
	const struct ledger_header *header = bytes;
	size_t left;
	int r;

	if (size < sizeof(*header))
		return error_set(
			why, LEDGER_E_DAMAGED,
			"the ledger is damaged: %zu bytes are no ledger", size);
	r = check_header(header, boot_id, why);
	if (r)
		return r;
	left = size - sizeof(*header);
	if (left % sizeof(struct ledger_record) != 0)
		return error_set(why, LEDGER_E_DAMAGED,
				 "the ledger is damaged: it ends within a "
				 "record");
	summary->n_records = left / sizeof(struct ledger_record);
	r = check_promises(header, &summary->next_id, why);
	if (r)
		return r;
	return check_records((const struct ledger_record *)(header + 1),
			     summary, why);
}
