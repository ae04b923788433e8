/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SHELVES_H
#define DAEMON_SHELVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/inheritance.h"
#include "daemon/shelf.h"
#include "util/list.h"

/* As many shelves as it takes. */
struct shelves {
	const struct shelf_keeper *keeper; /* borrowed */
	struct list all;		   // shelf::link
	struct shelf *current; /* where the last one went; may be NULL */
};

void shelves_init(struct shelves *shelves, const struct shelf_keeper *keeper);
/* Closes the sockets; what the manager keeps of them stays as it is. */
void shelves_deinit(struct shelves *shelves);

/* Whether any was inherited. */
bool shelves_are_in(const struct inheritance *inheritance);
/* Takes the shelves out of what was inherited.  -ENOMEM. */
int shelves_inherit(struct shelves *shelves, struct inheritance *inheritance);

/* Called for each descriptor that is found, which becomes the callee's.  It
 * gives the item, with its fd set, that is to go on lying on a shelf, or NULL
 * where nobody needs it any more or it was found before: whoever was killed
 * while he moved it left it in two places.  0, or a negative errno, which ends
 * the search. */
typedef int shelf_found_fn(void *data, uint64_t id, int fd,
			   struct shelf_item **itemp);

/* Goes through everything that was inherited; to be called once and before
 * anything is put.  Afterwards each of the items that fn gave lies on one
 * shelf, once.  A negative errno: not all was found; nothing is lost by it.
 * Where error_may_pass(), whoever comes next finds everything. */
int shelves_recover(struct shelves *shelves, shelf_found_fn *fn, void *data);

/* Puts n items, at most SHELF_BATCH, that lie on none: all or nothing.  Once
 * this returns 0, they outlive the daemon.  Or what socketpair(2), sendmsg(2)
 * and the keeper give, -ETOOMANYREFS among them: the user's limit of open files
 * counts for those in queues, too. */
int shelves_put(struct shelves *shelves, struct shelf_item *const *items,
		size_t n);

/* Nobody needs the item any more.  Sooner or later its descriptor goes. */
void shelves_drop(struct shelves *shelves, struct shelf_item *item);

#endif
