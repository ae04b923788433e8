/* SPDX-License-Identifier: MIT */
#include "daemon/ledger_check.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"

#define BOOT	"0b1c8d3e-1111-2222-3333-444455556666"
#define RECORDS 6

/* Not more than there is, for the sanitizer to see what is read beyond. */
static struct image {
	struct ledger_header header;
	struct ledger_record records[RECORDS];
} * image;
static struct ledger_summary summary;
static struct error why;

static int check(void)
{
	return ledger_check(image, sizeof(*image), BOOT, &summary, &why);
}

static void enter(struct ledger_record *record, uint32_t state, uint64_t id)
{
	record->state = state;
	record->id = id;
	record->shelf_id = id;
	record->phys = 0x100000 * id;
	record->size_bytes = 0x100000;
	record->owner_uid = 1000;
	(void)strcpy(record->region, "camera");
	(void)strcpy(record->backend, "udmabuf");
	(void)strcpy(record->name, "frame");
	record->claim_check = ledger_claim_sum(record);
	record->token = 0x1234;
	record->inode = 77;
	record->lent_check = ledger_lent_sum(record);
}

/* After a test has changed what a record says. */
static void sign(struct ledger_record *record)
{
	record->claim_check = ledger_claim_sum(record);
	record->lent_check = ledger_lent_sum(record);
}

static void promise(struct ledger_promise *to, uint64_t ids_below)
{
	to->ids_below = ids_below;
	to->check = ledger_promise_sum(to);
}

static void before(void)
{
	image = calloc(1, sizeof(*image));
	ck_assert_ptr_nonnull(image);
	memcpy(image->header.magic, LEDGER_MAGIC, 16);
	image->header.version = LEDGER_VERSION;
	image->header.record_bytes = sizeof(struct ledger_record);
	(void)strcpy(image->header.boot_id, BOOT);
	image->header.check = ledger_header_sum(&image->header);
	promise(&image->header.promises[0], 1025);
	promise(&image->header.promises[1], 2049);
	enter(&image->records[0], LEDGER_CLAIMED, 3);
	enter(&image->records[1], LEDGER_LENT, 2);
	enter(&image->records[2], LEDGER_DRAINING, 2048);
	enter(&image->records[3], LEDGER_QUARANTINED, 1);
	image->records[4].state = LEDGER_FREE;
}

static void after(void)
{
	free(image);
}

START_TEST(whole_ledger_is_believed)
{
	ck_assert_msg(check() == 0, "%s", why.text);
	ck_assert_uint_eq(summary.n_records, RECORDS);
	ck_assert_uint_eq(summary.n_touched, 5);
	ck_assert_uint_eq(summary.next_id, 2049);
}
END_TEST

START_TEST(size_is_looked_at_first)
{
	const size_t records = RECORDS * sizeof(struct ledger_record);

	for (size_t size = 0; size < sizeof(struct ledger_header); size++)
		ck_assert_int_eq(ledger_check(image, size, BOOT, &summary, &why),
				 LEDGER_E_DAMAGED);
	for (size_t size = 0; size <= records; size++) {
		size_t whole = sizeof(struct ledger_record);
		int r = ledger_check(image, sizeof(image->header) + size, BOOT,
				     &summary, &why);

		ck_assert_int_eq(r, size % whole ? LEDGER_E_DAMAGED : 0);
	}
	promise(&image->header.promises[1], 2049);
	ck_assert_int_eq(ledger_check(image, sizeof(image->header), BOOT,
				      &summary, &why),
			 0);
	ck_assert_uint_eq(summary.n_records, 0);
}
END_TEST

START_TEST(other_boot_is_foreign)
{
	ck_assert_int_eq(ledger_check(image, sizeof(*image),
				      "0b1c8d3e-1111-2222-3333-444455556667",
				      &summary, &why),
			 LEDGER_E_FOREIGN);
	ck_assert_ptr_nonnull(strstr(why.text, BOOT));
}
END_TEST

/* Whatever else a later version has changed. */
START_TEST(later_version_is_told_from_damage)
{
	image->header.version = LEDGER_VERSION + 1;
	image->header.record_bytes = 512;
	ck_assert_int_eq(check(), LEDGER_E_NEWER);
	ck_assert_ptr_nonnull(strstr(why.text, "of version 2"));
	image->header.version = 0;
	ck_assert_int_eq(check(), LEDGER_E_DAMAGED);
	image->header.version = UINT32_MAX;
	ck_assert_int_eq(check(), LEDGER_E_NEWER);
}
END_TEST

/* Tries 255 kinds of damage at one byte, and says how many are not seen. */
static unsigned int count_unseen(void *place)
{
	uint8_t *byte = place;
	uint8_t good = *byte;
	unsigned int unseen = 0;

	for (unsigned int flip = 1; flip < 256; flip++) {
		*byte = (uint8_t)(good ^ flip);
		if (check() == 0) {
			unseen++;
			/* damage must not give an id out again */
			ck_assert_uint_ge(summary.next_id, 2049);
		}
	}
	*byte = good;
	return unseen;
}

static void count_range(void *base, size_t from, size_t to, unsigned int unseen)
{
	for (size_t i = from; i < to; i++)
		ck_assert_msg(count_unseen((uint8_t *)base + i) == unseen,
			      "byte %zu", i);
}

START_TEST(damage_of_the_header_is_seen)
{
	struct ledger_header *header = &image->header;

	count_range(header, 0, offsetof(struct ledger_header, promises), 0);
	/* one promise is enough, and the damaged one counts as made */
	count_range(header, offsetof(struct ledger_header, promises[1]),
		    offsetof(struct ledger_header, room), 255);
	count_range(header, offsetof(struct ledger_header, room),
		    sizeof(*header), 255);
	promise(&header->promises[0], 0);
	count_range(header, offsetof(struct ledger_header, promises[1]),
		    offsetof(struct ledger_header, room), 0);
}
END_TEST

START_TEST(damage_of_a_record_is_seen)
{
	const size_t id = offsetof(struct ledger_record, id);
	const size_t half = offsetof(struct ledger_record, token);
	const size_t room = offsetof(struct ledger_record, room);

	for (size_t i = 0; i < 4; i++) {
		struct ledger_record *record = &image->records[i];
		bool is_half = record->state == LEDGER_CLAIMED;

		count_range(record, 0, 4, 0);
		count_range(record, 4, id, 255);
		count_range(record, id, half, 0);
		count_range(record, half, room, is_half ? 255 : 0);
		count_range(record, room, sizeof(*record), 255);
	}
	/* of a free one only the state counts, of an untouched one all */
	count_range(&image->records[4], 0, 4, 0);
	count_range(&image->records[4], 4, sizeof(struct ledger_record), 255);
	count_range(&image->records[5], 0, 4, 0);
	count_range(&image->records[5], 4, sizeof(struct ledger_record), 0);
}
END_TEST

/* A page of the file was lost: records between others are wiped out. */
START_TEST(wiped_out_records_are_seen)
{
	memset(&image->records[1], 0, sizeof(image->records[1]));
	ck_assert_int_eq(check(), LEDGER_E_DAMAGED);
	ck_assert_ptr_nonnull(strstr(why.text, "record 1 has no state"));
}
END_TEST

START_TEST(promise_that_was_being_written_counts)
{
	image->header.promises[0].ids_below = 3073; /* its check is to come */
	ck_assert_int_eq(check(), 0);
	ck_assert_uint_eq(summary.next_id, 2049 + LEDGER_PROMISE_STEP);
	image->header.promises[1].check++;
	ck_assert_int_eq(check(), LEDGER_E_DAMAGED);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	struct ledger_record *record = &image->records[1];
	const struct ledger_record good = *record;

#define REFUSED(change)                                                   \
	do {                                                              \
		*record = good;                                           \
		change;                                                   \
		sign(record);                                             \
		ck_assert_int_eq(check(), LEDGER_E_DAMAGED);              \
		ck_assert_ptr_nonnull(strstr(why.text, "record 1 says")); \
	} while (0)
	REFUSED(record->id = 0);
	REFUSED(record->id = 2049);
	REFUSED(record->id = UINT64_MAX);
	REFUSED(record->shelf_id = 0);
	REFUSED(record->shelf_id = record->id + 1);
	REFUSED(record->size_bytes = 0);
	REFUSED(record->phys = UINT64_MAX - 0x100000 + 2);
	REFUSED(record->guard_bytes = 0x100000);
	REFUSED(record->guard_bytes = UINT64_MAX);
	REFUSED(record->region[0] = '\0');
	REFUSED(memset(record->region, 'x', sizeof(record->region)));
	REFUSED(record->backend[0] = '\0');
	REFUSED(memset(record->backend, 'x', sizeof(record->backend)));
	REFUSED(memset(record->name, 'x', sizeof(record->name)));
#undef REFUSED
	*record = good;
	record->phys = UINT64_MAX - 0x100000 + 1; /* up to the last byte */
	record->guard_bytes = 0xfffff;
	record->name[0] = '\0';
	sign(record);
	ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(no_id_is_there_twice)
{
	image->records[0].id = 2048;
	sign(&image->records[0]);
	ck_assert_int_eq(check(), LEDGER_E_DAMAGED);
	ck_assert_ptr_nonnull(strstr(why.text, "buffer 2048 is in it twice"));
}
END_TEST

START_TEST(no_descriptor_is_there_twice)
{
	image->records[0].shelf_id = 1;
	sign(&image->records[0]);
	ck_assert_int_eq(check(), LEDGER_E_DAMAGED);
	ck_assert_ptr_nonnull(strstr(why.text, " share a descriptor"));
	image->records[3].state = LEDGER_FREE;
	ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(no_byte_is_there_twice)
{
	struct ledger_record *a = &image->records[0], *b = &image->records[1];

	a->phys = b->phys + b->size_bytes - 1; /* 0x300000 and 0x2fffff */
	sign(a);
	ck_assert_int_eq(check(), LEDGER_E_DAMAGED);
	ck_assert_ptr_nonnull(strstr(why.text, "buffers 2 and 3 overlap"));
	(void)strcpy(a->region, "video"); /* of whatever region */
	sign(a);
	ck_assert_int_eq(check(), LEDGER_E_DAMAGED);
	a->phys = b->phys;
	sign(a);
	ck_assert_int_eq(check(), LEDGER_E_DAMAGED);
}
END_TEST

START_TEST(made_up_addresses_count_within_a_region)
{
	struct ledger_record *a = &image->records[0], *b = &image->records[1];

	a->phys = b->phys;
	a->flags = LEDGER_MADE_UP;
	sign(a);
	ck_assert_int_eq(check(), 0);
	b->flags = LEDGER_MADE_UP;
	sign(b);
	ck_assert_int_eq(check(), LEDGER_E_DAMAGED);
	(void)strcpy(b->region, "video");
	sign(b);
	ck_assert_int_eq(check(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger_check");
	TCase *tcase = harness_case(suite, "ledger_check");

	tcase_add_checked_fixture(tcase, before, after);
	tcase_add_test(tcase, whole_ledger_is_believed);
	tcase_add_test(tcase, size_is_looked_at_first);
	tcase_add_test(tcase, other_boot_is_foreign);
	tcase_add_test(tcase, later_version_is_told_from_damage);
	tcase_add_test(tcase, damage_of_the_header_is_seen);
	tcase_add_test(tcase, damage_of_a_record_is_seen);
	tcase_add_test(tcase, wiped_out_records_are_seen);
	tcase_add_test(tcase, promise_that_was_being_written_counts);
	tcase_add_test(tcase, what_cannot_be_is_refused);
	tcase_add_test(tcase, no_id_is_there_twice);
	tcase_add_test(tcase, no_descriptor_is_there_twice);
	tcase_add_test(tcase, no_byte_is_there_twice);
	tcase_add_test(tcase, made_up_addresses_count_within_a_region);
	return harness_run(suite);
}
