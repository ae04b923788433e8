/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>

#include "proto/text.h"
#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * Every figure of the status arrives in its own field.
 */

static struct fake fake;
static struct contig *contig;

static void answer_status(struct fake *f, int fd, unsigned int n)
{
	union message reply;
	struct contig_msg_status_reply *s = &reply.status_reply;

	(void)n;
	fake_greet(f, fd);
	fake_expect(f, fd, CONTIG_MSG_STATUS);
	fake_prepare(f, &reply, 0);
	text_put(s->version, sizeof(s->version), "1.2.3");
	s->uptime_ms = 1;
	s->total_bytes = UINT64_MAX;
	s->free_bytes = 3;
	s->lent_bytes = 4;
	s->draining_bytes = 5;
	s->dirty_bytes = 6;
	s->quarantined_bytes = 13;
	s->allocations = 7;
	s->refusals = 8;
	s->pid = 9;
	s->regions = 10;
	s->buffers = 11;
	s->clients = 12;
	fake_send(fd, &reply, NULL, 0);
	fake_expect(f, fd, CONTIG_MSG_STATUS);
	fake_answer_error(f, fd, CONTIG_MSG_R_DENIED, "not for you");
}

START_TEST(carries_every_figure)
{
	struct contig_status status;

	fake_start(&fake, answer_status, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	ck_assert_int_eq(contig_get_status(contig, &status), 0);
	ck_assert_str_eq(status.version, "1.2.3");
	ck_assert_uint_eq(status.uptime_ms, 1);
	ck_assert_uint_eq(status.total_bytes, UINT64_MAX);
	ck_assert_uint_eq(status.free_bytes, 3);
	ck_assert_uint_eq(status.lent_bytes, 4);
	ck_assert_uint_eq(status.draining_bytes, 5);
	ck_assert_uint_eq(status.dirty_bytes, 6);
	ck_assert_uint_eq(status.quarantined_bytes, 13);
	ck_assert_uint_eq(status.allocations, 7);
	ck_assert_uint_eq(status.refusals, 8);
	ck_assert_int_eq(status.pid, 9);
	ck_assert_uint_eq(status.regions, 10);
	ck_assert_uint_eq(status.buffers, 11);
	ck_assert_uint_eq(status.clients, 12);
	ck_assert_int_eq(contig_get_status(contig, &status), -EACCES);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig status");
	TCase *tcase = harness_case(suite, "status");

	tcase_add_test(tcase, carries_every_figure);
	return harness_run(suite);
}
