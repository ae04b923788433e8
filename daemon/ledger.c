/* SPDX-License-Identifier: MIT */
#include "daemon/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/broken.h"
#include "util/fd.h"

/*
 * A file mapped MAP_SHARED, so that entering a loan costs a few stores and no
 * system call.  What a process stored is in the file even if the next
 * instruction never comes; only the order counts.  (It is memory, not a disk.
 * When the machine ends, so do the buffers.)
 *
 * A record is entered while its state says that it is free, and becomes valid
 * by the one store of its state.  It is never changed in a way that would make
 * an earlier state wrong: the second half, with a check of its own, is entered
 * while the state still vouches for the first half alone.
 *
 * The file grows in steps.  Its pages are allocated before they are touched: a
 * full file system is then an error here, and would be SIGBUS later.
 *
 * Ids are promised in advance, a thousand at a time, instead of being counted
 * in the file: a restart skips some, and none is used twice.
 */

#define GROWTH_RECORDS 256

struct ledger {
	int fd;
	struct ledger_header *header;  /* the mapping */
	struct ledger_record *records; /* behind it */
	size_t size_bytes;
	size_t n_records;
	size_t *free_places; /* a stack, with room for all records */
	size_t n_free;
	uint64_t ids_below; /* those are promised */
	uint64_t first_id;
};

/* Whoever reads the file does so after this process has ended, which no store
 * of its processor outlives: it is the compiler that must keep the order. */
static void keep_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void set_state(struct ledger *ledger, size_t place, uint32_t state)
{
	keep_order();
	__atomic_store_n(&ledger->records[place].state, state, __ATOMIC_RELAXED);
	keep_order();
}

static int map(struct ledger *ledger, size_t size_bytes, struct error *why)
{
	void *mapping;

	if (ledger->header)
		mapping = mremap(ledger->header, ledger->size_bytes, size_bytes,
				 MREMAP_MAYMOVE);
	else
		mapping = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
			       MAP_SHARED, ledger->fd, 0);
	if (mapping == MAP_FAILED)
		return error_set(why, -errno, "cannot map the ledger: %s",
				 strerror(errno));
	ledger->header = mapping;
	ledger->records = (struct ledger_record *)(ledger->header + 1);
	ledger->size_bytes = size_bytes;
	return 0;
}

/* Room for n records in the file, the mapping and the stack. */
static int make_room(struct ledger *ledger, size_t n, struct error *why)
{
	size_t size =
		sizeof(struct ledger_header) + n * sizeof(struct ledger_record);
	size_t *places = reallocarray(ledger->free_places, n, sizeof(*places));
	int r;

	if (!places)
		return error_set(why, -ENOMEM, "out of memory");
	ledger->free_places = places;
	do
		r = posix_fallocate(ledger->fd, 0, (off_t)size);
	while (r == EINTR);
	if (r)
		return error_set(why, -r, "no room for the ledger: %s",
				 strerror(r));
	return map(ledger, size, why);
}

/* The lowest places are on top. */
static void gather_free(struct ledger *ledger, size_t from)
{
	for (size_t place = ledger->n_records; place-- > from;)
		if (ledger->records[place].state == LEDGER_FREE)
			ledger->free_places[ledger->n_free++] = place;
}

/* From the first one on, for the untouched ones to be the last at any time. */
static void touch(struct ledger *ledger, size_t from)
{
	for (size_t place = from; place < ledger->n_records; place++)
		set_state(ledger, place, LEDGER_FREE);
}

static int grow(struct ledger *ledger, struct error *why)
{
	size_t from = ledger->n_records;
	size_t n = from + GROWTH_RECORDS;
	int r;

	if (from == 0)
		n--; /* the header takes the place of one */
	r = make_room(ledger, n, why);
	if (r < 0)
		return r;
	ledger->n_records = n;
	touch(ledger, from);
	gather_free(ledger, from);
	return 0;
}

/* The one that may be written over: the other one holds. */
static struct ledger_promise *older_promise(struct ledger_promise *promises)
{
	if (!ledger_promise_holds(&promises[0]))
		return &promises[0];
	if (!ledger_promise_holds(&promises[1]))
		return &promises[1];
	return &promises[promises[0].ids_below > promises[1].ids_below];
}

static void promise(struct ledger *ledger, uint64_t ids_below)
{
	struct ledger_promise *older = older_promise(ledger->header->promises);

	older->ids_below = ids_below;
	keep_order();
	older->check = ledger_promise_sum(older);
	keep_order();
	ledger->ids_below = ids_below;
}

static void fill_header(struct ledger *ledger, const char *boot_id)
{
	struct ledger_header *header = ledger->header;

	memcpy(header->magic, LEDGER_MAGIC, sizeof(header->magic));
	header->version = LEDGER_VERSION;
	header->record_bytes = sizeof(struct ledger_record);
	(void)strcpy(header->boot_id, boot_id);
	header->check = ledger_header_sum(header);
	promise(ledger, 1);
	promise(ledger, 1);
}

static int new_ledger(struct ledger **ledgerp, int fd, struct error *why)
{
	*ledgerp = calloc(1, sizeof(**ledgerp));
	if (!*ledgerp) {
		(void)fd_close(fd);
		return error_set(why, -ENOMEM, "out of memory");
	}
	(*ledgerp)->fd = fd;
	return 0;
}

int ledger_new_consume(struct ledger **ledgerp, int fd, const char *boot_id,
		       struct error *why)
{
	_cleanup_(ledger_freep) struct ledger *ledger = NULL;
	int r = new_ledger(&ledger, fd, why);

	if (r < 0)
		return r;
	if (strlen(boot_id) >= LEDGER_BOOT_ID_BYTES)
		return error_set(why, -EINVAL, "'%s' is no id of a boot",
				 boot_id);
	r = grow(ledger, why);
	if (r < 0)
		return r;
	fill_header(ledger, boot_id);
	ledger->first_id = 1;
	*ledgerp = TAKE_PTR(ledger);
	return 0;
}

/* Everything that was in use, checked, with the untouched records made free. */
static int take_over(struct ledger *ledger, const char *boot_id,
		     struct error *why)
{
	struct ledger_summary summary;
	int r = ledger_check(ledger->header, ledger->size_bytes, boot_id,
			     &summary, why);

	if (r)
		return r;
	ledger->n_records = summary.n_records;
	ledger->first_id = summary.next_id;
	ledger->ids_below = summary.next_id;
	ledger->free_places =
		calloc(summary.n_records + 1, sizeof(*ledger->free_places));
	if (!ledger->free_places)
		return error_set(why, -ENOMEM, "out of memory");
	touch(ledger, summary.n_touched);
	gather_free(ledger, 0);
	return 0;
}

int ledger_open_consume(struct ledger **ledgerp, int fd, const char *boot_id,
			struct error *why)
{
	_cleanup_(ledger_freep) struct ledger *ledger = NULL;
	int r = new_ledger(&ledger, fd, why);
	struct stat st;

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return error_set(why, -errno, "the ledger: fstat: %s",
				 strerror(errno));
	if (!S_ISREG(st.st_mode) ||
	    (size_t)st.st_size < sizeof(struct ledger_header))
		return error_set(why, LEDGER_E_DAMAGED,
				 "the ledger is damaged: %" PRIu64
				 " bytes are no ledger",
				 (uint64_t)st.st_size);
	r = map(ledger, (size_t)st.st_size, why);
	if (r == 0)
		r = take_over(ledger, boot_id, why);
	if (r)
		return r;
	*ledgerp = TAKE_PTR(ledger);
	return 0;
}

struct ledger *ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return NULL;
	if (ledger->header)
		(void)munmap(ledger->header, ledger->size_bytes);
	free(ledger->free_places);
	(void)fd_close(ledger->fd);
	free(ledger);
	return NULL;
}

int ledger_fd(const struct ledger *ledger)
{
	return ledger->fd;
}

uint64_t ledger_first_id(const struct ledger *ledger)
{
	return ledger->first_id;
}

/* The room was zero or held another text. */
static void set_text(char *room, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length >= size)
		broken("'%s' does not fit the ledger", text);
	memset(room, 0, size);
	memcpy(room, text, length);
}

static void fill_claim(struct ledger_record *record,
		       const struct ledger_claim *claim)
{
	record->guard = 0;
	record->id = claim->id;
	record->shelf_id = claim->shelf_id;
	record->phys = claim->run.phys;
	record->size_bytes = claim->run.size_bytes;
	record->guard_bytes = claim->guard_bytes;
	record->owner_uid = claim->owner_uid;
	record->flags = claim->flags;
	set_text(record->region, sizeof(record->region), claim->region);
	set_text(record->backend, sizeof(record->backend), claim->backend);
	set_text(record->name, sizeof(record->name), claim->name);
	record->claim_check = ledger_claim_sum(record);
}

int ledger_claim(struct ledger *ledger, const struct ledger_claim *claim,
		 size_t *placep)
{
	int r;

	if (claim->id >= ledger->ids_below)
		promise(ledger, claim->id + LEDGER_PROMISE_STEP);
	if (ledger->n_free == 0) {
		r = grow(ledger, NULL);
		if (r < 0)
			return r;
	}
	*placep = ledger->free_places[--ledger->n_free];
	fill_claim(&ledger->records[*placep], claim);
	set_state(ledger, *placep, LEDGER_CLAIMED);
	return 0;
}

static void expect(const struct ledger *ledger, size_t place, uint32_t state,
		   uint32_t or_state)
{
	uint32_t is = ledger->records[place].state;

	if (is != state && is != or_state)
		broken("record %zu of the ledger has state 0x%x", place, is);
}

void ledger_lend(struct ledger *ledger, size_t place,
		 const struct ledger_object *object)
{
	struct ledger_record *record = &ledger->records[place];

	expect(ledger, place, LEDGER_CLAIMED, LEDGER_CLAIMED);
	record->token = object->token;
	record->device = object->device;
	record->inode = object->inode;
	record->lent_check = ledger_lent_sum(record);
	set_state(ledger, place, LEDGER_LENT);
}

void ledger_note_guard(struct ledger *ledger, size_t place)
{
	keep_order();
	ledger->records[place].guard = LEDGER_GUARD_FILLED;
}

void ledger_drain(struct ledger *ledger, size_t place)
{
	expect(ledger, place, LEDGER_LENT, LEDGER_LENT);
	set_state(ledger, place, LEDGER_DRAINING);
}

void ledger_quarantine(struct ledger *ledger, size_t place)
{
	expect(ledger, place, LEDGER_LENT, LEDGER_DRAINING);
	set_state(ledger, place, LEDGER_QUARANTINED);
}

void ledger_erase(struct ledger *ledger, size_t place)
{
	if (ledger->records[place].state == LEDGER_FREE)
		broken("record %zu of the ledger is erased twice", place);
	set_state(ledger, place, LEDGER_FREE);
	ledger->free_places[ledger->n_free++] = place;
}

const struct ledger_record *ledger_next(const struct ledger *ledger,
					size_t *placep)
{
	for (; *placep < ledger->n_records; (*placep)++)
		if (ledger->records[*placep].state != LEDGER_FREE)
			return &ledger->records[*placep];
	return NULL;
}

size_t ledger_count(const struct ledger *ledger)
{
	return ledger->n_records - ledger->n_free;
}
