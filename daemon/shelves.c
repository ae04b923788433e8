/* SPDX-License-Identifier: MIT */
#include "daemon/shelves.h"

#include <errno.h>
#include <string.h>

#include "util/fd.h"
#include "util/log.h"

/*
 * The manager's store would take each descriptor by itself, but it never says
 * that it did, compares a new one with all that it has, and hands them back in
 * one environment variable of limited length.  So it keeps a few pairs of
 * sockets, and the descriptors lie in their queues.
 *
 * At every instant each item is in one place at least: it is sent anew, to any
 * shelf that has room, before it is taken off where it lay.  Two places are
 * found out by the id.
 *
 * One message carries what was lent by one request, or up to SHELF_BATCH when a
 * shelf is tidied.  A shelf that is full gets company, and one that is empty
 * goes, but for one.
 */

/* ---- shelves ------------------------------------------------------------ */

static struct shelf *find_shelf(const struct shelves *shelves,
				unsigned int number)
{
	struct shelf *shelf;

	list_for_each (shelf, &shelves->all, link)
		if (shelf->number == number)
			return shelf;
	return NULL;
}

static struct shelf *make_shelf(struct shelves *shelves, unsigned int number)
{
	struct shelf *shelf = shelf_new(number);

	if (shelf)
		list_append(&shelves->all, &shelf->link);
	return shelf;
}

static void free_shelf(struct shelves *shelves, struct shelf *shelf)
{
	if (shelves->current == shelf)
		shelves->current = NULL;
	(void)shelf_free(shelf);
}

static void discard_shelf(struct shelves *shelves, struct shelf *shelf)
{
	shelf_give_up(shelf, shelves->keeper);
	free_shelf(shelves, shelf);
}

static int add_shelf(struct shelves *shelves, struct shelf **shelfp)
{
	unsigned int number = 0;
	struct shelf *shelf;
	int r;

	while (find_shelf(shelves, number))
		number++;
	shelf = make_shelf(shelves, number);
	if (!shelf)
		return -ENOMEM;
	r = shelf_queue_init(&shelf->queue);
	if (r < 0) {
		free_shelf(shelves, shelf);
		return r;
	}
	r = shelf_leave(shelf, shelves->keeper);
	if (r < 0) {
		discard_shelf(shelves, shelf);
		return r;
	}
	*shelfp = shelf;
	return 0;
}

int shelves_put(struct shelves *shelves, struct shelf_item *const *items,
		size_t n)
{
	struct shelf *shelf = shelves->current;
	int r = shelf ? shelf_put(shelf, items, n) : -EAGAIN;

	if (r == -EAGAIN) {
		list_for_each (shelf, &shelves->all, link) {
			r = shelf_put(shelf, items, n);
			if (r != -EAGAIN)
				break;
		}
	}
	if (r == -EAGAIN) {
		r = add_shelf(shelves, &shelf);
		if (r == 0)
			r = shelf_put(shelf, items, n);
	}
	if (r == 0)
		shelves->current = shelf;
	return r;
}

/* ---- tidying ------------------------------------------------------------ */

/* One shelf without anything on it is kept for the next item. */
static void discard_empty(struct shelves *shelves)
{
	struct shelf *shelf, *next, *spare = NULL;

	list_for_each_safe (shelf, next, &shelves->all, link) {
		if (shelf->inherited || shelf->n_messages > 0)
			continue;
		if (spare)
			discard_shelf(shelves, shelf);
		else
			spare = shelf;
	}
}

/* Sends what is needed once more, perhaps to the same shelf, and then takes off
 * what was there before.  What cannot be sent or taken off stays until the next
 * time. */
static void tidy(struct shelves *shelves, struct shelf *shelf)
{
	size_t n_messages = shelf->n_messages;
	size_t left = shelf->n_items;

	shelf->untidy = true;
	while (left > 0) {
		struct shelf_item *items[SHELF_BATCH];
		size_t n = shelf_first_items(
			shelf, left < SHELF_BATCH ? left : SHELF_BATCH, items);

		if (shelves_put(shelves, items, n) < 0)
			return;
		left -= n;
	}
	shelf_take_off(shelf, n_messages);
}

void shelves_drop(struct shelves *shelves, struct shelf_item *item)
{
	struct shelf *shelf = item->shelf;
	size_t n = 0;

	if (!shelf)
		return;
	shelf_drop(item);
	list_for_each (shelf, &shelves->all, link) {
		if (shelf_needs_tidying(shelf))
			tidy(shelves, shelf);
		n += shelf->n_messages == 0;
	}
	if (n > 1)
		discard_empty(shelves);
}

/* ---- what was inherited -------------------------------------------------- */

bool shelves_are_in(const struct inheritance *inheritance)
{
	unsigned int number;
	char end;

	for (size_t i = 0; i < inheritance->n; i++)
		if (shelf_read_name(inheritance->items[i].name, &number, &end))
			return true;
	return false;
}

static int inherit_end(struct shelves *shelves, unsigned int number, char end,
		       int fd)
{
	struct shelf *shelf = find_shelf(shelves, number);

	if (!shelf)
		shelf = make_shelf(shelves, number);
	if (!shelf) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	shelf_inherit_consume(shelf, end, fd);
	return 0;
}

int shelves_inherit(struct shelves *shelves, struct inheritance *inheritance)
{
	struct shelf *shelf, *next;

	for (size_t i = 0; i < inheritance->n;) {
		unsigned int number;
		char end;
		int r;

		if (!shelf_read_name(inheritance->items[i].name, &number, &end)) {
			i++;
			continue;
		}
		r = inherit_end(shelves, number, end,
				inheritance_take_at(inheritance, i));
		if (r < 0)
			return r;
	}
	/* one end alone: its daemon was killed before it put anything there */
	list_for_each_safe (shelf, next, &shelves->all, link)
		if (!shelf_is_whole(shelf))
			discard_shelf(shelves, shelf);
	return 0;
}

/* Moves what is needed of the message at the head. */
static int recover_message(struct shelves *shelves,
			   const struct shelf_batch *batch, shelf_found_fn *fn,
			   void *data)
{
	struct shelf_item *items[SHELF_BATCH];
	size_t n = 0;

	for (size_t i = 0; i < batch->n; i++) {
		struct shelf_item *item;
		int r = fn(data, batch->ids[i], batch->fds[i], &item);

		if (r < 0) {
			while (++i < batch->n)
				(void)fd_close(batch->fds[i]);
			return r;
		}
		if (item)
			items[n++] = item;
	}
	return n > 0 ? shelves_put(shelves, items, n) : 0;
}

/* 0: all of it was moved, and it can be used like any other. */
static int recover_shelf(struct shelves *shelves, struct shelf *shelf,
			 shelf_found_fn *fn, void *data)
{
	struct shelf_batch batch;
	int r;

	while ((r = shelf_queue_peek(&shelf->queue, &batch)) == 0) {
		r = recover_message(shelves, &batch, fn, data);
		if (r == 0)
			r = shelf_queue_pop(&shelf->queue);
		if (r < 0)
			return r;
	}
	if (r != -EAGAIN)
		return r;
	shelf->inherited = false;
	return 0;
}

int shelves_recover(struct shelves *shelves, shelf_found_fn *fn, void *data)
{
	struct shelf *shelf, *next;
	int result = 0;

	list_for_each_safe (shelf, next, &shelves->all, link) {
		int r;

		if (!shelf->inherited)
			continue;
		r = recover_shelf(shelves, shelf, fn, data);
		if (r == 0)
			continue;
		if (error_may_pass(r))
			return r;
		result = r;
		log_err("shelf %u cannot be read to its end: %s", shelf->number,
			strerror(-r));
	}
	discard_empty(shelves);
	return result;
}

void shelves_init(struct shelves *shelves, const struct shelf_keeper *keeper)
{
	shelves->keeper = keeper;
	list_init(&shelves->all);
	shelves->current = NULL;
}

void shelves_deinit(struct shelves *shelves)
{
	struct shelf *shelf, *next;

	list_for_each_safe (shelf, next, &shelves->all, link)
		free_shelf(shelves, shelf);
}
