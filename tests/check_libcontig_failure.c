/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <string.h>

#include "proto/text.h"
#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * Every reason becomes the errno that contig.h promises, with the daemon's own
 * words and figures.
 */

static const struct {
	uint32_t reason;
	int error;
} table[] = {
	{CONTIG_MSG_R_MALFORMED, -EPROTO},  {CONTIG_MSG_R_VERSION, -EPROTO},
	{CONTIG_MSG_R_ARGUMENT, -EINVAL},   {CONTIG_MSG_R_NO_REGION, -ENODEV},
	{CONTIG_MSG_R_GUARANTEE, -ENODEV},  {CONTIG_MSG_R_TOO_LARGE, -EFBIG},
	{CONTIG_MSG_R_FULL, -ENOMEM},	    {CONTIG_MSG_R_FRAGMENTED, -ENOMEM},
	{CONTIG_MSG_R_CONSTRAINT, -ENOMEM}, {CONTIG_MSG_R_QUOTA, -EDQUOT},
	{CONTIG_MSG_R_DENIED, -EACCES},	    {CONTIG_MSG_R_NO_BUFFER, -ENOENT},
	{CONTIG_MSG_R_RESOURCE, -EIO},	    {CONTIG_MSG_R_BACKEND, -EIO},
	{CONTIG_MSG_R_BACKEND + 1, -EIO},   {UINT32_MAX, -EIO},
};

static void refuse(struct fake *f, int fd, unsigned int n)
{
	union message reply;

	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		memset(&reply, 0, sizeof(reply));
		reply.header.size = sizeof(reply.error);
		reply.header.opcode = CONTIG_MSG_ERROR;
		reply.header.serial = f->in.header.serial;
		reply.error.reason = *(const uint32_t *)f->data;
		reply.error.requested_bytes = 1;
		reply.error.free_bytes = 2;
		reply.error.largest_free_bytes = 3;
		reply.error.draining_bytes = UINT64_MAX;
		memset(reply.error.text, 'w', sizeof(reply.error.text) - 1);
		fake_send(fd, &reply, NULL, 0);
	}
}

START_TEST(every_reason_has_its_errno)
{
	struct contig_request request = CONTIG_REQUEST_INIT;
	struct contig_failure failure;
	struct contig_buffer *buffer;
	uint32_t reason = table[_i].reason;
	struct contig *contig;
	struct fake fake;

	fake_start(&fake, refuse, &reason);
	request.size_bytes = 1;
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	memset(&failure, 0xff, sizeof(failure));
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, &failure),
			 table[_i].error);
	ck_assert_int_eq(failure.error, table[_i].error);
	ck_assert_uint_eq((uint32_t)failure.reason, table[_i].reason);
	ck_assert_uint_eq(failure.requested_bytes, 1);
	ck_assert_uint_eq(failure.free_bytes, 2);
	ck_assert_uint_eq(failure.largest_free_bytes, 3);
	ck_assert_uint_eq(failure.draining_bytes, UINT64_MAX);
	ck_assert_uint_eq(strlen(failure.text), CONTIG_TEXT_BYTES - 1);
	ck_assert_int_eq(contig_alloc(contig, &request, &buffer, NULL),
			 table[_i].error);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig failure");
	TCase *tcase = harness_case(suite, "failure");

	tcase_add_loop_test(tcase, every_reason_has_its_errno, 0,
			    sizeof(table) / sizeof(*table));
	return harness_run(suite);
}
