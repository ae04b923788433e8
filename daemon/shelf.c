/* SPDX-License-Identifier: MIT */
#include "daemon/shelf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/manager.h"
#include "daemon/shelf_queue.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * The manager's store would take each descriptor by itself, but it never says
 * that it did, compares a new one with all that it has, and hands them back in
 * one environment variable of limited length.  So it keeps a few pairs of
 * sockets, and the descriptors lie in their queues (shelf_queue.c).
 *
 * A queue is read at its head only, so a shelf is used like a log.  A
 * descriptor that is no longer needed stays where it is, as garbage, until more
 * than half of the shelf is; then what is needed is sent once more, and as many
 * messages are taken off the head as there were before.  At every instant each
 * item is in one place at least; two places are found out by the id.
 *
 * One message carries what was lent by one request, or up to SHELF_BATCH when a
 * shelf is tidied.
 *
 * How much a queue takes is a limit in bytes on the sending socket.  A shelf
 * that is full gets company.
 */

#define TIDY_GARBAGE 8 /* less is left alone */
#define PROOF_MS     200

struct shelf {
	struct list link;  // shelves::all
	struct list items; // shelf_item::link
	unsigned int number;
	struct shelf_queue queue;
	size_t n_items;
	size_t n_garbage;
	size_t n_messages;
	bool inherited; /* not gone through yet: nothing is put there */
	bool full;	/* it said so, and nothing was taken off since */
	bool untidy;	/* tidying failed half-way: some items lie twice */
};

static void name_end(char name[MANAGER_NAME_BYTES], unsigned int number,
		     char end)
{
	(void)snprintf(name, MANAGER_NAME_BYTES, "shelf-%u.%c", number, end);
}

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

static struct shelf *new_shelf(struct shelves *shelves, unsigned int number)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));

	if (!shelf)
		return NULL;
	list_init(&shelf->items);
	shelf->number = number;
	shelf->queue = (struct shelf_queue){-1, -1};
	list_append(&shelves->all, &shelf->link);
	return shelf;
}

static void free_shelf(struct shelves *shelves, struct shelf *shelf)
{
	struct shelf_item *item;

	while ((item = list_first(&shelf->items, struct shelf_item, link))) {
		list_remove(&item->link);
		item->shelf = NULL;
	}
	if (shelves->current == shelf)
		shelves->current = NULL;
	list_remove(&shelf->link);
	shelf_queue_deinit(&shelf->queue);
	free(shelf);
}

static void discard_shelf(struct shelves *shelves, struct shelf *shelf)
{
	char name[MANAGER_NAME_BYTES];

	name_end(name, shelf->number, 'a');
	(void)shelves->keeper->forget(name);
	name_end(name, shelf->number, 'b');
	(void)shelves->keeper->forget(name);
	free_shelf(shelves, shelf);
}

/* Where the manager keeps no more, the daemon still lends, and what it lends is
 * quarantined when it is started anew: worse, but better than lending nothing.
 * An error that may pass is not put up with: nothing lies on the shelf yet. */
static int leave_with_manager(struct shelves *shelves,
			      const struct shelf *shelf)
{
	char name[MANAGER_NAME_BYTES];
	struct error why = ERROR_INIT;
	int r;

	name_end(name, shelf->number, 'a');
	r = shelves->keeper->store(name, shelf->queue.in_fd);
	if (r == 0) {
		name_end(name, shelf->number, 'b');
		r = shelves->keeper->store(name, shelf->queue.out_fd);
	}
	if (r < 0)
		error_write(&why, "the service manager cannot be told: %s",
			    strerror(-r));
	else
		r = shelves->keeper->prove_store(PROOF_MS, &why);
	if (error_may_pass(r))
		return r;
	if (r < 0)
		log_warning("buffers lent from now on may not survive a "
			    "restart: %s",
			    why.text);
	return 0;
}

static int add_shelf(struct shelves *shelves, struct shelf **shelfp)
{
	unsigned int number = 0;
	struct shelf *shelf;
	int r;

	while (find_shelf(shelves, number))
		number++;
	shelf = new_shelf(shelves, number);
	if (!shelf)
		return -ENOMEM;
	r = shelf_queue_init(&shelf->queue);
	if (r < 0) {
		free_shelf(shelves, shelf);
		return r;
	}
	r = leave_with_manager(shelves, shelf);
	if (r < 0) {
		discard_shelf(shelves, shelf);
		return r;
	}
	*shelfp = shelf;
	return 0;
}

/* 0, -EAGAIN: there is no room, or what sendmsg(2) gives. */
static int send_items(const struct shelf *shelf,
		      struct shelf_item *const *items, size_t n)
{
	struct shelf_batch batch;

	for (batch.n = 0; batch.n < n; batch.n++) {
		batch.ids[batch.n] = items[batch.n]->id;
		batch.fds[batch.n] = items[batch.n]->fd;
	}
	return shelf_queue_send(&shelf->queue, &batch);
}

static int try_shelf(struct shelf *shelf, struct shelf_item *const *items,
		     size_t n)
{
	int r;

	if (shelf->inherited || shelf->full)
		return -EAGAIN;
	r = send_items(shelf, items, n);
	if (r == -EAGAIN)
		shelf->full = true;
	return r;
}

static int send_somewhere(struct shelves *shelves,
			  struct shelf_item *const *items, size_t n,
			  struct shelf **shelfp)
{
	struct shelf *shelf = shelves->current;
	int r = shelf ? try_shelf(shelf, items, n) : -EAGAIN;

	if (r == -EAGAIN) {
		list_for_each (shelf, &shelves->all, link) {
			r = try_shelf(shelf, items, n);
			if (r != -EAGAIN)
				break;
		}
	}
	if (r == -EAGAIN) {
		r = add_shelf(shelves, &shelf);
		if (r == 0)
			r = try_shelf(shelf, items, n);
	}
	*shelfp = shelf;
	return r;
}

/* Puts items on a shelf; what lay on another is garbage there. */
static int put(struct shelves *shelves, struct shelf_item *const *items,
	       size_t n)
{
	struct shelf *shelf;
	int r = send_somewhere(shelves, items, n, &shelf);

	if (r < 0)
		return r;
	shelves->current = shelf;
	shelf->n_messages++;
	for (size_t i = 0; i < n; i++) {
		struct shelf *former = items[i]->shelf;

		if (former) {
			former->n_items--;
			former->n_garbage++;
		}
		list_remove(&items[i]->link);
		list_append(&shelf->items, &items[i]->link);
		items[i]->shelf = shelf;
		shelf->n_items++;
	}
	return 0;
}

int shelves_put(struct shelves *shelves, struct shelf_item *const *items,
		size_t n)
{
	return put(shelves, items, n);
}

/* ---- tidying ------------------------------------------------------------ */

static size_t first_items(const struct shelf *shelf, size_t most,
			  struct shelf_item **items)
{
	struct shelf_item *item;
	size_t n = 0;

	list_for_each (item, &shelf->items, link) {
		if (n == most)
			break;
		items[n++] = item;
	}
	return n;
}

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
		size_t n = first_items(
			shelf, left < SHELF_BATCH ? left : SHELF_BATCH, items);

		if (put(shelves, items, n) < 0)
			return;
		left -= n;
	}
	shelf->n_garbage = 0;
	shelf->full = false;
	for (; n_messages > 0 && shelf_queue_pop(&shelf->queue) == 0;
	     n_messages--)
		shelf->n_messages--;
	shelf->untidy = n_messages > 0;
}

static bool needs_tidying(const struct shelf *shelf)
{
	if (shelf->inherited)
		return false;
	if (shelf->untidy)
		return true;
	return (shelf->n_garbage > 0 && shelf->n_items == 0) ||
	       (shelf->n_garbage >= TIDY_GARBAGE &&
		shelf->n_garbage > shelf->n_items);
}

void shelves_drop(struct shelves *shelves, struct shelf_item *item)
{
	struct shelf *shelf = item->shelf;
	size_t n = 0;

	if (!shelf)
		return;
	list_remove(&item->link);
	item->shelf = NULL;
	shelf->n_items--;
	shelf->n_garbage++;
	list_for_each (shelf, &shelves->all, link) {
		if (needs_tidying(shelf))
			tidy(shelves, shelf);
		n += shelf->n_messages == 0;
	}
	if (n > 1)
		discard_empty(shelves);
}

/* ---- what was inherited -------------------------------------------------- */

/* The number of a shelf and which end of it, or false. */
static bool read_name(const char *name, unsigned int *numberp, char *endp)
{
	char same[MANAGER_NAME_BYTES];

	if (sscanf(name, "shelf-%u.%c", numberp, endp) != 2 ||
	    (*endp != 'a' && *endp != 'b'))
		return false;
	name_end(same, *numberp, *endp);
	return strcmp(name, same) == 0;
}

bool shelves_are_in(const struct inheritance *inheritance)
{
	unsigned int number;
	char end;

	for (size_t i = 0; i < inheritance->n; i++)
		if (read_name(inheritance->items[i].name, &number, &end))
			return true;
	return false;
}

static int inherit_end(struct shelves *shelves, unsigned int number, char end,
		       int fd)
{
	struct shelf *shelf = find_shelf(shelves, number);
	int *place;

	if (!shelf)
		shelf = new_shelf(shelves, number);
	if (!shelf) {
		(void)fd_close(fd);
		return -ENOMEM;
	}
	shelf->inherited = true;
	place = end == 'a' ? &shelf->queue.in_fd : &shelf->queue.out_fd;
	(void)fd_close(*place);
	*place = fd;
	return 0;
}

int shelves_inherit(struct shelves *shelves, struct inheritance *inheritance)
{
	struct shelf *shelf, *next;

	for (size_t i = 0; i < inheritance->n;) {
		unsigned int number;
		char end;
		int r;

		if (!read_name(inheritance->items[i].name, &number, &end)) {
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
		if (shelf->queue.in_fd < 0 || shelf->queue.out_fd < 0)
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
	return n > 0 ? put(shelves, items, n) : 0;
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
