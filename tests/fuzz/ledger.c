/* SPDX-License-Identifier: MIT */
#include "daemon/ledger.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/input.h"
#include "util/cleanup.h"

/*
 * The ledger that a daemon finds at its start.  An input first keeps a ledger,
 * with the daemon's own functions, then damages it: bytes anywhere, with the
 * checks put right afterwards or not, and its end cut off or drawn out.
 *
 * A ledger that nobody damaged must be accepted.  One that is accepted, damaged
 * or not, must be fit to lend by: no id twice, no byte twice, nothing beyond
 * the end of all addresses, and new ids above all of them; that is looked into
 * here in the plainest way.  And whoever goes on keeping it leaves one that is
 * accepted again.
 */

const char fuzz_target[] = "ledger";

#define BOOT_ID	       "01234567-89ab-cdef-0123-456789abcdef"
#define MAX_OPERATIONS 200
#define MAX_COMPARED   64

#define PICK(table, n) ((table)[(n) % (sizeof(table) / sizeof((table)[0]))])

static const char *const regions[] = {"camera", "video", "test"};
static const uint64_t offsets[] = {0, 4096, 8192, 65536, UINT64_C(1) << 32};

struct keeping {
	struct input *input;
	struct ledger *ledger;
	uint64_t next_id;
	uint64_t last_id; /* that was claimed */
};

static int copy_of(int fd_borrow)
{
	return fd_reopen(fd_borrow, O_RDWR);
}

/* Addresses that do not overlap: each id has a place of its own. */
static void do_claim(struct keeping *keeping)
{
	uint8_t how = input_u8(keeping->input);
	const struct ledger_claim claim = {
		.id = keeping->next_id,
		.shelf_id = keeping->next_id,
		.run.phys = keeping->next_id << 20,
		.run.size_bytes = UINT64_C(4096) << (how % 8),
		.guard_bytes = how & 0x10 ? 2048 : 0,
		.owner_uid = how,
		.flags = how & 0x20 ? LEDGER_MADE_UP : 0,
		.region = PICK(regions, how),
		.backend = "simulated",
		.name = how & 0x40 ? "frame" : "",
	};
	const struct ledger_object object = {.token = how, .inode = how};
	size_t place;

	fuzz_assert(ledger_claim(keeping->ledger, &claim, &place) == 0);
	keeping->last_id = keeping->next_id;
	keeping->next_id += 1 + (how & 0x80 ? 700 : 0);
	if (!(how & 8))
		ledger_lend(keeping->ledger, place, &object);
}

/* Goes on with the first record from some place on. */
static void do_change(struct keeping *keeping)
{
	size_t place = input_u8(keeping->input);
	uint8_t how = input_u8(keeping->input);
	const struct ledger_record *record =
		ledger_next(keeping->ledger, &place);

	if (!record)
		return;
	if (how % 4 == 0)
		ledger_erase(keeping->ledger, place);
	else if (how % 4 == 1 && record->state == LEDGER_LENT)
		ledger_drain(keeping->ledger, place);
	else if (how % 4 == 2 && (record->state == LEDGER_LENT ||
				  record->state == LEDGER_DRAINING))
		ledger_quarantine(keeping->ledger, place);
	else
		ledger_note_guard(keeping->ledger, place);
}

static void keep(struct keeping *keeping, unsigned int operations)
{
	for (; operations > 0; operations--)
		if (input_u8(keeping->input) & 1)
			do_claim(keeping);
		else
			do_change(keeping);
}

/* The checks as they would be, had somebody written what is there now. */
static void put_checks_right(void *bytes, size_t size)
{
	struct ledger_header *header = bytes;
	struct ledger_record *records = (struct ledger_record *)(header + 1);
	size_t n;

	if (size < sizeof(*header))
		return;
	header->check = ledger_header_sum(header);
	for (size_t i = 0; i < 2; i++)
		header->promises[i].check =
			ledger_promise_sum(&header->promises[i]);
	n = (size - sizeof(*header)) / sizeof(*records);
	for (size_t i = 0; i < n; i++) {
		records[i].claim_check = ledger_claim_sum(&records[i]);
		records[i].lent_check = ledger_lent_sum(&records[i]);
	}
}

/* True where anything was changed. */
static bool damage(struct input *input, uint8_t *bytes, size_t size)
{
	uint8_t how = input_u8(input);
	bool damaged = false;

	for (unsigned int n = how & 0x0f; n > 0; n--) {
		size_t at = input_u16(input);
		uint8_t width = input_u8(input);

		if (width & 1) /* a number in a record */
			at = at / 8 * 8;
		if (at + 8 > size)
			continue;
		damaged = true;
		if (width & 1) {
			uint64_t value = width & 2 ? input_u64(input)
						   : PICK(offsets, width >> 2);

			memcpy(bytes + at, &value, sizeof(value));
		} else {
			bytes[at] ^= input_u8(input);
		}
	}
	if (damaged && (how & 0x10))
		put_checks_right(bytes, size);
	return damaged;
}

static bool overlap(const struct ledger_record *a, const struct ledger_record *b)
{
	if ((a->flags ^ b->flags) & LEDGER_MADE_UP)
		return false;
	if ((a->flags & LEDGER_MADE_UP) && strcmp(a->region, b->region) != 0)
		return false;
	return a->phys <= b->phys + (b->size_bytes - 1) &&
	       b->phys <= a->phys + (a->size_bytes - 1);
}

static void check_record(const struct ledger_record *record, uint64_t next_id)
{
	uint64_t last;

	fuzz_assert(record->id > 0 && record->id < next_id);
	fuzz_assert(record->shelf_id > 0 && record->shelf_id <= record->id);
	fuzz_assert(record->size_bytes > 0);
	fuzz_assert(!__builtin_add_overflow(record->phys,
					    record->size_bytes - 1, &last));
	fuzz_assert(record->guard_bytes < record->size_bytes);
	fuzz_assert(record->region[0]);
	fuzz_assert(strnlen(record->region, LEDGER_REGION_BYTES) <
		    LEDGER_REGION_BYTES);
	fuzz_assert(strnlen(record->backend, LEDGER_BACKEND_BYTES) <
		    LEDGER_BACKEND_BYTES);
	fuzz_assert(strnlen(record->name, LEDGER_NAME_BYTES) < LEDGER_NAME_BYTES);
}

static void check_records(const struct ledger *ledger, uint64_t next_id)
{
	const struct ledger_record *records[MAX_COMPARED], *record;
	size_t place = 0, n = 0, all = 0;

	for (; (record = ledger_next(ledger, &place)); place++, all++) {
		check_record(record, next_id);
		for (size_t i = 0; i < n; i++) {
			fuzz_assert(records[i]->id != record->id);
			fuzz_assert(records[i]->shelf_id != record->shelf_id);
			fuzz_assert(!overlap(records[i], record));
		}
		if (n < MAX_COMPARED)
			records[n++] = record;
	}
	fuzz_assert(all == ledger_count(ledger));
}

/* The whole of it in a block of its size, for a byte too far to be seen. */
static int check_bytes(const uint8_t *bytes, size_t size)
{
	struct ledger_summary summary;
	struct error why = ERROR_INIT;
	int r = ledger_check(bytes, size, BOOT_ID, &summary, &why);

	fuzz_assert(r >= 0 && (r == 0 || *why.text));
	return r;
}

static struct ledger *open_ledger(int fd_consume, int expected)
{
	struct error why = ERROR_INIT;
	struct ledger *ledger = NULL;
	int r = ledger_open_consume(&ledger, fd_consume, BOOT_ID, &why);

	fuzz_assert(r == expected);
	fuzz_assert(r == 0 || *why.text);
	return ledger;
}

/* Whoever takes it over goes on with it, and so does the next one.  Erasing
 * everything first leaves no address that a new loan could meet. */
static void take_over(struct input *input, int fd, int outcome)
{
	struct keeping keeping = {
		.input = input,
		.ledger = open_ledger(copy_of(fd), outcome),
	};
	size_t place = 0;

	if (!keeping.ledger)
		return;
	keeping.next_id = ledger_first_id(keeping.ledger);
	check_records(keeping.ledger, keeping.next_id);
	if (keeping.next_id > UINT32_MAX) {
		(void)ledger_free(keeping.ledger);
		return;
	}
	for (; ledger_next(keeping.ledger, &place); place++)
		ledger_erase(keeping.ledger, place);
	fuzz_assert(ledger_count(keeping.ledger) == 0);
	keep(&keeping, input_u8(input) % 32);
	(void)ledger_free(keeping.ledger);

	keeping.ledger = open_ledger(copy_of(fd), 0);
	check_records(keeping.ledger, keeping.next_id);
	fuzz_assert(ledger_first_id(keeping.ledger) > keeping.last_id);
	(void)ledger_free(keeping.ledger);
}

static void damage_and_judge(struct input *input, int fd)
{
	uint16_t cut = input_u16(input);
	struct stat st;
	uint8_t *bytes;
	bool damaged;
	size_t size;
	int outcome;

	fuzz_assert(fstat(fd, &st) == 0);
	size = (size_t)st.st_size;
	damaged = cut & 0x8000;
	if (damaged) /* a whole number of records in most cases */
		size = cut & 0x4000 ? cut & 0x3fff : (cut & 0x3f) * 256u;
	bytes = calloc(1, size ? size : 1);
	fuzz_assert(bytes);
	fuzz_assert(ftruncate(fd, (off_t)size) == 0);
	fuzz_assert(pread(fd, bytes, size, 0) == (ssize_t)size);
	damaged |= damage(input, bytes, size);
	fuzz_assert(pwrite(fd, bytes, size, 0) == (ssize_t)size);
	outcome = check_bytes(bytes, size);
	fuzz_assert(damaged || outcome == 0);
	free(bytes);
	take_over(input, fd, outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	int fd = memfd_create("ledger", MFD_CLOEXEC);
	struct keeping keeping = {.input = &input, .next_id = 1};

	fuzz_assert(fd >= 0);
	fuzz_assert(ledger_new_consume(&keeping.ledger, copy_of(fd), BOOT_ID,
				       NULL) == 0);
	keep(&keeping, input_u8(&input) % MAX_OPERATIONS);
	check_records(keeping.ledger, keeping.next_id);
	(void)ledger_free(keeping.ledger);
	damage_and_judge(&input, fd);
	(void)fd_close(fd);
	return 0;
}
