/* SPDX-License-Identifier: MIT */
#include "proto/form.h"

#include "tests/harness.h"

/*
 * The table of opcodes against what the protocol promises: a row for each,
 * every reply within one datagram, no page that could have been longer.
 */

START_TEST(finds_every_opcode_and_no_other)
{
	for (unsigned int opcode = 0; opcode <= UINT16_MAX; opcode++) {
		const struct form *form = form_find((uint16_t)opcode);

		if (opcode < CONTIG_MSG_HELLO || opcode > CONTIG_MSG_RELEASE) {
			ck_assert_ptr_null(form);
			continue;
		}
		ck_assert_ptr_nonnull(form);
		ck_assert_uint_eq(form->opcode, opcode);
	}
}
END_TEST

START_TEST(every_message_fits_a_datagram_and_is_aligned)
{
	for (uint16_t opcode = 1; opcode <= CONTIG_MSG_RELEASE; opcode++) {
		const struct form *form = form_find(opcode);

		ck_assert_uint_ge(form->request_bytes,
				  sizeof(struct contig_msg_header));
		if (opcode == CONTIG_MSG_RELEASE)
			ck_assert_uint_eq(form->reply_bytes, 0);
		else
			ck_assert_uint_ge(form->reply_bytes,
					  sizeof(struct contig_msg_header));
		ck_assert_uint_le(form_reply_bytes(form, form->max_elements),
				  CONTIG_MSG_MAX_BYTES);
		ck_assert_uint_eq(form->request_bytes % 8, 0);
		ck_assert_uint_eq(form->reply_bytes % 8, 0);
		ck_assert_uint_eq(form->element_bytes % 8, 0);
		ck_assert_uint_le(form->min_elements, form->max_elements);
		ck_assert_int_eq(form->element_bytes > 0,
				 form->max_elements > 0);
		ck_assert_int_eq(form->element_bytes > 0,
				 form->count_offset > 0);
		ck_assert(!form->paged || !form->descriptors);
	}
}
END_TEST

START_TEST(pages_are_full)
{
	static const struct {
		uint16_t opcode;
		uint32_t entries;
	} pages[] = {
		{CONTIG_MSG_LIST_BACKENDS, 39},
		{CONTIG_MSG_LIST_REGIONS, 75},
		{CONTIG_MSG_LIST_BUFFERS, 97},
		{CONTIG_MSG_LIST_CLIENTS, 340},
	};

	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		const struct form *form = form_find(pages[i].opcode);

		ck_assert(form->paged);
		ck_assert_uint_eq(form->max_elements, pages[i].entries);
		ck_assert_uint_gt(form_reply_bytes(form, pages[i].entries + 1),
				  CONTIG_MSG_MAX_BYTES);
	}
}
END_TEST

START_TEST(only_alloc_carries_descriptors)
{
	for (uint16_t opcode = 1; opcode <= CONTIG_MSG_RELEASE; opcode++)
		ck_assert_int_eq(form_find(opcode)->descriptors,
				 opcode == CONTIG_MSG_ALLOC);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("form");
	TCase *tcase = harness_case(suite, "form");

	tcase_add_test(tcase, finds_every_opcode_and_no_other);
	tcase_add_test(tcase, every_message_fits_a_datagram_and_is_aligned);
	tcase_add_test(tcase, pages_are_full);
	tcase_add_test(tcase, only_alloc_carries_descriptors);
	return harness_run(suite);
}
