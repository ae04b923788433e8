/* SPDX-License-Identifier: MIT */
#include "tests/integration/witness.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "daemon/ledger_form.h"
#include "tests/integration/daemon.h"
#include "util/fd.h"

/*
 * What the clients hold changes all the time, and so does the ledger, which is
 * read here while the daemon writes it.  Of a buffer that was held before a
 * look and still is behind it nothing changes in between, so only those are
 * judged; between two of them any overlap is real.
 *
 * Addresses are nobody's business but the daemon's with simulated memory; the
 * ledger is where they can be read all the same, and the region's occupancy is
 * where they show.
 */

#define LIMIT_MS 60000

/* ---- what is held throughout ---------------------------------------------- */

/* Keeps of *heldp what is in later too; both are sorted by id. */
static size_t intersect(struct workload_held *held, size_t n,
			const struct workload_held *later, size_t n_later)
{
	size_t kept = 0, j = 0;

	for (size_t i = 0; i < n; i++) {
		while (j < n_later && later[j].id < held[i].id)
			j++;
		if (j < n_later && later[j].id == held[i].id)
			held[kept++] = held[i];
	}
	return kept;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

/* ---- the list ------------------------------------------------------------- */

static_assert(offsetof(struct contig_buffer_info, id) == 0, "found by id");
static_assert(offsetof(struct workload_held, id) == 0, "found by id");
static_assert(offsetof(struct witness_place, id) == 0, "found by id");

static void check_listed(const struct workload_held *held, size_t n,
			 const struct contig_buffer_info *array, size_t count)
{
	for (size_t i = 0; i < n; i++) {
		const struct contig_buffer_info *listed =
			count == 0 ? NULL
				   : bsearch(&held[i].id, array, count,
					     sizeof(*array), compare_ids);

		ck_assert_msg(listed, "buffer %" PRIu64 " of uid %u is lost",
			      held[i].id, held[i].owner_uid);
		ck_assert_uint_eq(listed->size_bytes, held[i].size_bytes);
		ck_assert_uint_eq(listed->owner_uid, held[i].owner_uid);
	}
}

/* ---- the ledger ----------------------------------------------------------- */

static bool is_alive(const struct ledger_record *record)
{
	return record->state == LEDGER_LENT || record->state == LEDGER_DRAINING;
}

/* The places of all buffers that the ledger has, by id. */
static size_t read_places(const void *bytes, size_t size,
			  struct witness_place *places, size_t room)
{
	const struct ledger_record *records =
		(const void *)((const char *)bytes +
			       sizeof(struct ledger_header));
	size_t n_records = (size - sizeof(struct ledger_header)) /
			   sizeof(struct ledger_record);
	size_t n = 0;

	for (size_t i = 0; i < n_records && n < room; i++)
		if (is_alive(&records[i]))
			places[n++] = (struct witness_place){
				.id = records[i].id,
				.phys = records[i].phys,
				.size_bytes = records[i].size_bytes,
				.owner_uid = records[i].owner_uid,
			};
	qsort(places, n, sizeof(*places), compare_ids);
	return n;
}

/* As above, of the ledger in the manager's store. */
static struct witness_place *read_ledger(struct supervisor *supervisor,
					 size_t *np)
{
	int fd = supervisor_peek(supervisor, "ledger");
	struct witness_place *places;
	struct stat st;
	size_t size, room;
	void *bytes;

	ck_assert_msg(fd >= 0, "there is no ledger in the store");
	ck_assert_int_eq(fstat(fd, &st), 0);
	size = (size_t)st.st_size;
	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(bytes, MAP_FAILED);
	room = size / sizeof(struct ledger_record);
	places = calloc(room, sizeof(*places));
	ck_assert_ptr_nonnull(places);
	*np = read_places(bytes, size, places, room);
	(void)munmap(bytes, size);
	(void)fd_close(fd);
	return places;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct witness_place *one = a, *other = b;

	return one->phys < other->phys ? -1 : one->phys > other->phys;
}

static void check_apart(const struct witness_place *places, size_t n)
{
	struct witness_place sorted[WITNESS_MAX];

	memcpy(sorted, places, n * sizeof(*places));
	qsort(sorted, n, sizeof(*sorted), compare_addresses);
	for (size_t i = 1; i < n; i++)
		ck_assert_msg(sorted[i - 1].phys + sorted[i - 1].size_bytes <=
				      sorted[i].phys,
			      "buffers %" PRIu64 " and %" PRIu64 " overlap",
			      sorted[i - 1].id, sorted[i].id);
}

static void check_place(const struct witness *witness,
			const struct workload_held *held,
			const struct witness_place *place)
{
	const struct witness_place *earlier;

	ck_assert_msg(place, "buffer %" PRIu64 " is not in the ledger",
		      held->id);
	ck_assert_uint_eq(place->size_bytes, held->size_bytes);
	ck_assert_uint_eq(place->owner_uid, held->owner_uid);
	earlier = bsearch(&held->id, witness->places, witness->n_places,
			  sizeof(*place), compare_ids);
	ck_assert_msg(!earlier || earlier->phys == place->phys,
		      "buffer %" PRIu64 " was moved", held->id);
}

static void check_places(struct witness *witness,
			 const struct workload_held *held, size_t n,
			 const struct witness_place *ledger, size_t n_ledger)
{
	struct witness_place now[WITNESS_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct witness_place *place =
			n_ledger == 0 ? NULL
				      : bsearch(&held[i].id, ledger, n_ledger,
						sizeof(*ledger), compare_ids);

		check_place(witness, &held[i], place);
		now[i] = *place;
	}
	check_apart(now, n);
	memcpy(witness->places, now, n * sizeof(*now));
	witness->n_places = n;
}

void witness_look(struct witness *witness)
{
	struct contig_buffer_info *array;
	struct workload_held *held, *later;
	struct witness_place *ledger;
	size_t n, n_later, count, n_ledger;

	held = workload_list(witness->workload, &n);
	ck_assert_int_eq(contig_list_buffers(witness->contig, &array, &count),
			 0);
	ledger = read_ledger(witness->supervisor, &n_ledger);
	later = workload_list(witness->workload, &n_later);
	n = intersect(held, n, later, n_later);
	check_listed(held, n, array, count);
	check_places(witness, held, n, ledger, n_ledger);
	free(array);
	free(held);
	free(later);
	free(ledger);
}

/* ---- while all hold still ------------------------------------------------- */

struct expected {
	struct contig *contig;
	uint64_t bytes;
	size_t buffers;
};

/* What nobody has any more takes the daemon a moment to see. */
static int has_exactly(void *data)
{
	const struct expected *expected = data;
	struct contig_status status;

	ck_assert_int_eq(contig_get_status(expected->contig, &status), 0);
	return status.buffers == expected->buffers &&
	       status.lent_bytes + status.draining_bytes == expected->bytes &&
	       status.dirty_bytes == 0 && status.quarantined_bytes == 0 &&
	       status.free_bytes + expected->bytes == status.total_bytes;
}

static uint64_t find_base(struct contig *contig, const char *region)
{
	struct contig_region_info *array;
	uint64_t base = 0;
	size_t count;

	ck_assert_int_eq(contig_list_regions(contig, &array, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (strcmp(array[i].name, region) == 0)
			base = array[i].base;
	free(array);
	return base;
}

/* Every place is taken in the picture, and as the total is right nothing else
 * is. */
static void check_occupancy(const struct witness *witness, const char *region)
{
	struct contig_cell cells[500];
	uint64_t base = find_base(witness->contig, region), cell_bytes;
	size_t count = 500;

	ck_assert_int_eq(contig_occupancy(witness->contig, region, cells,
					  &count, &cell_bytes),
			 0);
	for (size_t i = 0; i < witness->n_places; i++) {
		const struct witness_place *place = &witness->places[i];

		for (uint64_t at = 0; at < place->size_bytes; at += cell_bytes) {
			uint64_t cell = (place->phys - base + at) / cell_bytes;

			ck_assert_uint_lt(cell, count);
			ck_assert_uint_eq(cells[cell].lent_bytes +
						  cells[cell].draining_bytes,
					  cell_bytes);
		}
	}
}

void witness_count(struct witness *witness, const char *region)
{
	struct expected expected = {.contig = witness->contig};
	struct workload_held *held;

	held = workload_list(witness->workload, &expected.buffers);
	for (size_t i = 0; i < expected.buffers; i++)
		expected.bytes += held[i].size_bytes;
	free(held);
	daemon_wait(has_exactly, &expected, LIMIT_MS);
	witness_look(witness);
	ck_assert_uint_eq(witness->n_places, expected.buffers);
	check_occupancy(witness, region);
}
