/* SPDX-License-Identifier: MIT */
#include "daemon/reply.h"

#include <string.h>

#include "proto/validate.h"
#include "tests/harness.h"

static union message message;
static struct reply reply = {.message = &message};

static void before(void)
{
	memset(&message, 0xff, sizeof(message)); /* whatever was there */
}

START_TEST(plain_reply_is_whole)
{
	reply_begin(&reply, CONTIG_MSG_CPU_END, 7);
	ck_assert_uint_eq(reply.size_bytes, sizeof(message.plain));
	ck_assert_uint_eq(message.header.size, sizeof(message.plain));
	ck_assert_uint_eq(message.header.opcode,
			  CONTIG_MSG_CPU_END | CONTIG_MSG_REPLY);
	ck_assert_uint_eq(message.header.serial, 7);
	ck_assert_int_eq(validate_reply(&message, reply.size_bytes, 0, NULL), 0);
}
END_TEST

START_TEST(list_takes_as_many_as_fit)
{
	const struct form *form = form_find(CONTIG_MSG_LIST_REGIONS);
	struct contig_msg_region *entry;
	uint32_t n = 0;

	reply_begin(&reply, CONTIG_MSG_LIST_REGIONS, 7);
	ck_assert_uint_eq(message.list_reply.count, 0);
	while ((entry = reply_add(&reply))) {
		ck_assert_uint_eq(entry->size_bytes, 0); /* zeroed */
		entry->id = ++n;
	}
	ck_assert_uint_eq(n, form->max_elements);
	ck_assert_uint_eq(message.list_reply.count, n);
	ck_assert_uint_eq(reply.size_bytes, form_reply_bytes(form, n));
	ck_assert_uint_eq(message.header.size, reply.size_bytes);
	ck_assert_uint_le(reply.size_bytes, sizeof(message));
}
END_TEST

START_TEST(errors_carry_words_and_figures)
{
	const struct refusal refusal = {
		.reason = CONTIG_MSG_R_FULL,
		.requested_bytes = 1,
		.free_bytes = 2,
		.largest_free_bytes = 3,
		.draining_bytes = 4,
		.text = "caf\xc3\xa9 is full",
	};

	reply_refuse(&reply, 9, &refusal);
	ck_assert_uint_eq(reply.size_bytes, sizeof(message.error));
	ck_assert_uint_eq(message.header.serial, 9);
	ck_assert_uint_eq(message.error.draining_bytes, 4);
	ck_assert_str_eq(message.error.text, "caf?? is full");
	ck_assert_int_eq(validate_reply(&message, reply.size_bytes, 0, NULL), 0);

	reply_error(&reply, 0, CONTIG_MSG_R_MALFORMED, "%d things", 3);
	ck_assert_uint_eq(message.error.reason, CONTIG_MSG_R_MALFORMED);
	ck_assert_uint_eq(message.error.free_bytes, 0);
	ck_assert_str_eq(message.error.text, "3 things");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reply");
	TCase *tcase = harness_case(suite, "reply");

	tcase_add_checked_fixture(tcase, before, NULL);
	tcase_add_test(tcase, plain_reply_is_whole);
	tcase_add_test(tcase, list_takes_as_many_as_fit);
	tcase_add_test(tcase, errors_carry_words_and_figures);
	return harness_run(suite);
}
