/* SPDX-License-Identifier: MIT */
#include "lib/contig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/text.h"
#include "tests/fake_daemon.h"
#include "tests/harness.h"

/*
 * Lists over several pages, with gaps between the ids, and a daemon that stops
 * in the middle.
 */

struct stock {
	uint32_t entries; /* ids 2, 4, 6, ... */
	int pages;	  /* answered before an error; -1: all */
};

static struct fake fake;
static struct contig *contig;
static struct stock stock;

static void fill(uint16_t opcode, void *entry, uint32_t id)
{
	struct contig_msg_backend *backend = entry;
	struct contig_msg_region *region = entry;
	struct contig_msg_client *client = entry;

	switch (opcode) {
	case CONTIG_MSG_LIST_BACKENDS:
		backend->id = id;
		backend->flags = CONTIG_MSG_BACKEND_SERVES;
		backend->guarantees = id % 32;
		text_put(backend->name, sizeof(backend->name), "backend");
		text_put(backend->text, sizeof(backend->text), "gives all");
		break;
	case CONTIG_MSG_LIST_REGIONS:
		region->id = id;
		region->flags = id == 2 ? CONTIG_MSG_REGION_DEFAULT : 0;
		if (id != 4)
			region->flags |= CONTIG_MSG_REGION_BASE;
		text_put(region->name, sizeof(region->name), "region");
		text_put(region->backend, sizeof(region->backend), "simulated");
		region->base = id != 4 ? id : 0;
		region->span_bytes = 90;
		region->size_bytes = 80;
		region->free_bytes = 70;
		region->largest_free_bytes = 60;
		region->lent_bytes = 50;
		region->draining_bytes = 40;
		region->dirty_bytes = 30;
		region->guarding_bytes = 4;
		region->guard_bytes = 48;
		region->damaged_guards = 7;
		region->quarantined_bytes = 5;
		region->granule_bytes = 16;
		region->guarantees = CONTIG_MSG_CACHED;
		region->buffers = 10;
		break;
	case CONTIG_MSG_LIST_CLIENTS:
		client->id = id;
		client->connected_ms = 5;
		client->buffers = 6;
		client->bytes = 7;
		client->pid = id;
		client->uid = 8;
		client->gid = 9;
		break;
	default:
		fake_buffer(entry, id, 4096);
		break;
	}
}

static void answer_page(struct fake *f, int fd)
{
	const struct form *form = form_find(f->in.header.opcode);
	uint32_t first = (uint32_t)f->in.list.after / 2, count;
	union message reply;

	ck_assert(form->paged);
	ck_assert_uint_eq(f->in.list.after % 2, 0);
	count = stock.entries - first;
	if (count > form->max_elements)
		count = form->max_elements;
	fake_prepare(f, &reply, count);
	reply.list_reply.more = first + count < stock.entries;
	for (uint32_t i = 0; i < count; i++)
		fill(form->opcode, reply.bytes + form_reply_bytes(form, i),
		     (first + i + 1) * 2);
	fake_send(fd, &reply, NULL, 0);
}

static void serve_lists(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
	while (fake_receive(f, fd)) {
		if (stock.pages-- == 0)
			fake_answer_error(f, fd, CONTIG_MSG_R_DENIED, "enough");
		else
			answer_page(f, fd);
	}
}

static void with(uint32_t entries, int pages)
{
	stock = (struct stock){.entries = entries, .pages = pages};
	fake_start(&fake, serve_lists, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
}

static void done(void)
{
	contig_close(contig);
	fake_stop(&fake);
}

static const uint32_t sizes[] = {0, 1, 39, 40, 92, 93, 97, 98, 340, 341, 1000};

#define N_SIZES (int)(sizeof(sizes) / sizeof(*sizes))

START_TEST(lists_backends)
{
	struct contig_backend_info *array = (void *)&fake;
	size_t count = 99;

	with(sizes[_i], -1);
	ck_assert_int_eq(contig_list_backends(contig, &array, &count), 0);
	ck_assert_uint_eq(count, sizes[_i]);
	ck_assert_int_eq(array == NULL, count == 0);
	for (size_t i = 0; i < count; i++) {
		ck_assert_str_eq(array[i].name, "backend");
		ck_assert_str_eq(array[i].text, "gives all");
		ck_assert_int_eq(array[i].serves, 1);
		ck_assert_uint_eq(array[i].guarantees, (i + 1) * 2 % 32);
	}
	free(array);
	done();
}
END_TEST

START_TEST(lists_regions)
{
	struct contig_region_info *array = (void *)&fake;
	size_t count = 99;

	with(sizes[_i], -1);
	ck_assert_int_eq(contig_list_regions(contig, &array, &count), 0);
	ck_assert_uint_eq(count, sizes[_i]);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(array[i].base, i != 1 ? (i + 1) * 2 : 0);
		ck_assert_int_eq(array[i].has_base, i != 1);
		ck_assert_int_eq(array[i].is_default, i == 0);
		ck_assert_str_eq(array[i].name, "region");
		ck_assert_str_eq(array[i].backend, "simulated");
		ck_assert_uint_eq(array[i].span_bytes, 90);
		ck_assert_uint_eq(array[i].size_bytes, 80);
		ck_assert_uint_eq(array[i].free_bytes, 70);
		ck_assert_uint_eq(array[i].largest_free_bytes, 60);
		ck_assert_uint_eq(array[i].lent_bytes, 50);
		ck_assert_uint_eq(array[i].draining_bytes, 40);
		ck_assert_uint_eq(array[i].dirty_bytes, 30);
		ck_assert_uint_eq(array[i].guarding_bytes, 4);
		ck_assert_uint_eq(array[i].guard_bytes, 48);
		ck_assert_uint_eq(array[i].damaged_guards, 7);
		ck_assert_uint_eq(array[i].quarantined_bytes, 5);
		ck_assert_uint_eq(array[i].granule_bytes, 16);
		ck_assert_uint_eq(array[i].guarantees, CONTIG_CACHED);
		ck_assert_uint_eq(array[i].buffers, 10);
	}
	free(array);
	done();
}
END_TEST

START_TEST(lists_buffers)
{
	struct contig_buffer_info *array = (void *)&fake;
	size_t count = 99;

	with(sizes[_i], -1);
	ck_assert_int_eq(contig_list_buffers(contig, &array, &count), 0);
	ck_assert_uint_eq(count, sizes[_i]);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(array[i].id, (i + 1) * 2);
	free(array);
	done();
}
END_TEST

START_TEST(lists_clients)
{
	struct contig_client_info *array = (void *)&fake;
	size_t count = 99;

	with(sizes[_i], -1);
	ck_assert_int_eq(contig_list_clients(contig, &array, &count), 0);
	ck_assert_uint_eq(count, sizes[_i]);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(array[i].pid, (int)(i + 1) * 2);
		ck_assert_uint_eq(array[i].connected_ms, 5);
		ck_assert_uint_eq(array[i].buffers, 6);
		ck_assert_uint_eq(array[i].bytes, 7);
		ck_assert_uint_eq(array[i].uid, 8);
		ck_assert_uint_eq(array[i].gid, 9);
	}
	free(array);
	done();
}
END_TEST

START_TEST(a_list_comes_whole_or_not_at_all)
{
	struct contig_buffer_info *array = (void *)&fake;
	size_t count = 99;

	with(1000, _i);
	ck_assert_int_eq(contig_list_buffers(contig, &array, &count), -EACCES);
	ck_assert_ptr_eq(array, (void *)&fake);
	ck_assert_uint_eq(count, 99);
	done();
}
END_TEST

/* Answers one page at a time; no further request gets through, so that none is
 * lost. */
static void serve_a_page(struct fake *f, int fd, unsigned int n)
{
	(void)n;
	fake_greet(f, fd);
	if (!fake_receive(f, fd))
		return;
	ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
	answer_page(f, fd);
}

START_TEST(a_list_comes_from_one_daemon)
{
	struct contig_client_info *array = (void *)&fake;
	size_t count = 99;

	stock = (struct stock){.entries = 340};
	fake_start(&fake, serve_a_page, NULL);
	ck_assert_int_eq(contig_open(&contig, fake.path), 0);
	ck_assert_int_eq(contig_list_clients(contig, &array, &count), 0);
	ck_assert_uint_eq(count, 340);
	free(array);
	array = (void *)&fake;
	stock.entries++;
	ck_assert_int_eq(contig_list_clients(contig, &array, &count),
			 -ECONNRESET);
	ck_assert_ptr_eq(array, (void *)&fake);
	ck_assert_uint_eq(count, 340);
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcontig lists");
	TCase *tcase = harness_case(suite, "lists");

	tcase_add_loop_test(tcase, lists_backends, 0, N_SIZES);
	tcase_add_loop_test(tcase, lists_regions, 0, N_SIZES);
	tcase_add_loop_test(tcase, lists_buffers, 0, N_SIZES);
	tcase_add_loop_test(tcase, lists_clients, 0, N_SIZES);
	tcase_add_loop_test(tcase, a_list_comes_whole_or_not_at_all, 0, 3);
	tcase_add_test(tcase, a_list_comes_from_one_daemon);
	return harness_run(suite);
}
