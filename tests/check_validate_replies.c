/* SPDX-License-Identifier: MIT */
#include "proto/validate.h"

#include <string.h>

#include "proto/text.h"
#include "tests/harness.h"
#include "tests/judged.h"

/*
 * Replies.  As in check_validate.c, each test starts from a message that passes
 * and changes one thing, so that a verdict can have only one cause.
 */

static void fill_entry(uint16_t opcode, void *entry, uint32_t id)
{
	struct contig_msg_backend *backend = entry;
	struct contig_msg_region *region = entry;
	struct contig_msg_buffer *buffer = entry;
	struct contig_msg_client *client = entry;
	struct contig_msg_damage *damage = entry;

	switch (opcode) {
	case CONTIG_MSG_LIST_BACKENDS:
		backend->id = id;
		break;
	case CONTIG_MSG_LIST_REGIONS:
		region->id = id;
		region->span_bytes = 8192;
		region->size_bytes = 8192;
		region->free_bytes = 8192;
		region->largest_free_bytes = 8192;
		region->granule_bytes = 4096;
		break;
	case CONTIG_MSG_LIST_CLIENTS:
		client->id = id;
		break;
	case CONTIG_MSG_OCCUPANCY:
		break;
	case CONTIG_MSG_CHECK:
		damage->id = id;
		damage->size_bytes = 4096;
		damage->guard_bytes = 4096;
		damage->differing_bytes = 1;
		damage->region_id = 1;
		break;
	default:
		buffer->id = id;
		buffer->size_bytes = 4096;
		buffer->state = CONTIG_MSG_LENT;
		buffer->region_id = 1;
		break;
	}
}

static void good_reply(uint16_t opcode, uint32_t count)
{
	const struct form *form = form_find(opcode);

	head(opcode | CONTIG_MSG_REPLY, form_reply_bytes(form, count));
	if (form->element_bytes)
		memcpy(m.bytes + form->count_offset, &count, sizeof(count));
	if (opcode == CONTIG_MSG_HELLO)
		m.hello_reply.version = 1;
	if (opcode == CONTIG_MSG_OCCUPANCY)
		m.occupancy_reply.cell_bytes = 4096;
	if (opcode == CONTIG_MSG_CHECK) {
		m.check_reply.checked = count;
		m.check_reply.last = count;
	}
	for (uint32_t i = 0; i < count; i++)
		fill_entry(opcode, m.bytes + form_reply_bytes(form, i), i + 1);
}

static void *entry_at(uint16_t opcode, uint32_t i)
{
	return m.bytes + form_reply_bytes(form_find(opcode), i);
}

static int reply(size_t n_fds)
{
	why.text[0] = '\0';
	return validate_reply(&m, m.header.size, n_fds, &why);
}

#define ck_reply_bad(n_fds, words) ck_judged(reply(n_fds), MALFORMED, words)

/* ---- messages ------------------------------------------------------------ */

START_TEST(takes_good_replies_up_to_the_last_entry)
{
	const struct form *form = form_find((uint16_t)_i);
	uint32_t max = form->max_elements, min = form->min_elements;

	good_reply((uint16_t)_i, min);
	ck_assert_int_eq(reply(form->descriptors ? min : 0), 0);
	ck_assert_uint_eq(validate_count(form, &m), min);
	good_reply((uint16_t)_i, max);
	ck_assert_int_eq(reply(form->descriptors ? max : 0), 0);
	ck_assert_uint_eq(validate_count(form, &m), max);
}
END_TEST

START_TEST(reply_size_is_exact)
{
	const struct form *form = form_find((uint16_t)_i);
	uint32_t count = form->min_elements;
	size_t n_fds = form->descriptors ? count : 0;

	good_reply((uint16_t)_i, count);
	m.header.size--;
	ck_assert_int_eq(reply(n_fds), MALFORMED);
	m.header.size += 2;
	ck_assert_int_eq(reply(n_fds), MALFORMED);
	m.header.size--;
	ck_assert_int_eq(validate_reply(&m, m.header.size - 1, n_fds, &why),
			 MALFORMED);
	if (form->reply_bytes > 16) {
		m.header.size = 16;
		ck_reply_bad(n_fds, "too few");
	}
}
END_TEST

START_TEST(reply_header_is_judged)
{
	const struct form *form = form_find((uint16_t)_i);
	size_t n_fds = form->descriptors ? form->min_elements : 0;

	good_reply((uint16_t)_i, form->min_elements);
	m.header.serial = 0;
	ck_reply_bad(n_fds, "serial");
	good_reply((uint16_t)_i, form->min_elements);
	m.header.zero16 = 1;
	ck_reply_bad(n_fds, "padding");
	good_reply((uint16_t)_i, form->min_elements);
	m.header.opcode = (uint16_t)_i;
	ck_reply_bad(n_fds, "is no reply");
	m.header.opcode = CONTIG_MSG_REPLY | 0x7ffe;
	ck_reply_bad(n_fds, "is no reply");
}
END_TEST

START_TEST(entries_are_counted)
{
	const struct form *form = form_find((uint16_t)_i);
	uint32_t count;

	if (!form->element_bytes)
		return;
	good_reply((uint16_t)_i, form->min_elements);
	count = form->max_elements + 1;
	memcpy(m.bytes + form->count_offset, &count, sizeof(count));
	ck_reply_bad(0, "not within");
	if (form->min_elements) {
		good_reply((uint16_t)_i, 0);
		ck_reply_bad(0, "0 entries are not within 1");
	}
}
END_TEST

START_TEST(release_has_no_reply)
{
	head(CONTIG_MSG_RELEASE | CONTIG_MSG_REPLY, sizeof(m.plain));
	ck_reply_bad(0, "is no reply");
}
END_TEST

START_TEST(descriptors_are_counted)
{
	good_reply(CONTIG_MSG_ALLOC, 2);
	ck_assert_int_eq(reply(2), 0);
	ck_reply_bad(1, "1 descriptors came with 2");
	ck_reply_bad(3, "3 descriptors came with 2");
	good_reply(CONTIG_MSG_DESCRIBE, 1);
	ck_reply_bad(1, "descriptors");
	good_reply(CONTIG_MSG_STATUS, 0);
	ck_reply_bad(1, "descriptors");
	head(CONTIG_MSG_ERROR, sizeof(m.error));
	m.error.reason = CONTIG_MSG_R_FULL;
	ck_reply_bad(1, "descriptors");
}
END_TEST

START_TEST(ids_ascend_in_pages)
{
	good_reply((uint16_t)_i, 3);
	m.list_reply.more = 1;
	ck_assert_int_eq(reply(0), 0);
	m.list_reply.more = 2;
	ck_reply_bad(0, "more");
	good_reply((uint16_t)_i, 0);
	m.list_reply.more = 1;
	ck_reply_bad(0, "more");

	good_reply((uint16_t)_i, 3);
	fill_entry((uint16_t)_i, entry_at((uint16_t)_i, 2), 2);
	ck_reply_bad(0, "entry 2: ids do not ascend");
	fill_entry((uint16_t)_i, entry_at((uint16_t)_i, 2), 0);
	ck_reply_bad(0, "entry 2: the id is 0");
}
END_TEST

/* Its pages go on behind what was looked at, damaged or not. */
START_TEST(check_has_pages_of_its_own)
{
	good_reply(CONTIG_MSG_CHECK, 3);
	m.check_reply.more = 1;
	m.check_reply.checked = 64;
	m.check_reply.unreadable = 64;
	m.check_reply.last = 1000;
	ck_assert_int_eq(reply(0), 0);
	m.check_reply.more = 2;
	ck_reply_bad(0, "more");
	m.check_reply.more = 0;
	m.check_reply.last = 2;
	ck_reply_bad(0, "an entry lies behind the last one");
	m.check_reply.last = 3;
	m.check_reply.checked = 2;
	ck_reply_bad(0, "3 are damaged of 2");
	m.check_reply.checked = 3;
	fill_entry(CONTIG_MSG_CHECK, entry_at(CONTIG_MSG_CHECK, 1), 1);
	ck_reply_bad(0, "entry 1: ids do not ascend");

	good_reply(CONTIG_MSG_CHECK, 0);
	m.check_reply.last = 64;
	m.check_reply.more = 1;
	ck_assert_int_eq(reply(0), 0);
	m.check_reply.last = 0;
	ck_reply_bad(0, "more follows nothing");
}
END_TEST

START_TEST(alloc_and_describe_have_no_next_page)
{
	good_reply(CONTIG_MSG_ALLOC, 1);
	m.list_reply.more = 1;
	ck_reply_bad(1, "more");
	good_reply(CONTIG_MSG_DESCRIBE, 1);
	m.list_reply.more = 1;
	ck_reply_bad(0, "more");
}
END_TEST

START_TEST(error_reply)
{
	head(CONTIG_MSG_ERROR, sizeof(m.error));
	m.error.reason = CONTIG_MSG_R_FULL;
	text_put(m.error.text, sizeof(m.error.text), "the pool is full");
	ck_assert_int_eq(reply(0), 0);
	m.header.serial = 0;
	ck_assert_int_eq(reply(0), 0);
	m.error.reason = 999; /* of a later daemon: the text says it */
	ck_assert_int_eq(reply(0), 0);
	m.error.zero = 1;
	ck_reply_bad(0, "ERROR: padding");
	m.error.zero = 0;
	m.error.reason = 0;
	ck_reply_bad(0, "reason");
	m.error.reason = 1;
	m.error.text[sizeof(m.error.text) - 1] = 'x';
	ck_reply_bad(0, "text");
	memset(m.error.text, 0, sizeof(m.error.text));
	m.error.text[0] = '\a';
	ck_reply_bad(0, "text");
	m.error.text[0] = 0;
	m.header.size++;
	ck_reply_bad(0, "ERROR");
}
END_TEST

START_TEST(fixed_parts_of_replies)
{
	good_reply(CONTIG_MSG_HELLO, 0);
	m.hello_reply.version = 0;
	ck_reply_bad(0, "version is 0");
	m.hello_reply.version = 1;
	m.hello_reply.zero = 1;
	ck_reply_bad(0, "padding");
	good_reply(CONTIG_MSG_STATUS, 0);
	memset(m.status_reply.version, 'v', sizeof(m.status_reply.version));
	ck_reply_bad(0, "version is no text");
	good_reply(CONTIG_MSG_OCCUPANCY, 1);
	m.occupancy_reply.zero = 1;
	ck_reply_bad(0, "padding");
	m.occupancy_reply.zero = 0;
	m.occupancy_reply.cell_bytes = 0;
	ck_reply_bad(0, "a cell has 0 bytes");
}
END_TEST

/* ---- entries ------------------------------------------------------------- */

START_TEST(backend_entry)
{
	struct contig_msg_backend *b = entry_at(CONTIG_MSG_LIST_BACKENDS, 0);

	good_reply(CONTIG_MSG_LIST_BACKENDS, 1);
	b->flags = CONTIG_MSG_BACKEND_SERVES;
	b->guarantees = CONTIG_MSG_GUARANTEES;
	ck_assert_int_eq(reply(0), 0);
	b->flags = 2;
	ck_reply_bad(0, "unknown flags");
	b->flags = 0;
	b->guarantees++;
	ck_reply_bad(0, "unknown flags");
	b->guarantees = 0;
	b->zero = 1;
	ck_reply_bad(0, "padding");
	b->zero = 0;
	b->name[0] = '\t';
	ck_reply_bad(0, "name is no text");
	b->name[0] = 0;
	b->text[1] = 'x';
	ck_reply_bad(0, "text is no text");
}
END_TEST

START_TEST(region_entry)
{
	struct contig_msg_region *r = entry_at(CONTIG_MSG_LIST_REGIONS, 0);

	good_reply(CONTIG_MSG_LIST_REGIONS, 1);
	r->flags = CONTIG_MSG_REGION_DEFAULT | CONTIG_MSG_REGION_BASE;
	r->cpu_access = CONTIG_MSG_CPU_BOUNCE;
	r->base = UINT64_MAX - 8191;
	ck_assert_int_eq(reply(0), 0);
	r->base++;
	ck_reply_bad(0, "sizes contradict");
	r->base = 1;
	r->flags = 0;
	ck_reply_bad(0, "an address that is none");
	r->base = 0;
	ck_assert_int_eq(reply(0), 0);
	r->flags = CONTIG_MSG_REGION_BASE;
	ck_assert_int_eq(reply(0), 0);
	r->flags = CONTIG_MSG_REGION_BASE << 1;
	ck_reply_bad(0, "unknown flags");
	r->flags = 0;
	r->size_bytes = 8193;
	ck_reply_bad(0, "sizes contradict");
	r->size_bytes = 8191;
	ck_reply_bad(0, "sizes contradict");
	r->size_bytes = 8192;
	r->free_bytes = 8191;
	ck_reply_bad(0, "sizes contradict");
	r->free_bytes = 8192;
	r->dirty_bytes = 8192;
	ck_assert_int_eq(reply(0), 0);
	r->dirty_bytes++;
	ck_reply_bad(0, "sizes contradict");
	r->dirty_bytes = 0;
	r->guarding_bytes = 1;
	ck_reply_bad(0, "sizes contradict");
	r->free_bytes = r->largest_free_bytes = 4096;
	r->guarding_bytes = 4096;
	r->guard_bytes = UINT64_C(1) << 63;
	r->damaged_guards = UINT64_MAX;
	ck_assert_int_eq(reply(0), 0);
	r->guarding_bytes++;
	ck_reply_bad(0, "sizes contradict");
	r->guarding_bytes = 0;
	r->guard_bytes = 4097;
	ck_reply_bad(0, "the guard is not of whole granules");
	r->guard_bytes = 0;
	r->quarantined_bytes = 4096;
	ck_assert_int_eq(reply(0), 0);
	r->quarantined_bytes++;
	ck_reply_bad(0, "sizes contradict");
	r->quarantined_bytes = 0;
	r->free_bytes = r->largest_free_bytes = 8192;
	r->granule_bytes = 0;
	ck_reply_bad(0, "granule");
	r->granule_bytes = 4095;
	ck_reply_bad(0, "granule");
	r->granule_bytes = 4096;
	r->cpu_access = CONTIG_MSG_CPU_BOUNCE + 1;
	ck_reply_bad(0, "unknown flags");
	r->cpu_access = 0;
	r->backend[15] = 'x';
	ck_reply_bad(0, "backend is no text");
	r->backend[15] = 0;
	r->name[63] = 'x';
	ck_reply_bad(0, "name is no text");
	r->name[63] = 0;
	r->zero = 1;
	ck_reply_bad(0, "padding");
}
END_TEST

START_TEST(buffer_entry)
{
	struct contig_msg_buffer *b = entry_at(CONTIG_MSG_LIST_BUFFERS, 0);

	good_reply(CONTIG_MSG_LIST_BUFFERS, 1);
	b->state = CONTIG_MSG_DRAINING;
	b->flags = CONTIG_MSG_BUFFER_PHYS;
	b->phys = UINT64_MAX - 4095;
	ck_assert_int_eq(reply(0), 0);
	b->phys++;
	ck_reply_bad(0, "size is impossible");
	b->phys = 4096;
	b->flags = 0;
	ck_reply_bad(0, "address that is none");
	b->flags = 4;
	ck_reply_bad(0, "unknown flags");
	b->phys = 0;
	b->flags = CONTIG_MSG_BUFFER_TOLD;
	ck_reply_bad(0, "promise to a stranger");
	b->flags = 0;
	b->state = 0;
	ck_reply_bad(0, "unknown flags");
	b->state = CONTIG_MSG_DRAINING + 1;
	ck_reply_bad(0, "unknown flags");
	b->state = CONTIG_MSG_LENT;
	b->cpu_access = CONTIG_MSG_CPU_BOUNCE + 1;
	ck_reply_bad(0, "unknown flags");
	b->cpu_access = 0;
	b->token = 1;
	ck_reply_bad(0, "token");
	b->token = 0;
	b->region_id = 0;
	ck_reply_bad(0, "no region");
	b->region_id = 1;
	b->size_bytes = 0;
	ck_reply_bad(0, "size is impossible");
	b->size_bytes = 1;
	b->name[31] = 'x';
	ck_reply_bad(0, "name is no text");
	b->name[31] = 0;
	b->region[0] = '\r';
	ck_reply_bad(0, "region is no text");
}
END_TEST

START_TEST(allocated_buffer_is_lent_and_may_have_a_token)
{
	struct contig_msg_buffer *b = entry_at(CONTIG_MSG_ALLOC, 0);

	good_reply(CONTIG_MSG_ALLOC, 1);
	b->token = UINT64_MAX;
	b->flags = CONTIG_MSG_BUFFER_TOLD;
	ck_assert_int_eq(reply(1), 0);
	b->state = CONTIG_MSG_DRAINING;
	ck_reply_bad(1, "new, but not lent");
}
END_TEST

START_TEST(damage_entry)
{
	struct contig_msg_damage *d = entry_at(CONTIG_MSG_CHECK, 0);

	good_reply(CONTIG_MSG_CHECK, 1);
	d->first_bytes = 4095;
	ck_assert_int_eq(reply(0), 0);
	d->differing_bytes = 2;
	ck_reply_bad(0, "entry 0: the sizes contradict");
	d->first_bytes = UINT64_MAX;
	ck_reply_bad(0, "sizes");
	d->first_bytes = 0;
	d->differing_bytes = 4096;
	ck_assert_int_eq(reply(0), 0);
	d->differing_bytes = 0;
	ck_reply_bad(0, "sizes");
	d->differing_bytes = 1;
	d->size_bytes = 0;
	ck_reply_bad(0, "sizes");
	d->size_bytes = UINT64_MAX - 4095;
	ck_assert_int_eq(reply(0), 0);
	d->size_bytes++;
	ck_reply_bad(0, "sizes");
	d->size_bytes = 4096;
	d->phys = 1;
	ck_reply_bad(0, "an address that is none");
	d->flags = CONTIG_MSG_BUFFER_PHYS;
	ck_assert_int_eq(reply(0), 0);
	d->flags = 2;
	ck_reply_bad(0, "unknown flags");
	d->flags = 0;
	d->phys = 0;
	d->neighbour_uid = 1;
	ck_reply_bad(0, "a neighbour that is none");
	d->neighbour_id = 7;
	d->neighbour_name[0] = 'n';
	ck_assert_int_eq(reply(0), 0);
	d->neighbour_name[2] = 'n';
	ck_reply_bad(0, "neighbour's name is no text");
	d->neighbour_name[2] = 0;
	d->name[31] = 'n';
	ck_reply_bad(0, "name is no text");
	d->name[31] = 0;
	d->region[0] = '\t';
	ck_reply_bad(0, "region is no text");
	d->region[0] = 0;
	d->region_id = 0;
	ck_reply_bad(0, "no region");
}
END_TEST

START_TEST(client_entry)
{
	struct contig_msg_client *c = entry_at(CONTIG_MSG_LIST_CLIENTS, 1);

	good_reply(CONTIG_MSG_LIST_CLIENTS, 2);
	c->zero = 1;
	ck_reply_bad(0, "reply to LIST_CLIENTS: entry 1: padding");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("validate_replies");
	TCase *tcase = harness_case(suite, "validate_replies");
	int end = CONTIG_MSG_RELEASE; /* has none */

	tcase_add_loop_test(tcase, takes_good_replies_up_to_the_last_entry, 1,
			    end);
	tcase_add_loop_test(tcase, reply_size_is_exact, 1, end);
	tcase_add_loop_test(tcase, reply_header_is_judged, 1, end);
	tcase_add_loop_test(tcase, entries_are_counted, 1, end);
	tcase_add_test(tcase, release_has_no_reply);
	tcase_add_test(tcase, descriptors_are_counted);
	tcase_add_loop_test(tcase, ids_ascend_in_pages, CONTIG_MSG_LIST_BACKENDS,
			    CONTIG_MSG_LIST_CLIENTS + 1);
	tcase_add_test(tcase, alloc_and_describe_have_no_next_page);
	tcase_add_test(tcase, check_has_pages_of_its_own);
	tcase_add_test(tcase, error_reply);
	tcase_add_test(tcase, fixed_parts_of_replies);
	tcase_add_test(tcase, backend_entry);
	tcase_add_test(tcase, region_entry);
	tcase_add_test(tcase, buffer_entry);
	tcase_add_test(tcase, allocated_buffer_is_lent_and_may_have_a_token);
	tcase_add_test(tcase, damage_entry);
	tcase_add_test(tcase, client_entry);
	return harness_run(suite);
}
