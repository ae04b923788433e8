/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"
#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * Pages with and without entries add up, and a daemon that never comes to an
 * end is not followed.
 */

#define N_BUFFERS 150
#define PAGE	  64

static struct fake fake;
static struct contig *contig;
static struct contig_check_result result;
static struct contig_damage *damages;
static size_t count;

/* What the fake says of the buffers with these ids. */
static bool is_damaged(uint64_t id)
{
	return id == 3 || id == PAGE || id > 2 * PAGE;
}

static void put_damage(struct contig_msg_damage *damage, uint64_t id)
{
	damage->id = id;
	damage->size_bytes = 8192;
	damage->guard_bytes = 4096;
	damage->first_bytes = id;
	damage->differing_bytes = 7;
	damage->flags = CONTIG_MSG_BUFFER_PHYS;
	damage->phys = 0x1000 + id;
	damage->owner_uid = 1000;
	damage->neighbour_id = id + 1;
	damage->neighbour_uid = 1001;
	damage->region_id = 1;
	text_put(damage->region, sizeof(damage->region), "camera");
	text_put(damage->name, sizeof(damage->name), "front");
	text_put(damage->neighbour_name, sizeof(damage->neighbour_name),
		 "behind");
}

static void answer_page(struct fake *f, int fd)
{
	const struct form *form = form_find(CONTIG_MSG_CHECK);
	uint64_t after = f->in.check.after, last = after + PAGE;
	union message reply;
	uint32_t n = 0;

	if (last > N_BUFFERS)
		last = N_BUFFERS;
	for (uint64_t id = after + 1; id <= last; id++)
		n += is_damaged(id);
	fake_prepare(f, &reply, n);
	reply.check_reply.checked = (uint32_t)(last - after);
	reply.check_reply.unreadable = 1;
	reply.check_reply.last = last;
	reply.check_reply.more = last < N_BUFFERS;
	n = 0;
	for (uint64_t id = after + 1; id <= last; id++)
		if (is_damaged(id))
			put_damage((void *)(reply.bytes +
					    form_reply_bytes(form, n++)),
				   id);
	fake_send(fd, &reply, NULL, 0);
}

/* data is the region that must be asked for. */
static void answer_checks(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		ck_assert_uint_eq(f->in.header.opcode, CONTIG_MSG_CHECK);
		ck_assert_str_eq(f->in.check.region, f->data);
		answer_page(f, fd);
	}
}

static void start(fake_script *fn, const char *region)
{
	fake_start(&fake, fn, (void *)region);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	damages = NULL;
	count = 4711;
	memset(&result, 0xff, sizeof(result));
}

static void stop(void)
{
	free(damages);
	contig_close(contig);
	fake_stop(&fake);
}

START_TEST(pages_add_up)
{
	start(answer_checks, "");
	ck_assert_int_eq(contig_check(contig, NULL, &result, &damages, &count),
			 0);
	ck_assert_uint_eq(result.checked, N_BUFFERS);
	ck_assert_uint_eq(result.unreadable, 3);
	ck_assert_uint_eq(result.damaged, 2 + N_BUFFERS - 2 * PAGE);
	ck_assert_uint_eq(count, result.damaged);
	ck_assert_uint_eq(damages[0].id, 3);
	ck_assert_uint_eq(damages[1].id, PAGE);
	ck_assert_uint_eq(damages[2].id, 2 * PAGE + 1);
	ck_assert_uint_eq(damages[count - 1].id, N_BUFFERS);
	ck_assert_uint_eq(damages[0].size_bytes, 8192);
	ck_assert_uint_eq(damages[0].guard_bytes, 4096);
	ck_assert_uint_eq(damages[0].first_bytes, 3);
	ck_assert_uint_eq(damages[0].differing_bytes, 7);
	ck_assert_int_eq(damages[0].has_phys, 1);
	ck_assert_uint_eq(damages[0].phys, 0x1003);
	ck_assert_uint_eq(damages[0].owner_uid, 1000);
	ck_assert_uint_eq(damages[0].neighbour_id, 4);
	ck_assert_uint_eq(damages[0].neighbour_uid, 1001);
	ck_assert_str_eq(damages[0].region, "camera");
	ck_assert_str_eq(damages[0].name, "front");
	ck_assert_str_eq(damages[0].neighbour_name, "behind");
	stop();
}
END_TEST

START_TEST(only_what_is_wanted)
{
	start(answer_checks, "camera");
	ck_assert_int_eq(contig_check(contig, "camera", NULL, NULL, NULL), 0);
	ck_assert_int_eq(contig_check(contig, "camera", &result, NULL, NULL), 0);
	ck_assert_uint_eq(result.checked, N_BUFFERS);
	ck_assert_int_eq(contig_check(contig, "camera", NULL, &damages, &count),
			 0);
	ck_assert_uint_eq(count, result.damaged);
	stop();
}
END_TEST

START_TEST(no_such_name_is_asked_for)
{
	char name[CONTIG_REGION_BYTES + 1];

	start(answer_checks, "");
	memset(name, 'r', sizeof(name));
	name[CONTIG_REGION_BYTES] = '\0';
	ck_assert_int_eq(contig_check(contig, name, &result, &damages, &count),
			 -ENODEV);
	ck_assert_int_eq(contig_check(contig, "", &result, &damages, &count),
			 -ENODEV);
	ck_assert_int_eq(contig_check(contig, "a\n", &result, &damages, &count),
			 -ENODEV);
	ck_assert_ptr_null(damages);
	ck_assert_uint_eq(count, 4711);
	ck_assert_uint_eq(result.checked, UINT64_MAX);
	stop();
}
END_TEST

/* The first page is good, the second one refused, for a reason of data. */
static void refuse_second(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
	ck_assert(fake_receive(f, fd));
	answer_page(f, fd);
	ck_assert(fake_receive(f, fd));
	fake_answer_error(f, fd, *(const uint32_t *)f->data, "no");
	(void)fake_receive(f, fd);
}

START_TEST(refusal_leaves_all_alone)
{
	static const struct {
		uint32_t reason;
		int error;
	} cases[] = {
		{CONTIG_MSG_R_DENIED, -EACCES},
		{CONTIG_MSG_R_NO_REGION, -ENODEV},
		{CONTIG_MSG_R_RESOURCE, -EIO},
	};
	uint32_t reason = cases[_i].reason;

	start(refuse_second, (const char *)&reason);
	ck_assert_int_eq(contig_check(contig, NULL, &result, &damages, &count),
			 cases[_i].error);
	ck_assert_ptr_null(damages);
	ck_assert_uint_eq(count, 4711);
	ck_assert_uint_eq(result.checked, UINT64_MAX);
	stop();
}
END_TEST

/* Always the same page, and always more of it. */
static void run_in_a_circle(struct fake *f, int fd, unsigned int n)
{
	union message reply;

	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		fake_prepare(f, &reply, 0);
		reply.check_reply.last = 5;
		reply.check_reply.more = 1;
		fake_send(fd, &reply, NULL, 0);
	}
}

START_TEST(circle_is_left)
{
	start(run_in_a_circle, NULL);
	ck_assert_int_eq(contig_check(contig, NULL, &result, &damages, &count),
			 -EPROTO);
	ck_assert_ptr_null(damages);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig check");
	TCase *tcase = harness_case(suite, "check");

	tcase_add_test(tcase, pages_add_up);
	tcase_add_test(tcase, only_what_is_wanted);
	tcase_add_test(tcase, no_such_name_is_asked_for);
	tcase_add_loop_test(tcase, refusal_leaves_all_alone, 0, 3);
	tcase_add_test(tcase, circle_is_left);
	return harness_run(suite);
}
