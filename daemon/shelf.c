/* SPDX-License-Identifier: MIT */
#include "daemon/shelf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/manager.h"
#include "util/fd.h"
#include "util/log.h"

/*
 * A queue (shelf_queue.c) is read at its head only, so a shelf is used like a
 * log.  A descriptor that is no longer needed stays where it is, as garbage,
 * until more than half of the shelf is; then what is needed is sent once more,
 * and as many messages are taken off the head as there were before.
 *
 * What is counted here is what this daemon sent and took off.  Nobody else
 * does either while it runs, so the counts are those of the queue; but for an
 * inherited shelf, of which nothing is known until it was gone through.
 *
 * How much a queue takes is a limit in bytes on the sending socket: it is full
 * when it says so, and has room again once something was taken off.
 */

#define TIDY_GARBAGE 8 /* less is left alone */
#define PROOF_MS     200

static void name_end(char name[MANAGER_NAME_BYTES], unsigned int number,
		     char end)
{
	(void)snprintf(name, MANAGER_NAME_BYTES, "shelf-%u.%c", number, end);
}

struct shelf *shelf_new(unsigned int number)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));

	if (!shelf)
		return NULL;
	list_init(&shelf->link);
	list_init(&shelf->items);
	shelf->number = number;
	shelf->queue = (struct shelf_queue){-1, -1};
	return shelf;
}

struct shelf *shelf_free(struct shelf *shelf)
{
	struct shelf_item *item;

	while ((item = list_first(&shelf->items, struct shelf_item, link))) {
		list_remove(&item->link);
		item->shelf = NULL;
	}
	list_remove(&shelf->link);
	shelf_queue_deinit(&shelf->queue);
	free(shelf);
	return NULL;
}

/* Where the manager keeps no more, the daemon still lends, and what it lends is
 * quarantined when it is started anew: worse, but better than lending nothing.
 * An error that may pass is not put up with: nothing lies on the shelf yet. */
int shelf_leave(const struct shelf *shelf, const struct shelf_keeper *keeper)
{
	char name[MANAGER_NAME_BYTES];
	struct error why = ERROR_INIT;
	int r;

	name_end(name, shelf->number, 'a');
	r = keeper->store(name, shelf->queue.in_fd);
	if (r == 0) {
		name_end(name, shelf->number, 'b');
		r = keeper->store(name, shelf->queue.out_fd);
	}
	if (r < 0)
		error_write(&why, "the service manager cannot be told: %s",
			    strerror(-r));
	else
		r = keeper->prove_store(PROOF_MS, &why);
	if (error_may_pass(r))
		return r;
	if (r < 0)
		log_warning("buffers lent from now on may not survive a "
			    "restart: %s",
			    why.text);
	return 0;
}

void shelf_give_up(const struct shelf *shelf, const struct shelf_keeper *keeper)
{
	char name[MANAGER_NAME_BYTES];

	name_end(name, shelf->number, 'a');
	(void)keeper->forget(name);
	name_end(name, shelf->number, 'b');
	(void)keeper->forget(name);
}

bool shelf_read_name(const char *name, unsigned int *numberp, char *endp)
{
	char same[MANAGER_NAME_BYTES];

	if (sscanf(name, "shelf-%u.%c", numberp, endp) != 2 ||
	    (*endp != 'a' && *endp != 'b'))
		return false;
	name_end(same, *numberp, *endp);
	return strcmp(name, same) == 0;
}

void shelf_inherit_consume(struct shelf *shelf, char end, int fd)
{
	int *place = end == 'a' ? &shelf->queue.in_fd : &shelf->queue.out_fd;

	shelf->inherited = true;
	(void)fd_close(*place);
	*place = fd;
}

bool shelf_is_whole(const struct shelf *shelf)
{
	return shelf->queue.in_fd >= 0 && shelf->queue.out_fd >= 0;
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

void shelf_drop(struct shelf_item *item)
{
	struct shelf *shelf = item->shelf;

	list_remove(&item->link);
	item->shelf = NULL;
	shelf->n_items--;
	shelf->n_garbage++;
}

int shelf_put(struct shelf *shelf, struct shelf_item *const *items, size_t n)
{
	int r;

	if (shelf->inherited || shelf->full)
		return -EAGAIN;
	r = send_items(shelf, items, n);
	if (r == -EAGAIN)
		shelf->full = true;
	if (r < 0)
		return r;
	shelf->n_messages++;
	for (size_t i = 0; i < n; i++) {
		if (items[i]->shelf)
			shelf_drop(items[i]);
		list_append(&shelf->items, &items[i]->link);
		items[i]->shelf = shelf;
		shelf->n_items++;
	}
	return 0;
}

bool shelf_needs_tidying(const struct shelf *shelf)
{
	if (shelf->inherited)
		return false;
	if (shelf->untidy)
		return true;
	return (shelf->n_garbage > 0 && shelf->n_items == 0) ||
	       (shelf->n_garbage >= TIDY_GARBAGE &&
		shelf->n_garbage > shelf->n_items);
}

size_t shelf_first_items(const struct shelf *shelf, size_t most,
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

void shelf_take_off(struct shelf *shelf, size_t n_messages)
{
	shelf->n_garbage = 0;
	shelf->full = false;
	for (; n_messages > 0 && shelf_queue_pop(&shelf->queue) == 0;
	     n_messages--)
		shelf->n_messages--;
	shelf->untidy = n_messages > 0;
}
