/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SHELF_H
#define DAEMON_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/shelf_queue.h"
#include "util/error.h"
#include "util/list.h"

/*
 * One place where descriptors lie that must outlive the daemon: the queue of a
 * pair of sockets, both ends of which the service manager keeps.
 */

#define SHELF_BATCH SHELF_QUEUE_BATCH /* items that can be put at once */

/* One descriptor with an id; embedded in what it belongs to. */
struct shelf_item {
	struct list link;    // shelf::items
	struct shelf *shelf; /* NULL: it lies on none */
	uint64_t id;
	int fd; /* borrowed, the same file as the one on the shelf */
};

static inline void shelf_item_init(struct shelf_item *item, uint64_t id, int fd)
{
	list_init(&item->link);
	item->shelf = NULL;
	item->id = id;
	item->fd = fd;
}

/* The service manager; its functions are those of manager.h. */
struct shelf_keeper {
	int (*store)(const char *name, int fd_borrow);
	int (*forget)(const char *name);
	int (*prove_store)(uint64_t limit_ms, struct error *why);
};

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

/* One without a queue; NULL: out of memory. */
struct shelf *shelf_new(unsigned int number);
/* Closes the sockets; what the manager keeps of them stays as it is.  The items
 * lie on none.  Returns NULL. */
struct shelf *shelf_free(struct shelf *shelf);

/* Leaves both ends with the manager.  0 where he does not keep them, too, which
 * is logged; or an error that may pass. */
int shelf_leave(const struct shelf *shelf, const struct shelf_keeper *keeper);
/* The manager need not keep them any more. */
void shelf_give_up(const struct shelf *shelf, const struct shelf_keeper *keeper);

/* The number of a shelf and which end of it, 'a' or 'b', by the name under
 * which the manager has it; false: the name is none of a shelf. */
bool shelf_read_name(const char *name, unsigned int *numberp, char *endp);
/* An end of an earlier daemon's shelf. */
void shelf_inherit_consume(struct shelf *shelf, char end, int fd);
/* Whether it has both ends. */
bool shelf_is_whole(const struct shelf *shelf);

/* Puts n items, at most SHELF_BATCH, as one message; where they lay before is
 * garbage.  0; -EAGAIN: there is no room; or what sendmsg(2) gives. */
int shelf_put(struct shelf *shelf, struct shelf_item *const *items, size_t n);
/* An item that lies on a shelf becomes garbage. */
void shelf_drop(struct shelf_item *item);

/* Whether enough of it is garbage. */
bool shelf_needs_tidying(const struct shelf *shelf);
/* The items that have lain there longest, at most so many; returns how many. */
size_t shelf_first_items(const struct shelf *shelf, size_t most,
			 struct shelf_item **items);
/* Takes so many messages off the head, in which no item lies that does not lie
 * behind them or elsewhere as well; as many as it can. */
void shelf_take_off(struct shelf *shelf, size_t n_messages);

#endif
