/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/text.h"
#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * A picture is asked for by name: the region may be on the second page of the
 * list, and the daemon may fill fewer cells than it was asked for, never more.
 */

#define N_REGIONS 93 /* one more than a page */

static struct fake fake;
static struct contig *contig;

static void answer_regions(struct fake *f, int fd)
{
	const struct form *form = form_find(CONTIG_MSG_LIST_REGIONS);
	uint32_t after = (uint32_t)f->in.list.after;
	uint32_t count = N_REGIONS - after;
	union message reply;

	if (count > form->max_elements)
		count = form->max_elements;
	fake_prepare(f, &reply, count);
	reply.list_reply.more = after + count < N_REGIONS;
	for (uint32_t i = 0; i < count; i++) {
		struct contig_msg_region *r =
			(void *)(reply.bytes + form_reply_bytes(form, i));

		r->id = after + i + 1;
		(void)snprintf(r->name, sizeof(r->name), "region%u", r->id);
		r->span_bytes = 4096;
		r->granule_bytes = 4096;
	}
	fake_send(fd, &reply, NULL, 0);
}

/* Fills as many cells as data says, whatever was asked for. */
static void draw(struct fake *f, int fd, unsigned int n)
{
	const struct form *form = form_find(CONTIG_MSG_OCCUPANCY);
	uint32_t count = *(const uint32_t *)f->data;
	union message reply;

	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		if (f->in.header.opcode == CONTIG_MSG_LIST_REGIONS) {
			answer_regions(f, fd);
			continue;
		}
		ck_assert_uint_eq(f->in.header.opcode, CONTIG_MSG_OCCUPANCY);
		ck_assert_uint_eq(f->in.occupancy.region_id, N_REGIONS);
		fake_prepare(f, &reply, count);
		reply.occupancy_reply.cell_bytes = 100;
		for (uint32_t i = 0; i < count; i++) {
			struct contig_msg_cell *cell =
				(void *)(reply.bytes + form_reply_bytes(form, i));

			*cell = (struct contig_msg_cell){i, i + 1, i + 2, i + 3};
		}
		fake_send(fd, &reply, NULL, 0);
	}
}

START_TEST(draws_the_region_of_that_name)
{
	struct contig_cell cells[CONTIG_MSG_MAX_CELLS + 1];
	uint32_t filled = (uint32_t)_i;
	size_t count = CONTIG_MSG_MAX_CELLS + 1;
	uint64_t cell_bytes = 0;

	fake_start(&fake, draw, &filled);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	memset(cells, 0, sizeof(cells));
	ck_assert_int_eq(contig_occupancy(contig, "region93", cells, &count,
					  &cell_bytes),
			 0);
	ck_assert_uint_eq(count, filled);
	ck_assert_uint_eq(cell_bytes, 100);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(cells[i].free_bytes, i);
		ck_assert_uint_eq(cells[i].dirty_bytes, i + 1);
		ck_assert_uint_eq(cells[i].lent_bytes, i + 2);
		ck_assert_uint_eq(cells[i].draining_bytes, i + 3);
	}
	ck_assert_uint_eq(cells[count].draining_bytes, 0);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

START_TEST(takes_no_more_cells_than_there_is_room)
{
	struct contig_cell cells[3];
	uint32_t filled = 3;
	size_t count = 2;

	fake_start(&fake, draw, &filled);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	memset(cells, 0, sizeof(cells));
	ck_assert_int_eq(
		contig_occupancy(contig, "region93", cells, &count, NULL),
		-EPROTO);
	ck_assert_uint_eq(cells[2].draining_bytes, 0);
	ck_assert_uint_eq(count, 2);
	count = 3;
	ck_assert_int_eq(
		contig_occupancy(contig, "region93", cells, &count, NULL), 0);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

START_TEST(knows_no_other_region)
{
	struct contig_cell cell;
	uint32_t filled = 1;
	size_t count = 1;

	fake_start(&fake, draw, &filled);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	ck_assert_int_eq(
		contig_occupancy(contig, "region94", &cell, &count, NULL),
		-ENODEV);
	ck_assert_int_eq(contig_occupancy(contig, "", &cell, &count, NULL),
			 -ENODEV);
	count = 0;
	ck_assert_int_eq(
		contig_occupancy(contig, "region93", &cell, &count, NULL),
		-EINVAL);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

/* Tells the regions and ends, so that the picture is asked of the next one. */
static void tell_regions(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
	if (!fake_receive(f, fd))
		return;
	ck_assert_uint_eq(f->in.header.opcode, CONTIG_MSG_LIST_REGIONS);
	ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
	answer_regions(f, fd);
}

START_TEST(numbers_of_one_daemon_mean_nothing_to_the_next)
{
	struct contig_cell cell;
	size_t count = 1;

	fake_start(&fake, tell_regions, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	ck_assert_int_eq(
		contig_occupancy(contig, "region1", &cell, &count, NULL),
		-ECONNRESET);
	ck_assert_uint_eq(count, 1);
	contig_close(contig);
	fake_stop(&fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig occupancy");
	TCase *tcase = harness_case(suite, "occupancy");

	tcase_add_loop_test(tcase, draws_the_region_of_that_name, 1, 3);
	tcase_add_loop_test(tcase, draws_the_region_of_that_name,
			    CONTIG_MSG_MAX_CELLS, CONTIG_MSG_MAX_CELLS + 1);
	tcase_add_test(tcase, takes_no_more_cells_than_there_is_room);
	tcase_add_test(tcase, knows_no_other_region);
	tcase_add_test(tcase, numbers_of_one_daemon_mean_nothing_to_the_next);
	return harness_run(suite);
}
