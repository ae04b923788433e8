/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_TURNS_H
#define DAEMON_TURNS_H

#include <stdbool.h>

#include "daemon/account.h"
#include "daemon/loop.h"
#include "util/list.h"

/* A connection's place in the queue. */
struct turn {
	struct list link;	 // account::turns
	struct account *account; /* borrowed: who connected */
};

typedef void turn_fn(struct turn *turn);

/*
 * Those who have something to do, by user.  Users take turns, and of each user
 * the connections, however many they are.
 */
struct turns {
	struct list round;    // account::turn_link: those still to come in it
	struct list accounts; // account::turn_link: those of the next round
	struct timer *timer;  /* the next round */
	bool in_round;
	turn_fn *fn;
};

/* fn takes a turn; it has been taken out of the queue before, and may be added
 * again, or go.  0 or -ENOMEM. */
int turns_init(struct turns *turns, struct loop *loop, turn_fn *fn);
/* The queue must be empty, or nothing in it be used any more. */
void turns_deinit(struct turns *turns);

/* account lives as long as the turn is in the queue. */
void turn_init(struct turn *turn, struct account *account);
/* At the end of the queue, where it is in it not yet. */
void turns_add(struct turns *turns, struct turn *turn);
/* Whether anybody waits for a turn, but for who has his now. */
bool turns_wait(const struct turns *turns);
/* Out of the queue, where it is in it. */
void turn_remove(struct turn *turn);

#endif
